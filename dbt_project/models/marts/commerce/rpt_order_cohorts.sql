with context as (

    select *
    from {{ ref('int_run__context') }}

),

customer_months as (

    select *
    from {{ ref('int_commerce__customer_months') }}

),

cohorts as (

    select
        cohort_month,
        count(*) as cohort_size
    from customer_months
    where months_since_first = 0
    group by cohort_month

),

-- Every month that a cohort has lived through, also those in which nobody ordered.
cohort_months as (

    select
        cohorts.cohort_month,
        cohorts.cohort_size,
        context.as_of_date,
        context.reporting_currency as currency,
        cast(unnest(generate_series(
            cohorts.cohort_month,
            cast(date_trunc('month', context.as_of_date) as date),
            interval 1 month
        )) as date) as activity_month
    from cohorts
    cross join context

),

activity as (

    select
        cohort_month,
        order_month as activity_month,
        count(*) as active_customer_count,
        sum(order_count) as order_count,
        sum(gross_amount) as gross_amount,
        sum(net_amount) as net_amount
    from customer_months
    group by cohort_month, order_month

),

dense as (

    select
        cohort_months.cohort_month,
        date_diff('month', cohort_months.cohort_month, cohort_months.activity_month) as months_since_first,
        cohort_months.activity_month,
        cohort_months.currency,
        cohort_months.cohort_size,
        coalesce(activity.active_customer_count, 0) as active_customer_count,
        coalesce(activity.order_count, 0) as order_count,
        coalesce(activity.gross_amount, 0) as gross_amount,
        coalesce(activity.net_amount, 0) as net_amount,
        last_day(cohort_months.activity_month) <= cohort_months.as_of_date as is_complete
    from cohort_months
    left join activity
        on
            cohort_months.cohort_month = activity.cohort_month
            and cohort_months.activity_month = activity.activity_month

),

final as (

    select
        cohort_month,
        months_since_first,
        activity_month,
        currency,
        cohort_size,
        active_customer_count,
        active_customer_count / cohort_size as retention_rate,
        {{ wilson_low('active_customer_count', 'cohort_size') }} as ci_low,
        {{ wilson_high('active_customer_count', 'cohort_size') }} as ci_high,
        cast(order_count as bigint) as order_count,
        case when currency is not null then {{ money('gross_amount') }} end as gross_amount,
        case when currency is not null then {{ money('net_amount') }} end as net_amount,
        is_complete,
        cohort_size >= {{ var('min_cohort_size') }} as min_cell_ok
    from dense

)

select
    cohort_month,
    months_since_first,
    activity_month,
    currency,
    cohort_size,
    active_customer_count,
    retention_rate,
    ci_low,
    ci_high,
    order_count,
    gross_amount,
    net_amount,
    is_complete,
    min_cell_ok
from final
