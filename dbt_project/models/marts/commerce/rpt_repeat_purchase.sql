with context as (

    select *
    from {{ ref('int_run__context') }}

),

windows as (

    select cast(unnest([{{ var('repeat_purchase_windows') | join(', ') }}, null]) as integer) as window_days

),

buyers as (

    select
        country,
        first_order_date,
        second_order_date
    from {{ ref('dim_customers') }}
    where first_order_date is not null

),

segmented_buyers as (

    select
        'all' as segment_by,
        'all' as segment,
        first_order_date,
        second_order_date
    from buyers
    union all by name
    select
        'country' as segment_by,
        coalesce(country, 'unknown') as segment,
        first_order_date,
        second_order_date
    from buyers

),

-- Few distinct dates stand for many customers, so windows multiply dates, not customers.
buyers_by_date as (

    select
        segment_by,
        segment,
        first_order_date,
        second_order_date,
        count(*) as customer_count
    from segmented_buyers
    group by all

),

counted as (

    select
        buyers_by_date.segment_by,
        buyers_by_date.segment,
        windows.window_days,
        windows.window_days is null
        or buyers_by_date.first_order_date + windows.window_days <= context.as_of_date as has_window_passed,
        buyers_by_date.second_order_date is not null
        and (
            windows.window_days is null
            or buyers_by_date.second_order_date <= buyers_by_date.first_order_date + windows.window_days
        ) as is_repeat,
        buyers_by_date.customer_count
    from buyers_by_date
    cross join windows
    cross join context

),

totals as (

    select
        segment_by,
        segment,
        window_days,
        cast(coalesce(sum(customer_count) filter (where has_window_passed and is_repeat), 0) as bigint) as num,
        cast(coalesce(sum(customer_count) filter (where has_window_passed), 0) as bigint) as den,
        cast(coalesce(sum(customer_count) filter (where not has_window_passed), 0) as bigint)
            as immature_customer_count
    from counted
    group by segment_by, segment, window_days

),

final as (

    select
        segment_by,
        segment,
        window_days,
        num,
        den,
        num / nullif(den, 0) as rate,
        {{ wilson_low('num', 'den') }} as ci_low,
        {{ wilson_high('num', 'den') }} as ci_high,
        immature_customer_count,
        immature_customer_count = 0 as is_complete,
        den >= {{ var('min_cohort_size') }} as min_cell_ok
    from totals

)

select
    segment_by,
    segment,
    window_days,
    num,
    den,
    rate,
    ci_low,
    ci_high,
    immature_customer_count,
    is_complete,
    min_cell_ok
from final
