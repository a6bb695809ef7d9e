with customers as (

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

presences as (

    select
        presences.presence_number,
        presences.cohort_month,
        cast(date_trunc('month', presences.from_date) as date) as from_month,
        cast(date_trunc('month', presences.to_date) as date) as to_month,
        customers.combination_number
    from {{ ref('int_revenue__presences') }} as presences
    inner join customers
        on presences.customer_id = customers.customer_id

),

-- Who pays from a month on is one more then, and one less when that ends.
steps as (

    select
        from_month as month,
        combination_number,
        count(*) as customer_change
    from presences
    group by from_month, combination_number
    union all
    select
        to_month as month,
        combination_number,
        -count(*) as customer_change
    from presences
    where to_month is not null
    group by to_month, combination_number

),

changes as (

    select
        steps.month,
        segments.dimension,
        segments.segment,
        sum(steps.customer_change) as customer_change
    from steps
    inner join segments
        on steps.combination_number = segments.combination_number
    group by steps.month, segments.dimension, segments.segment

),

-- The count holds until the next month in which it changes.
ends as (

    select
        month,
        dimension,
        segment,
        sum(customer_change) over (
            partition by dimension, segment
            order by month
        ) as end_customer_count
    from changes

),

combination_starts as (

    select
        cohort_month,
        combination_number,
        count(*) as customer_count
    from presences
    where presence_number = 1
    group by cohort_month, combination_number

),

beginnings as (

    select
        combination_starts.cohort_month,
        segments.dimension,
        segments.segment,
        sum(combination_starts.customer_count) as customer_count
    from combination_starts
    inner join segments
        on combination_starts.combination_number = segments.combination_number
    group by combination_starts.cohort_month, segments.dimension, segments.segment

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
    asof left join ends
        on
            retention.dimension = ends.dimension
            and retention.segment = ends.segment
            and retention.month >= ends.month

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
    start_amount,
    {{ money('start_amount - kept_amount') }} as lost_amount,
    1 - grr as revenue_churn_rate,
    1 - grr_ci_high as revenue_churn_ci_low,
    1 - grr_ci_low as revenue_churn_ci_high,
    is_complete,
    min_cell_ok,
    policy,
    policy_version,
    {{ metric_version('rpt_customer_retention_rate') }} as metric_version
from final
