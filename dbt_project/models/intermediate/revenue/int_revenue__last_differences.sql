{{ config(materialized='view') }}
select
    month,
    currency,
    reason,
    source,
    source_subscription_id,
    source_invoice_id,
    source_invoice_line_id,
    amount
from {{
    published('fct_billing_differences', {
        'month': 'date', 'currency': 'varchar', 'reason': 'varchar', 'source': 'varchar',
        'source_subscription_id': 'varchar', 'source_invoice_id': 'varchar', 'source_invoice_line_id': 'varchar',
        'amount': 'decimal(18, 4)'
    })
}}
