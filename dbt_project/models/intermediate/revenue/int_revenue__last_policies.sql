{{ config(materialized='view') }}
select distinct
    policy,
    policy_version
from {{
    published('rpt_definition_reconciliation', {
        'policy': 'varchar', 'policy_version': 'varchar', 'is_active': 'boolean'
    })
}}
where is_active
