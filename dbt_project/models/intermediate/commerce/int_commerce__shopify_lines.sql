with orders as (

    select *
    from {{ ref('stg_shopify__orders') }}

),

refunds as (

    select *
    from {{ ref('stg_shopify__order_line_refunds') }}

),

sold_lines as (

    select
        orders.source,
        orders.order_id,
        order_lines.line_id,
        orders.source_customer_id,
        order_lines.product_id,
        orders.currency,
        orders.country,
        order_lines.unit_price,
        -- A discount can't give more than the line costs.
        greatest({{ money('order_lines.quantity * order_lines.unit_price') }} - order_lines.discount_amount, 0)
            as line_amount,
        order_lines.quantity,
        orders.is_test,
        orders.ordered_at,
        orders.cancelled_at
    from {{ ref('stg_shopify__order_lines') }} as order_lines
    inner join orders
        on order_lines.order_id = orders.order_id

),

refunded_totals as (

    select
        line_id,
        sum(quantity) as refunded_quantity,
        sum(refunded_amount) as refunded_amount
    from refunds
    group by line_id

),

refunded_lines as (

    select
        sold_lines.source,
        sold_lines.order_id,
        refunds.refund_line_id as line_id,
        sold_lines.source_customer_id,
        sold_lines.product_id,
        sold_lines.currency,
        sold_lines.country,
        sold_lines.unit_price,
        refunds.refunded_amount as line_amount,
        refunds.quantity,
        true as is_cancellation,
        false as is_implied,
        sold_lines.is_test,
        refunds.refunded_at as ordered_at
    from refunds
    inner join sold_lines
        on refunds.line_id = sold_lines.line_id

),

-- What a cancelled order still holds when its refunds are taken off. What was given away isn't taken back.
cancelled_rests as (

    select
        sold_lines.source,
        sold_lines.order_id,
        sold_lines.line_id || '/cancelled' as line_id,
        sold_lines.source_customer_id,
        sold_lines.product_id,
        sold_lines.currency,
        sold_lines.country,
        sold_lines.unit_price,
        greatest(sold_lines.line_amount - coalesce(refunded_totals.refunded_amount, 0), 0) as line_amount,
        sold_lines.quantity - coalesce(refunded_totals.refunded_quantity, 0) as quantity,
        true as is_cancellation,
        true as is_implied,
        sold_lines.is_test,
        sold_lines.cancelled_at as ordered_at
    from sold_lines
    left join refunded_totals
        on sold_lines.line_id = refunded_totals.line_id
    where
        sold_lines.cancelled_at is not null
        and sold_lines.quantity > coalesce(refunded_totals.refunded_quantity, 0)
        and sold_lines.unit_price > 0

),

final as (

    select
        * exclude (cancelled_at),
        false as is_cancellation,
        false as is_implied
    from sold_lines
    union all by name
    select * from refunded_lines
    union all by name
    select * from cancelled_rests

)

select
    source,
    order_id,
    line_id,
    source_customer_id,
    product_id,
    currency,
    country,
    unit_price,
    {{ money('line_amount') }} as line_amount,
    {{ money('quantity') }} as quantity,
    is_cancellation,
    is_implied,
    is_test,
    ordered_at
from final
