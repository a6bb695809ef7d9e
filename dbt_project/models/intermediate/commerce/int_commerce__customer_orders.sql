with customer_days as (

    select
        customer_id,
        order_date,
        count(*) as order_count,
        sum(gross_amount) as gross_amount,
        sum(returned_amount) as returned_amount,
        sum(net_amount) as net_amount,
        min(currency) as first_currency,
        max(currency) as last_currency,
        min(country) as country
    from {{ ref('int_commerce__orders') }}
    where customer_id is not null
    group by customer_id, order_date

),

customers as (

    select
        customer_id,
        -- The country of the first order day: a later move doesn't rewrite earlier periods.
        arg_min(country, order_date) as first_order_country,
        sum(order_count) as order_count,
        count(*) as order_day_count,
        sum(gross_amount) as gross_amount,
        sum(returned_amount) as returned_amount,
        sum(net_amount) as net_amount,
        min(first_currency) as first_currency,
        max(last_currency) as last_currency,
        min(order_date, 2) as first_two_order_dates,
        max(order_date) as last_order_date
    from customer_days
    group by customer_id

),

final as (

    select
        customer_id,
        first_order_country,
        cast(order_count as bigint) as order_count,
        order_day_count,
        -- Amounts in several currencies have no sum.
        case when first_currency = last_currency then {{ money('gross_amount') }} end as gross_amount,
        case when first_currency = last_currency then {{ money('returned_amount') }} end as returned_amount,
        case when first_currency = last_currency then {{ money('net_amount') }} end as net_amount,
        case when first_currency = last_currency then first_currency end as currency,
        first_two_order_dates[1] as first_order_date,
        first_two_order_dates[2] as second_order_date,
        last_order_date,
        cast(date_trunc('month', first_two_order_dates[1]) as date) as cohort_month
    from customers

)

select
    customer_id,
    first_order_country,
    order_count,
    order_day_count,
    gross_amount,
    returned_amount,
    net_amount,
    currency,
    first_order_date,
    second_order_date,
    last_order_date,
    cohort_month
from final
