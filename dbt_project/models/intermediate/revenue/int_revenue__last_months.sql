{{ config(materialized='view') }}
{%- set amounts = [
    'opening_amount', 'new_amount', 'expansion_amount', 'contraction_amount', 'churn_amount', 'reactivation_amount',
    'scope_change_amount', 'closing_amount', 'lowest_amount', 'reporting_opening_amount', 'reporting_closing_amount',
    'reporting_fx_amount'
] -%}
{%- set columns = {
    'followed_id': 'varchar', 'past_customer_id': 'varchar', 'currency': 'varchar', 'month': 'date',
    'is_complete': 'boolean'
} -%}
{%- for amount in amounts %}{% do columns.update({amount: 'decimal(18, 4)'}) %}{% endfor -%}
select
    followed_id,
    past_customer_id,
    currency,
    month,
    {%- for amount in amounts %}
        {{ amount }},
    {%- endfor %}
    is_complete
from {{ published('fct_customer_months', columns) }}
