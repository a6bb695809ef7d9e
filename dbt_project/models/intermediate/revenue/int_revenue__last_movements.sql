{{ config(materialized='view') }}
select
    past_customer_id,
    currency,
    movement_date,
    movement,
    reason
from {{
    published('fct_mrr_movements', {
        'past_customer_id': 'varchar', 'currency': 'varchar', 'movement_date': 'date', 'movement': 'varchar',
        'reason': 'varchar'
    })
}}
