{#- Of the MRR at the beginning: what there is of each part at the end, and what left for which cause. -#}
{%- set parts = ['end', 'kept', 'lowest'] -%}
{%- set causes = ['voluntary', 'involuntary'] -%}
{%- set sums = ['start_customer_count', 'kept_customer_count', 'start_amount', 'start_squares', 'end_kept_products'] -%}
{%- for part in parts %}{% do sums.extend([part ~ '_amount', part ~ '_squares', part ~ '_products']) %}{% endfor -%}
{%- set losses = [] -%}
{%- for cause in causes %}{% do losses.extend([cause ~ '_churn_amount', cause ~ '_churn_squares']) %}{% endfor -%}
with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

policy as (

    select
        policy,
        policy_version
    from {{ ref('int_revenue__policies') }}
    where is_active

),

customers as (

    select
        customer_id,
        combination_number
    from {{ ref('int_revenue__customer_segments') }}
    where dimension = 'all'

),

segments as (

    select distinct
        combination_number,
        dimension,
        segment
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null

),

-- In the order of what they are summed by: a million sums at once are far apart in memory.
windows as (

    select
        windows.*,
        customers.combination_number
    from {{ ref('fct_retention_windows') }} as windows
    inner join customers
        on windows.followed_id = customers.customer_id
    order by customers.combination_number

),

-- What holds for a run of months comes with its first and goes with the one after it.
steps as (

    {%- for month, sign in [('from_month', ''), ('to_month', '-')] %}
        select
            {{ month }} as month,
            window_months,
            combination_number,
            {{ sign }}count(*) as start_customer_count,
            {{ sign }}count(*) filter (where end_amount > 0) as kept_customer_count,
            -- Squares, from which the intervals of ratios come: exact, so that no order of rows changes them.
            {%- for part in parts %}
                {{ sign }}sum({{ part }}_amount) as {{ part }}_amount,
                {{ sign }}sum({{ exact_product(part ~ '_amount', part ~ '_amount') }}) as {{ part }}_squares,
                {{ sign }}sum({{ exact_product(part ~ '_amount', 'start_amount') }}) as {{ part }}_products,
            {%- endfor %}
            {{ sign }}sum({{ exact_product('end_amount', 'kept_amount') }}) as end_kept_products,
            {%- for cause in causes %}
                {{ sign }}sum(start_amount) filter (where end_cause = '{{ cause }}') as {{ cause }}_churn_amount,
                {{ sign }}sum({{ exact_product('start_amount', 'start_amount') }}) filter (
                    where end_cause = '{{ cause }}'
                ) as {{ cause }}_churn_squares,
            {%- endfor %}
            {{ sign }}sum(start_amount) as start_amount,
            {{ sign }}sum({{ exact_product('start_amount', 'start_amount') }}) as start_squares
        from windows
        group by {{ month }}, window_months, combination_number
        {%- if not loop.last %}
            union all by name
        {%- endif %}
    {%- endfor %}

),

step_sums as (

    select
        steps.month,
        steps.window_months,
        {%- for name in sums + losses %}
            sum(steps.{{ name }}) as {{ name }},
        {%- endfor %}
        segments.dimension,
        segments.segment
    from steps
    inner join segments
        on steps.combination_number = segments.combination_number
    group by steps.month, steps.window_months, segments.dimension, segments.segment

),

groups as (

    select
        window_months,
        dimension,
        segment,
        min(month) as first_month
    from step_sums
    group by window_months, dimension, segment

),

months as (

    select
        groups.window_months,
        groups.dimension,
        groups.segment,
        cast(unnest(generate_series(
            cast(groups.first_month as timestamp),
            date_trunc('month', cast(context.as_of_date as timestamp)),
            interval 1 month
        )) as date) as month
    from groups
    cross join context

),

totals as (

    select
        months.month,
        months.window_months,
        {%- for name in sums %}
            sum(step_sums.{{ name }}) over group_history as {{ name }},
        {%- endfor %}
        {%- for name in losses %}
            coalesce(sum(step_sums.{{ name }}) over group_history, 0) as {{ name }},
        {%- endfor %}
        months.dimension,
        months.segment
    from months
    left join step_sums
        on
            months.month = step_sums.month
            and months.window_months = step_sums.window_months
            and months.dimension = step_sums.dimension
            and months.segment = step_sums.segment
    window
        group_history as (
            partition by months.window_months, months.dimension, months.segment
            order by months.month
        )

),

parted as (

    select
        *,
        -- Who is lost is lost whole.
        {%- for cause in causes %}
            {{ cause }}_churn_squares as {{ cause }}_churn_products,
        {%- endfor %}
        -- Of each customer the end less what is kept: its square, and its product with the beginning.
        end_amount - kept_amount as expansion_amount,
        end_squares - 2 * end_kept_products + kept_squares as expansion_squares,
        end_products - kept_products as expansion_products
    from totals
    where start_customer_count > 0

),

rated as (

    select
        *,
        end_amount / nullif(start_amount, 0) as nrr,
        kept_amount / nullif(start_amount, 0) as grr,
        lowest_amount / nullif(start_amount, 0) as strict_grr,
        expansion_amount / nullif(start_amount, 0) as expansion_rate,
        voluntary_churn_amount / nullif(start_amount, 0) as voluntary_churn_rate,
        involuntary_churn_amount / nullif(start_amount, 0) as involuntary_churn_rate,
        kept_customer_count / nullif(start_customer_count, 0) as logo_retention_rate
    from parted

)

select
    rated.month,
    cast(rated.window_months as integer) as window_months,
    rated.dimension,
    rated.segment,
    cast(rated.start_customer_count as bigint) as start_customer_count,
    cast(rated.kept_customer_count as bigint) as kept_customer_count,
    {{ money('rated.start_amount') }} as start_amount,
    {{ money('rated.end_amount') }} as end_amount,
    {{ money('rated.kept_amount') }} as kept_amount,
    {{ money('rated.lowest_amount') }} as lowest_amount,
    {{ money('rated.expansion_amount') }} as expansion_amount,
    {{ money('rated.voluntary_churn_amount') }} as voluntary_churn_amount,
    {{ money('rated.involuntary_churn_amount') }} as involuntary_churn_amount,
    rated.nrr,
    {{ ratio_low('nrr', 'end') }} as nrr_ci_low,
    {{ ratio_high('nrr', 'end') }} as nrr_ci_high,
    rated.grr,
    {{ ratio_low('grr', 'kept') }} as grr_ci_low,
    {{ ratio_high('grr', 'kept', most=1) }} as grr_ci_high,
    rated.strict_grr,
    {{ ratio_low('strict_grr', 'lowest') }} as strict_grr_ci_low,
    {{ ratio_high('strict_grr', 'lowest', most=1) }} as strict_grr_ci_high,
    1 - rated.grr as gross_revenue_churn_rate,
    1 - grr_ci_high as gross_revenue_churn_ci_low,
    1 - grr_ci_low as gross_revenue_churn_ci_high,
    1 - rated.nrr as net_revenue_churn_rate,
    1 - nrr_ci_high as net_revenue_churn_ci_low,
    1 - nrr_ci_low as net_revenue_churn_ci_high,
    rated.voluntary_churn_rate,
    {{ ratio_low('voluntary_churn_rate', 'voluntary_churn') }} as voluntary_churn_ci_low,
    {{ ratio_high('voluntary_churn_rate', 'voluntary_churn', most=1) }} as voluntary_churn_ci_high,
    rated.involuntary_churn_rate,
    {{ ratio_low('involuntary_churn_rate', 'involuntary_churn') }} as involuntary_churn_ci_low,
    {{ ratio_high('involuntary_churn_rate', 'involuntary_churn', most=1) }} as involuntary_churn_ci_high,
    rated.expansion_rate,
    {{ ratio_low('expansion_rate', 'expansion') }} as expansion_ci_low,
    {{ ratio_high('expansion_rate', 'expansion') }} as expansion_ci_high,
    rated.logo_retention_rate,
    {{ wilson_low('rated.kept_customer_count', 'rated.start_customer_count') }} as logo_ci_low,
    {{ wilson_high('rated.kept_customer_count', 'rated.start_customer_count') }} as logo_ci_high,
    1 - rated.logo_retention_rate as logo_churn_rate,
    rated.month + interval 1 month <= context.as_of_date + interval 1 day as is_complete,
    rated.start_customer_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_nrr_monthly') }} as metric_version
from rated
cross join context
cross join policy
