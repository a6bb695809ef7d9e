with segments as (

    select *
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null

),

ends as (

    select
        levels.month,
        segments.dimension,
        segments.segment,
        count(*) as end_customer_count
    from {{ ref('int_revenue__customer_levels') }} as levels
    inner join segments
        on levels.customer_id = segments.customer_id
    where levels.closing_amount > 0
    group by levels.month, segments.dimension, segments.segment

),

starts as (

    select distinct
        customer_id,
        cohort_month
    from {{ ref('int_revenue__level_spans') }}

),

beginnings as (

    select
        starts.cohort_month,
        segments.dimension,
        segments.segment,
        count(*) as customer_count
    from starts
    inner join segments
        on starts.customer_id = segments.customer_id
    group by starts.cohort_month, segments.dimension, segments.segment

),

retention as (

    select *
    from {{ ref('rpt_nrr_monthly') }}

),

counted as (

    select
        retention.month,
        retention.window_months,
        retention.dimension,
        retention.segment,
        coalesce(sum(beginnings.customer_count), 0) as new_customer_count
    from retention
    left join beginnings
        on
            retention.dimension = beginnings.dimension
            and retention.segment = beginnings.segment
            and retention.month >= beginnings.cohort_month
            and beginnings.cohort_month > retention.month - to_months(retention.window_months)
    group by retention.month, retention.window_months, retention.dimension, retention.segment

),

final as (

    select
        retention.*,
        counted.new_customer_count,
        coalesce(ends.end_customer_count, 0) as end_customer_count,
        (coalesce(ends.end_customer_count, 0) - counted.new_customer_count)
        / nullif(retention.start_customer_count, 0) as simple_retention_rate
    from retention
    inner join counted
        on
            retention.month = counted.month
            and retention.window_months = counted.window_months
            and retention.dimension = counted.dimension
            and retention.segment = counted.segment
    left join ends
        on
            retention.month = ends.month
            and retention.dimension = ends.dimension
            and retention.segment = ends.segment

)

select
    month,
    window_months,
    dimension,
    segment,
    start_customer_count,
    cast(end_customer_count as bigint) as end_customer_count,
    cast(new_customer_count as bigint) as new_customer_count,
    kept_customer_count,
    simple_retention_rate,
    logo_retention_rate as retention_rate,
    logo_ci_low as ci_low,
    logo_ci_high as ci_high,
    abs(simple_retention_rate - logo_retention_rate) > 1e-9 as is_simple_rate_off,
    1 - grr as revenue_churn_rate,
    is_complete,
    min_cell_ok,
    policy
from final
