{#-
    The version of what a published table's figures mean. Raise it by hand with each change of a formula, a window or
    of what counts, that would tell the same rows otherwise: `rpt_restatements` then names the cause. See DECISIONS.md,
    "What was published, and is told otherwise".
-#}
{% macro metric_version(table) -%}
    {{ {
        'rpt_mrr_months': 7,
        'rpt_nrr_monthly': 7,
        'rpt_cohort_retention': 6,
        'rpt_customer_retention_rate': 7,
        'rpt_renewal_rates': 7,
        'rpt_survival': 6,
        'rpt_lifetime_value': 5,
        'rpt_time_to_first_value': 2,
        'rpt_failed_payments': 3,
        'rpt_billing_reconciliation': 5,
        'rpt_definition_reconciliation': 4,
    }[table] }}
{%- endmacro %}
