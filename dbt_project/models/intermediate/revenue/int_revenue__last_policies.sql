{{ config(materialized='view') }}
select distinct
    policy,
    policy_version,
    is_active
from {{
    published('rpt_definition_reconciliation', {
        'policy': 'varchar', 'policy_version': 'varchar', 'is_active': 'boolean'
    })
}}
