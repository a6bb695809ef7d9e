with orders as (

    select *
    from {{ ref('int_commerce__orders') }}
    where source_customer_id is not null

),

first_orders as (

    select
        source,
        source_customer_id,
        min(order_date) as first_order_date
    from orders
    group by source, source_customer_id

),

final as (

    select
        orders.source,
        orders.source_customer_id,
        -- The country at the first order: a later move doesn't rewrite earlier periods.
        arg_min(orders.country, (orders.ordered_at, orders.order_id)) as first_order_country,
        count(*) as order_count,
        count(distinct orders.order_date) as order_day_count,
        {{ single_currency_sum('orders.gross_amount', 'orders.currency') }} as gross_amount,
        {{ single_currency_sum('orders.returned_amount', 'orders.currency') }} as returned_amount,
        {{ single_currency_sum('orders.net_amount', 'orders.currency') }} as net_amount,
        case when min(orders.currency) = max(orders.currency) then min(orders.currency) end as currency,
        first_orders.first_order_date,
        min(orders.order_date) filter (where orders.order_date > first_orders.first_order_date) as second_order_date,
        max(orders.order_date) as last_order_date
    from orders
    inner join first_orders
        on
            orders.source = first_orders.source
            and orders.source_customer_id = first_orders.source_customer_id
    group by orders.source, orders.source_customer_id, first_orders.first_order_date

)

select
    source,
    source_customer_id,
    first_order_country,
    order_count,
    order_day_count,
    gross_amount,
    returned_amount,
    net_amount,
    currency,
    first_order_date,
    second_order_date,
    last_order_date
from final
