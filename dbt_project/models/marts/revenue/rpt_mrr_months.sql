{%- set kinds = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'scope_change', 'fx'] -%}
{%- set causes = ['voluntary', 'involuntary'] -%}
{%- set moves = kinds + ['voluntary_churn', 'involuntary_churn'] -%}
{#- Rates of what is paid at the beginning, and which movements each is of. -#}
{%- set rates = {
    'gross_mrr_churn': '-(churn_amount + contraction_amount)',
    'net_mrr_churn': '-(churn_amount + contraction_amount + expansion_amount + reactivation_amount)',
    'voluntary_churn': '-voluntary_churn_amount',
    'involuntary_churn': '-involuntary_churn_amount',
    'expansion': 'expansion_amount',
} -%}
{#- What stays from month to month, and what is of one. -#}
{%- set levels = [
    'row_count', 'opening_amount', 'opening_squares', 'opening_customer_count', 'closing_amount', 'closing_squares',
    'closing_customer_count'
] -%}
{%- set flows = [
    'voluntary_churn_amount', 'involuntary_churn_amount', 'new_customer_count', 'churned_customer_count',
    'reactivated_customer_count', 'loss_customer_count', 'loss_amount', 'loss_squares', 'gain_amount', 'gain_squares',
    'gain_products', 'opening_squares_of_several', 'closing_squares_of_several'
] -%}
{%- for kind in kinds %}{% do flows.append(kind ~ '_amount') %}{% endfor -%}
{%- for rate in rates %}{% do flows.extend([rate, rate ~ '_squares', rate ~ '_products']) %}{% endfor -%}
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

segments as (

    select distinct
        combination_number,
        dimension,
        segment
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null

),

customers as (

    select
        customer_id,
        combination_number
    from {{ ref('int_revenue__customer_segments') }}
    where dimension = 'all'

),

churns as (

    select
        past_customer_id,
        currency,
        {%- for cause in causes %}
            sum(reporting_amount) filter (where reason = '{{ cause }}') as {{ cause }}_churn_amount,
        {%- endfor %}
        movement_month as month
    from {{ ref('fct_mrr_movements') }}
    where movement = 'churn' and reporting_currency is not null
    group by past_customer_id, currency, movement_month

),

-- Months with a movement. The others are as the last of these left them, as long as anything is paid.
changed as (

    select
        months.past_customer_id,
        months.currency,
        months.month,
        months.followed_id,
        customers.combination_number,
        cast(months.opening_amount > 0 as integer) as is_open,
        cast(months.closing_amount > 0 as integer) as is_kept,
        months.reporting_opening_amount as opening_amount,
        {%- for kind in kinds %}
            months.reporting_{{ kind }}_amount as {{ kind }}_amount,
        {%- endfor %}
        {%- for cause in causes %}
            coalesce(churns.{{ cause }}_churn_amount, 0) as {{ cause }}_churn_amount,
        {%- endfor %}
        months.reporting_closing_amount as closing_amount,
        if(months.closing_amount > 0, months.reporting_closing_amount, 0) as kept_amount
    from {{ ref('fct_customer_months') }} as months
    left join churns
        on
            months.past_customer_id = churns.past_customer_id
            and months.currency = churns.currency
            and months.month = churns.month
    left join customers
        on months.followed_id = customers.customer_id
    where
        months.reporting_currency is not null
        and (
            months.reporting_fx_amount <> 0
            {%- for kind in kinds if kind != 'fx' %}
                or months.{{ kind }}_amount <> 0 or months.reporting_{{ kind }}_amount <> 0
            {%- endfor %}
        )

),

-- A customer of several ids or currencies is one, whose amounts are summed before they are squared.
several as (

    select followed_id
    from changed
    group by followed_id
    having min(past_customer_id) <> max(past_customer_id) or min(currency) <> max(currency)

),

months_of_several as (

    select
        months.followed_id,
        customers.combination_number,
        months.month,
        {%- for kind in kinds %}
            sum(months.reporting_{{ kind }}_amount) as {{ kind }}_amount,
        {%- endfor %}
        {%- for cause in causes %}
            coalesce(sum(churns.{{ cause }}_churn_amount), 0) as {{ cause }}_churn_amount,
        {%- endfor %}
        sum(months.reporting_opening_amount) as opening_amount,
        sum(months.reporting_closing_amount) as closing_amount
    from {{ ref('fct_customer_months') }} as months
    semi join several
        on months.followed_id = several.followed_id
    inner join customers
        on months.followed_id = customers.customer_id
    left join churns
        on
            months.past_customer_id = churns.past_customer_id
            and months.currency = churns.currency
            and months.month = churns.month
    where months.reporting_currency is not null
    group by months.followed_id, customers.combination_number, months.month

),

followed as (

    select
        changed.*,
        several.followed_id is null as is_single,
        lag(changed.followed_id) over customer_history as id_before,
        lag(changed.combination_number) over customer_history as combination_before,
        lag(several.followed_id is null) over customer_history as was_single,
        lag(changed.is_kept, 1, 0) over customer_history as was_kept,
        lag(changed.kept_amount, 1, cast(0 as decimal(18, 4))) over customer_history as kept_before
    from changed
    left join several
        on changed.followed_id = several.followed_id
    window customer_history as (partition by changed.past_customer_id, changed.currency order by changed.month)

),

-- What a month with a movement changes, and what is different again in the month after it.
steps as (

    select
        followed_id,
        combination_number,
        month,
        is_single,
        1 as row_count,
        is_open as open_count,
        is_kept as kept_count,
        opening_amount,
        if(is_single, {{ exact_product('opening_amount', 'opening_amount') }}, 0) as opening_squares,
        {%- for move in moves %}
            {{ move }}_amount,
        {%- endfor %}
        closing_amount,
        if(is_single, {{ exact_product('closing_amount', 'closing_amount') }}, 0) as closing_squares
    from followed
    union all by name
    select
        id_before as followed_id,
        combination_before as combination_number,
        month,
        was_single as is_single,
        -was_kept as row_count,
        -was_kept as open_count,
        -was_kept as kept_count,
        -kept_before as opening_amount,
        if(was_single, -({{ exact_product('kept_before', 'kept_before') }}), 0) as opening_squares,
        -kept_before as closing_amount,
        if(was_single, -({{ exact_product('kept_before', 'kept_before') }}), 0) as closing_squares
    from followed
    where was_kept = 1
    union all by name
    select
        followed_id,
        combination_number,
        cast(month + interval 1 month as date) as month,
        is_single,
        is_kept - 1 as row_count,
        is_kept - is_open as open_count,
        0 as kept_count,
        kept_amount - opening_amount as opening_amount,
        if(
            is_single,
            {{ exact_product('kept_amount', 'kept_amount') }} - {{ exact_product('opening_amount', 'opening_amount') }},
            0
        ) as opening_squares,
        kept_amount - closing_amount as closing_amount,
        if(
            is_single,
            {{ exact_product('kept_amount', 'kept_amount') }} - {{ exact_product('closing_amount', 'closing_amount') }},
            0
        ) as closing_squares
    from followed

),

amount_steps as (

    select
        combination_number,
        month,
        sum(row_count) as row_count,
        sum(open_count) filter (where is_single) as opening_customer_count,
        sum(kept_count) filter (where is_single) as closing_customer_count,
        sum(opening_amount) as opening_amount,
        sum(opening_squares) as opening_squares,
        {%- for move in moves %}
            sum({{ move }}_amount) as {{ move }}_amount,
        {%- endfor %}
        sum(closing_amount) as closing_amount,
        sum(closing_squares) as closing_squares
    from steps
    group by combination_number, month

),

customer_months as (

    select *
    from changed
    anti join several
        on changed.followed_id = several.followed_id
    union all by name
    select *
    from months_of_several

),

-- Of rates and their intervals: numerators, their squares, and products with what was paid at the beginning, by
-- customer. Of gains over losses, the same with what was lost.
moved as (

    select
        combination_number,
        month,
        {%- for rate, numerator in rates.items() %}
            {{ numerator }} as {{ rate }},
        {%- endfor %}
        new_amount + expansion_amount + reactivation_amount as gain_amount,
        -(churn_amount + contraction_amount) as loss_amount,
        opening_amount
    from customer_months
    where
        churn_amount <> 0
        or contraction_amount <> 0
        or expansion_amount <> 0
        or reactivation_amount <> 0
        or new_amount <> 0

),

square_steps as (

    select
        {%- for rate in rates %}
            sum({{ rate }}) as {{ rate }},
            sum({{ exact_product(rate, rate) }}) as {{ rate }}_squares,
            sum({{ exact_product(rate, 'opening_amount') }}) as {{ rate }}_products,
        {%- endfor %}
        count(*) as loss_customer_count,
        sum(loss_amount) as loss_amount,
        sum(gain_amount) as gain_amount,
        sum({{ exact_product('loss_amount', 'loss_amount') }}) as loss_squares,
        sum({{ exact_product('gain_amount', 'gain_amount') }}) as gain_squares,
        sum({{ exact_product('gain_amount', 'loss_amount') }}) as gain_products,
        combination_number,
        month
    from moved
    group by combination_number, month

),

squares_of_several as (

    select
        combination_number,
        month,
        sum({{ exact_product('opening_amount', 'opening_amount') }}) as opening_squares_of_several,
        sum({{ exact_product('closing_amount', 'closing_amount') }}) as closing_squares_of_several
    from months_of_several
    group by combination_number, month

),

-- Who pays in one of several currencies, or under one of several ids, pays.
customer_steps as (

    select
        followed_id,
        combination_number,
        month,
        sum(open_count) as open_step,
        sum(kept_count) as kept_step
    from steps
    where not is_single and (open_count <> 0 or kept_count <> 0)
    group by followed_id, combination_number, month
    having sum(open_count) <> 0 or sum(kept_count) <> 0

),

customer_counts as (

    select
        *,
        sum(open_step) over customer_history as open_count,
        sum(kept_step) over customer_history as kept_count
    from customer_steps
    window customer_history as (partition by followed_id order by month)

),

count_steps as (

    select
        combination_number,
        month,
        sum(
            cast(open_count > 0 as integer) - cast(open_count - open_step > 0 as integer)
        ) as opening_customer_count,
        sum(
            cast(kept_count > 0 as integer) - cast(kept_count - kept_step > 0 as integer)
        ) as closing_customer_count
    from customer_counts
    group by combination_number, month

),

events as (

    select
        movements.movement_month as month,
        {%- for kind, name in [('new', 'new'), ('churn', 'churned'), ('reactivation', 'reactivated')] %}
            -- In several currencies one customer has several movements.
            count(distinct row(movements.past_customer_id, movements.movement_date)) filter (
                where movements.movement = '{{ kind }}'
            ) as {{ name }}_customer_count,
        {%- endfor %}
        customers.combination_number
    from {{ ref('fct_mrr_movements') }} as movements
    inner join customers
        on movements.followed_id = customers.customer_id
    where
        movements.reporting_currency is not null
        and movements.movement in ('new', 'churn', 'reactivation')
    group by movements.movement_month, customers.combination_number

),

-- What a month changes in the sums of each combination of groups, from which those of any month are added up.
combination_steps as (

    select *
    from amount_steps
    union all by name
    select *
    from square_steps
    union all by name
    select *
    from squares_of_several
    union all by name
    select *
    from count_steps
    union all by name
    select *
    from events

),

segment_steps as (

    select
        steps.month,
        {%- for name in levels + flows %}
            sum(steps.{{ name }}) as {{ name }},
        {%- endfor %}
        segments.dimension,
        segments.segment
    from combination_steps as steps
    inner join segments
        on steps.combination_number = segments.combination_number
    group by steps.month, segments.dimension, segments.segment

),

groups as (

    select
        dimension,
        segment,
        min(month) as first_month
    from segment_steps
    group by dimension, segment

),

months as (

    select
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

amounts as (

    select
        months.month,
        {%- for name in levels %}
            sum(segment_steps.{{ name }}) over group_history as {{ name }},
        {%- endfor %}
        {%- for name in flows %}
            coalesce(segment_steps.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        months.dimension,
        months.segment
    from months
    left join segment_steps
        on
            months.month = segment_steps.month
            and months.dimension = segment_steps.dimension
            and months.segment = segment_steps.segment
    window
        group_history as (
            partition by months.dimension, months.segment
            order by months.month
        )

),

rated as (

    select
        * replace (
            opening_squares + opening_squares_of_several as opening_squares,
            closing_squares + closing_squares_of_several as closing_squares
        ),
        {%- for rate in rates %}
            {{ rate }} / nullif(opening_amount, 0) as {{ rate }}_rate,
        {%- endfor %}
        gain_amount / nullif(loss_amount, 0) as quick_ratio,
        closing_amount / nullif(closing_customer_count, 0) as arpa
    from amounts
    where row_count > 0

),

currencies as (

    select any_value(reporting_currency) as currency
    from {{ ref('fct_customer_months') }}

)

select
    rated.month,
    rated.dimension,
    rated.segment,
    currencies.currency,
    {{ money('rated.opening_amount') }} as opening_amount,
    {%- for kind in kinds %}
        {{ money('rated.' ~ kind ~ '_amount') }} as {{ kind }}_amount,
    {%- endfor %}
    {{ money('rated.closing_amount') }} as closing_amount,
    {{ money('12 * rated.closing_amount') }} as arr_amount,
    cast(coalesce(rated.opening_customer_count, 0) as bigint) as opening_customer_count,
    cast(coalesce(rated.closing_customer_count, 0) as bigint) as closing_customer_count,
    {%- for name in ['new', 'churned', 'reactivated'] %}
        cast(rated.{{ name }}_customer_count as bigint) as {{ name }}_customer_count,
    {%- endfor %}
    {%- for cause in causes %}
        {{ money('rated.' ~ cause ~ '_churn_amount') }} as {{ cause }}_churn_amount,
    {%- endfor %}
    {%- for rate in rates %}
        rated.{{ rate }}_rate,
        {{ ratio_low(rate ~ '_rate', rate, 'opening', least=none if rate == 'net_mrr_churn' else 0) }}
            as {{ rate }}_ci_low,
        {{ ratio_high(rate ~ '_rate', rate, 'opening') }} as {{ rate }}_ci_high,
    {%- endfor %}
    rated.quick_ratio,
    {{ ratio_low('quick_ratio', 'gain', 'loss') }} as quick_ratio_ci_low,
    {{ ratio_high('quick_ratio', 'gain', 'loss') }} as quick_ratio_ci_high,
    {{ money('rated.arpa') }} as arpa_amount,
    {{ money(mean_low('arpa', 'closing')) }} as arpa_ci_low_amount,
    {{ money(mean_high('arpa', 'closing')) }} as arpa_ci_high_amount,
    rated.month + interval 1 month <= context.as_of_date + interval 1 day as is_complete,
    coalesce(rated.opening_customer_count, 0) >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_mrr_months') }} as metric_version
from rated
cross join context
cross join policy
cross join currencies
