with figures as (

    {% for headline in headline_metrics() -%}
        select
            '{{ headline.metric }}' as metric,
            {{ 'window_months' if headline.table == 'rpt_nrr_monthly' else '1' }} as window_months,
            month,
            dimension,
            segment,
            cast({{ headline.value }} as double) as value,
            {{ headline.n }} as n,
            {{ 'true' if headline.is_bad else 'false' }} as is_bad_when_rising,
            min_cell_ok,
            policy,
            policy_version,
            metric_version
        from {{ ref(headline.table) }}
        where is_complete and {{ headline.value }} is not null
        {{ "union all by name" if not loop.last }}
    {% endfor %}

),

steps as (

    select
        *,
        lag(value) over history as last_value,
        lag(month) over history as last_month,
        list(value) over (history rows between unbounded preceding and 1 preceding) as earlier_values,
        -- As few customers in any month that the trend rests on say nothing.
        bool_and(min_cell_ok) over (
            history rows between {{ var('trend_months') }} preceding and current row
        ) as are_cells_ok
    from figures
    window
        history as (partition by metric, window_months, dimension, segment order by month)

),

-- Up (1), down (-1) or as before (0); nothing after a month that is missing.
signed as (

    select
        *,
        case when last_month = month - interval 1 month then last_value end as previous_value,
        case
            when last_month = month - interval 1 month then cast(sign(value - last_value) as integer)
        end as step
    from steps

),

-- Months in a row with the same step have the same island.
islands as (

    select
        *,
        row_number() over (partition by metric, window_months, dimension, segment order by month)
        - row_number() over (partition by metric, window_months, dimension, segment, step order by month) as island
    from signed

),

streaks as (

    select
        *,
        row_number() over (
            partition by metric, window_months, dimension, segment, step, island
            order by month
        ) as streak_months
    from islands

),

final as (

    select
        *,
        case
            when step is null then null
            when step = 1 and streak_months >= {{ var('trend_months') }} then 'rising'
            when step = -1 and streak_months >= {{ var('trend_months') }} then 'falling'
            else 'mixed'
        end as direction
    from streaks

)

select
    metric,
    cast(window_months as integer) as window_months,
    month,
    dimension,
    segment,
    value,
    n,
    previous_value,
    value - previous_value as change,
    case when step <> 0 then cast(step * streak_months as integer) else step end as streak_months,
    direction,
    coalesce(direction = if(is_bad_when_rising, 'rising', 'falling') and are_cells_ok, false) as is_worsening,
    (
        len(list_filter(earlier_values, lambda earlier: earlier < value))
        + len(list_filter(earlier_values, lambda earlier: earlier = value)) / 2
    ) / nullif(len(earlier_values), 0) as history_percentile,
    coalesce(len(earlier_values), 0) as history_month_count,
    min_cell_ok,
    policy,
    policy_version,
    metric_version
from final
