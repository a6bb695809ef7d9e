{#-
    The figures that are followed as trends: where each is published, over how many months, over how many customers, and
    whether it is bad when it rises.
-#}
{% macro headline_metrics() -%}
    {{ return([
        {'metric': 'mrr', 'table': 'rpt_mrr_months', 'value': 'closing_amount', 'n': 'closing_customer_count'},
        {'metric': 'paying_customers', 'table': 'rpt_mrr_months', 'value': 'closing_customer_count',
         'n': 'closing_customer_count'},
        {'metric': 'arpa', 'table': 'rpt_mrr_months', 'value': 'arpa_amount', 'n': 'closing_customer_count'},
        {'metric': 'gross_mrr_churn_rate', 'table': 'rpt_mrr_months', 'value': 'gross_mrr_churn_rate',
         'n': 'opening_customer_count', 'is_bad': true},
        {'metric': 'net_mrr_churn_rate', 'table': 'rpt_mrr_months', 'value': 'net_mrr_churn_rate',
         'n': 'opening_customer_count', 'is_bad': true},
        {'metric': 'expansion_rate', 'table': 'rpt_mrr_months', 'value': 'expansion_rate', 'n': 'opening_customer_count'},
        {'metric': 'quick_ratio', 'table': 'rpt_mrr_months', 'value': 'quick_ratio', 'n': 'opening_customer_count'},
        {'metric': 'nrr', 'table': 'rpt_nrr_monthly', 'value': 'nrr', 'n': 'start_customer_count'},
        {'metric': 'grr', 'table': 'rpt_nrr_monthly', 'value': 'grr', 'n': 'start_customer_count'},
        {'metric': 'strict_grr', 'table': 'rpt_nrr_monthly', 'value': 'strict_grr', 'n': 'start_customer_count'},
        {'metric': 'logo_retention_rate', 'table': 'rpt_nrr_monthly', 'value': 'logo_retention_rate',
         'n': 'start_customer_count'},
        {'metric': 'logo_churn_rate', 'table': 'rpt_nrr_monthly', 'value': 'logo_churn_rate',
         'n': 'start_customer_count', 'is_bad': true}
    ]) }}
{%- endmacro %}
