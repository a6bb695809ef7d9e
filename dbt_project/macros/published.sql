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
    The published tables of which no cell of a period that is over may change in silence. Of each: its month, what else
    tells its cells apart (the basis and a span of months), how many months before and after its month it looks at, and
    which of its columns are figures.
-#}
{% macro settled_tables() -%}
    {{ return([
        {
            'name': 'rpt_mrr_months',
            'month': 'month',
            'basis': "'month'",
            'span': '0',
            'since': '0',
            'reach': '0',
            'figures': [
                'opening_amount', 'new_amount', 'expansion_amount', 'contraction_amount', 'churn_amount',
                'reactivation_amount', 'scope_change_amount', 'fx_amount', 'closing_amount', 'opening_customer_count',
                'closing_customer_count', 'gross_mrr_churn_rate', 'net_mrr_churn_rate', 'expansion_rate', 'quick_ratio',
                'arpa_amount'
            ],
        },
        {
            'name': 'rpt_nrr_monthly',
            'month': 'month',
            'basis': "'window'",
            'span': 'window_months',
            'since': 'window_months',
            'reach': '0',
            'figures': [
                'start_customer_count', 'kept_customer_count', 'start_amount', 'end_amount', 'kept_amount',
                'lowest_amount', 'nrr', 'grr', 'strict_grr', 'logo_retention_rate'
            ],
        },
        {
            'name': 'rpt_customer_retention_rate',
            'month': 'month',
            'basis': "'window'",
            'span': 'window_months',
            'since': 'window_months',
            'reach': '0',
            'figures': [
                'start_customer_count', 'end_customer_count', 'new_customer_count', 'kept_customer_count',
                'simple_retention_rate', 'retention_rate', 'revenue_churn_rate'
            ],
        },
        {
            'name': 'rpt_cohort_retention',
            'month': 'cohort_month',
            'basis': 'age_basis',
            'span': 'age',
            'since': '0',
            'reach': "if(age_basis = 'rolling', age + 1, age)",
            'figures': [
                'cohort_size', 'active_customer_count', 'initial_amount', 'active_amount', 'retention_rate',
                'revenue_retention_rate'
            ],
        },
    ]) }}
{%- endmacro %}

{#- The columns that cells need of a table of `settled_tables`, with types that fit what is NULL. -#}
{% macro cell_columns(table) -%}
    {%- set columns = {
        table.month: 'date', 'dimension': 'varchar', 'segment': 'varchar', 'is_complete': 'boolean'
    } -%}
    {%- if table.span.isidentifier() %}{% do columns.update({table.span: 'integer'}) %}{% endif -%}
    {%- if table.basis.isidentifier() %}{% do columns.update({table.basis: 'varchar'}) %}{% endif -%}
    {%- for figure in table.figures %}{% do columns.update({figure: 'decimal(28, 8)'}) %}{% endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- The cells of one of `settled_tables`, one row per figure: read from `relation`, that table of any release. -#}
{% macro cells_of(table, relation) -%}
    select
        '{{ table.name }}' as table_name,
        {{ table.month }} as month,
        dimension,
        segment,
        {{ table.basis }} as basis,
        cast({{ table.span }} as integer) as span_months,
        cast({{ table.month }} - to_months(cast({{ table.since }} as integer)) as date) as from_month,
        cast({{ table.month }} + to_months(cast({{ table.reach }} as integer)) as date) as to_month,
        unnest([
            {%- for figure in table.figures %}
                struct_pack(figure := '{{ figure }}', value := cast({{ figure }} as decimal(28, 8))){{ "," if not loop.last }}
            {%- endfor %}
        ], recursive := true),
        is_complete
    from {{ relation }}
{%- endmacro %}
