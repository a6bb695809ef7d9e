{#-
    The version of what a published table's figures mean. Raise it by hand with each change of a formula, a window or
    of what counts, that would tell the same rows otherwise: `rpt_restatements` then names the cause. See DECISIONS.md,
    "What was published, and is told otherwise".
-#}
{% macro metric_version(table) -%}
    {{ {
        'rpt_mrr_months': 8,
        'rpt_nrr_monthly': 8,
        'rpt_cohort_retention': 7,
        'rpt_customer_retention_rate': 8,
        'rpt_renewal_rates': 7,
        'rpt_survival': 7,
        'rpt_lifetime_value': 6,
        'rpt_time_to_first_value': 2,
        'rpt_failed_payments': 3,
        'rpt_billing_reconciliation': 5,
        'rpt_definition_reconciliation': 5,
    }[table] }}
{%- endmacro %}
