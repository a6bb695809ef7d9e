{{ config(materialized='view') }}
{%- set amounts = [
    'due_amount', 'renewed_amount', 'upsell_amount', 'reporting_due_amount', 'reporting_renewed_amount',
    'reporting_kept_amount', 'reporting_upsell_amount'
] -%}
{%- set columns = {
    'renewal_id': 'varchar', 'customer_id': 'varchar', 'is_auto_renewing': 'boolean', 'due_date': 'date',
    'due_month': 'date', 'state': 'varchar'
} -%}
{%- for amount in amounts %}{% do columns.update({amount: 'decimal(18, 4)'}) %}{% endfor -%}
select {{ columns | join(', ') }}
from {{ published('fct_renewals', columns) }}
