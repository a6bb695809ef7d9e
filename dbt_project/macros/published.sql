{#-
    A table of the last release, as a relation or subquery to select from: the run lends them before the marts are built
    (`publishing.release.lend_last_release`). Nothing was published yet, or the table was another then: no row, of
    `columns` (name → type).
-#}
{% macro published(name, columns) -%}
    {%- set relation = adapter.get_relation(target.database, 'published', name) if execute -%}
    {%- if relation -%}
        {{ relation }}
    {%- else -%}
        (
            select
                {%- for column, data_type in columns.items() %}
                    cast(null as {{ data_type }}) as {{ column }}{{ "," if not loop.last }}
                {%- endfor %}
            where false
        )
    {%- endif -%}
{%- endmacro %}

{#-
    The published tables of which no cell of a period that is over may change in silence. Of each: its month (`month`),
    what else tells its cells apart (`basis`, 'month', and `span`, 0), how many months before and after its month it
    looks at (`since` and `reach`, 0), which of its columns are figures, and what these rest on (`rests_on`; `also` has
    figures that rest on more, `but` those that rest on other things), as int_revenue__restatement_causes has it:
    amounts of the ledger's `months`, the `customers` whose they are, the days and reasons of its `movements`, the
    `currencies` that a customer pays in, `currency_months`, `renewals`, `differences`, `invoices`, `versions` of
    subscriptions, and `policies`.

    Where customers are in no groups, `dimension` and `segment` say what stands for them; `keys` are columns that are
    read besides (name → type); `over` is the day after the period, where that is another than its last month says.
    Figures are all numbers but bounds of shares: they follow from two counts that are listed.
-#}
{% macro settled_tables() -%}
    {{ return([
        {
            'name': 'rpt_mrr_months',
            'month': 'month',
            'rests_on': ['months'],
            'also': {
                'customers': [
                    'opening_customer_count', 'closing_customer_count', 'gross_mrr_churn_ci_low',
                    'gross_mrr_churn_ci_high', 'net_mrr_churn_ci_low', 'net_mrr_churn_ci_high',
                    'voluntary_churn_ci_low', 'voluntary_churn_ci_high', 'involuntary_churn_ci_low',
                    'involuntary_churn_ci_high', 'expansion_ci_low', 'expansion_ci_high', 'quick_ratio_ci_low',
                    'quick_ratio_ci_high', 'arpa_amount', 'arpa_ci_low_amount', 'arpa_ci_high_amount'
                ],
                'movements': [
                    'voluntary_churn_amount', 'voluntary_churn_rate', 'voluntary_churn_ci_low',
                    'voluntary_churn_ci_high', 'involuntary_churn_amount', 'involuntary_churn_rate',
                    'involuntary_churn_ci_low', 'involuntary_churn_ci_high'
                ],
            },
            'figures': [
                'opening_amount', 'new_amount', 'expansion_amount', 'contraction_amount', 'churn_amount',
                'reactivation_amount', 'scope_change_amount', 'fx_amount', 'closing_amount', 'opening_customer_count',
                'closing_customer_count', 'new_customer_count', 'churned_customer_count',
                'reactivated_customer_count', 'voluntary_churn_amount', 'involuntary_churn_amount', 'arr_amount',
                'gross_mrr_churn_rate', 'gross_mrr_churn_ci_low', 'gross_mrr_churn_ci_high', 'net_mrr_churn_rate',
                'net_mrr_churn_ci_low', 'net_mrr_churn_ci_high', 'voluntary_churn_rate', 'voluntary_churn_ci_low',
                'voluntary_churn_ci_high', 'involuntary_churn_rate', 'involuntary_churn_ci_low',
                'involuntary_churn_ci_high', 'expansion_rate', 'expansion_ci_low', 'expansion_ci_high', 'quick_ratio',
                'quick_ratio_ci_low', 'quick_ratio_ci_high', 'arpa_amount', 'arpa_ci_low_amount', 'arpa_ci_high_amount'
            ],
        },
        {
            'name': 'rpt_nrr_monthly',
            'month': 'month',
            'basis': "'window'",
            'span': 'window_months',
            'since': 'window_months',
            'keys': {'window_months': 'integer'},
            'rests_on': ['months', 'customers', 'currencies'],
            'also': {
                'movements': [
                    'voluntary_churn_amount', 'voluntary_churn_rate', 'voluntary_churn_ci_low',
                    'voluntary_churn_ci_high', 'involuntary_churn_amount', 'involuntary_churn_rate',
                    'involuntary_churn_ci_low', 'involuntary_churn_ci_high'
                ],
            },
            'figures': [
                'start_customer_count', 'kept_customer_count', 'start_amount', 'end_amount', 'kept_amount',
                'lowest_amount', 'expansion_amount', 'voluntary_churn_amount', 'involuntary_churn_amount', 'nrr',
                'nrr_ci_low', 'nrr_ci_high', 'grr', 'grr_ci_low', 'grr_ci_high', 'strict_grr', 'strict_grr_ci_low',
                'strict_grr_ci_high', 'gross_revenue_churn_rate', 'gross_revenue_churn_ci_low',
                'gross_revenue_churn_ci_high', 'net_revenue_churn_rate', 'net_revenue_churn_ci_low',
                'net_revenue_churn_ci_high', 'voluntary_churn_rate', 'voluntary_churn_ci_low',
                'voluntary_churn_ci_high', 'involuntary_churn_rate', 'involuntary_churn_ci_low',
                'involuntary_churn_ci_high', 'expansion_rate', 'expansion_ci_low', 'expansion_ci_high',
                'logo_retention_rate', 'logo_churn_rate'
            ],
        },
        {
            'name': 'rpt_customer_retention_rate',
            'month': 'month',
            'basis': "'window'",
            'span': 'window_months',
            'since': 'window_months',
            'keys': {'window_months': 'integer'},
            'rests_on': ['months', 'customers', 'currencies'],
            'figures': [
                'start_customer_count', 'end_customer_count', 'new_customer_count', 'kept_customer_count',
                'simple_retention_rate', 'retention_rate', 'start_amount', 'lost_amount', 'revenue_churn_rate',
                'revenue_churn_ci_low', 'revenue_churn_ci_high'
            ],
        },
        {
            'name': 'rpt_cohort_retention',
            'month': 'cohort_month',
            'basis': 'age_basis',
            'span': 'age',
            'reach': "if(age_basis = 'rolling', age + 1, age)",
            'keys': {'age_basis': 'varchar', 'age': 'integer'},
            'rests_on': ['months', 'customers', 'movements'],
            'figures': [
                'cohort_size', 'active_customer_count', 'initial_amount', 'active_amount', 'retention_rate',
                'revenue_retention_rate', 'revenue_ci_low', 'revenue_ci_high'
            ],
        },
        {
            'name': 'rpt_renewal_rates',
            'month': 'due_month',
            'basis': "'window'",
            'span': 'window_months',
            'since': 'window_months - 1',
            'keys': {'window_months': 'integer'},
            'rests_on': ['renewals'],
            'figures': [
                'due_customer_count', 'renewed_customer_count', 'due_count', 'on_time_count', 'early_count',
                'late_count', 'pending_count', 'lost_count', 'due_amount', 'kept_amount', 'renewed_amount',
                'upsell_amount', 'pending_amount', 'gross_renewal_rate', 'gross_ci_low', 'gross_ci_high',
                'net_renewal_rate', 'net_ci_low', 'net_ci_high', 'logo_renewal_rate'
            ],
        },
        {
            'name': 'rpt_failed_payments',
            'month': 'month',
            'dimension': "'currency'",
            'segment': 'currency',
            'basis': "recovery_days || ' days'",
            'reach': 'ceil(recovery_days / 28)',
            'over': 'month + interval 1 month + to_days(recovery_days)',
            'keys': {'currency': 'varchar', 'recovery_days': 'integer'},
            'rests_on': ['invoices', 'policies'],
            'figures': [
                'failed_invoice_count', 'recovered_invoice_count', 'failed_amount', 'recovered_amount', 'recovery_rate',
                'amount_recovery_rate', 'amount_ci_low', 'amount_ci_high'
            ],
        },
        {
            'name': 'rpt_billing_reconciliation',
            'month': 'month',
            'dimension': "'currency'",
            'segment': 'currency',
            'basis': 'reason',
            'is_complete': 'true',
            'keys': {'currency': 'varchar', 'reason': 'varchar'},
            'rests_on': ['differences'],
            'but': {'invoiced_amount': ['invoices', 'policies'], 'mrr_amount': ['currency_months']},
            'figures': ['amount', 'row_count', 'invoiced_amount', 'mrr_amount'],
        },
        {
            'name': 'rpt_definition_reconciliation',
            'month': 'month',
            'dimension': "'all'",
            'segment': "'all'",
            'basis': 'policy',
            'is_complete': 'true',
            'keys': {'policy': 'varchar'},
            'rests_on': ['months', 'versions', 'policies'],
            'but': {'our_mrr_amount': ['months']},
            'figures': [
                'our_mrr_amount', 'trial_amount', 'dunning_amount', 'pause_amount', 'cancellation_amount',
                'usage_amount', 'discount_amount', 'policy_mrr_amount', 'subscription_count'
            ],
        },
    ]) }}
{%- endmacro %}

{#- The columns that cells need of a table of `settled_tables`, with types that fit what is NULL. -#}
{% macro cell_columns(table) -%}
    {%- set columns = {table.month: 'date', 'metric_version': 'integer'} -%}
    {%- if not table.dimension %}{% do columns.update({'dimension': 'varchar', 'segment': 'varchar'}) %}{% endif -%}
    {%- if not table.is_complete %}{% do columns.update({'is_complete': 'boolean'}) %}{% endif -%}
    {%- do columns.update(table.get('keys', {})) -%}
    {%- for figure in table.figures %}{% do columns.update({figure: 'decimal(28, 8)'}) %}{% endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- The cells of one of `settled_tables`, one row per figure: read from `relation`, that table of any release. -#}
{% macro cells_of(table, relation) -%}
    {%- set to_month = table.month ~ ' + to_months(cast(' ~ table.get('reach', '0') ~ ' as integer))' -%}
    select
        '{{ table.name }}' as table_name,
        {{ table.month }} as month,
        {{ table.get('dimension', 'dimension') }} as dimension,
        {{ table.get('segment', 'segment') }} as segment,
        {{ table.get('basis', "'month'") }} as basis,
        cast({{ table.get('span', '0') }} as integer) as span_months,
        cast({{ table.month }} - to_months(cast({{ table.get('since', '0') }} as integer)) as date) as from_month,
        cast({{ to_month }} as date) as to_month,
        cast({{ table.get('over', to_month ~ ' + interval 1 month') }} as date) as over_date,
        unnest([
            {%- for figure in table.figures %}
                struct_pack(figure := '{{ figure }}', value := cast({{ figure }} as decimal(28, 8))){{ "," if not loop.last }}
            {%- endfor %}
        ], recursive := true),
        {{ table.get('is_complete', 'is_complete') }} as is_complete,
        metric_version
    from {{ relation }}
{%- endmacro %}
