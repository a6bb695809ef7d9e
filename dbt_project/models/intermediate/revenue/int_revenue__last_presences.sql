{{ config(materialized='view') }}
select
    followed_id,
    from_date,
    to_date,
    end_cause
from {{
    published('fct_customer_presences', {
        'followed_id': 'varchar', 'from_date': 'date', 'to_date': 'date', 'end_cause': 'varchar'
    })
}}
