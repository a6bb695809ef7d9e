with context as (

    select *
    from {{ ref('int_run__context') }}

),

orders as (

    select *
    from {{ ref('fct_orders') }}

),

customer_months as (

    select *
    from {{ ref('int_commerce__customer_months') }}

),

calendar as (

    select
        cast(unnest(generate_series(
            date_trunc('month', min(orders.order_date)),
            date_trunc('month', any_value(context.as_of_date)),
            interval 1 month
        )) as date) as order_month
    from orders
    cross join context

),

order_totals as (

    select
        order_month,
        count(*) as order_count,
        count(*) filter (where not has_customer) as anonymous_order_count,
        sum(gross_amount) as gross_amount,
        sum(returned_amount) as returned_amount,
        sum(net_amount) as net_amount
    from orders
    group by order_month

),

customer_totals as (

    select
        order_month,
        count(*) as customer_count,
        count(*) filter (where months_since_first = 0) as new_customer_count,
        count(*) filter (where months_since_first > 0) as returning_customer_count
    from customer_months
    group by order_month

),

dense as (

    select
        calendar.order_month,
        context.reporting_currency as currency,
        coalesce(customer_totals.customer_count, 0) as customer_count,
        coalesce(customer_totals.new_customer_count, 0) as new_customer_count,
        coalesce(customer_totals.returning_customer_count, 0) as returning_customer_count,
        coalesce(order_totals.order_count, 0) as order_count,
        coalesce(order_totals.anonymous_order_count, 0) as anonymous_order_count,
        coalesce(order_totals.gross_amount, 0) as gross_amount,
        coalesce(order_totals.returned_amount, 0) as returned_amount,
        coalesce(order_totals.net_amount, 0) as net_amount,
        last_day(calendar.order_month) <= context.as_of_date as is_complete
    from calendar
    cross join context
    left join order_totals
        on calendar.order_month = order_totals.order_month
    left join customer_totals
        on calendar.order_month = customer_totals.order_month

),

final as (

    select
        order_month,
        currency,
        customer_count,
        new_customer_count,
        returning_customer_count,
        returning_customer_count / nullif(customer_count, 0) as returning_customer_rate,
        {{ wilson_low('returning_customer_count', 'customer_count') }} as ci_low,
        {{ wilson_high('returning_customer_count', 'customer_count') }} as ci_high,
        order_count,
        anonymous_order_count,
        case when currency is not null then {{ money('gross_amount') }} end as gross_amount,
        case when currency is not null then {{ money('returned_amount') }} end as returned_amount,
        case when currency is not null then {{ money('net_amount') }} end as net_amount,
        case when currency is not null then {{ money('gross_amount / nullif(order_count, 0)') }} end
            as average_order_amount,
        case when currency is not null then cast(returned_amount / nullif(gross_amount, 0) as double) end
            as return_rate,
        is_complete
    from dense

)

select
    order_month,
    currency,
    customer_count,
    new_customer_count,
    returning_customer_count,
    returning_customer_rate,
    ci_low,
    ci_high,
    order_count,
    anonymous_order_count,
    gross_amount,
    returned_amount,
    net_amount,
    average_order_amount,
    return_rate,
    is_complete
from final
