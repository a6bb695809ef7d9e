with cancelled_lines as (

    select *
    from {{ ref('int_commerce__order_lines') }}
    where line_kind = 'cancellation'

),

-- What one order sold of one product at one price: the thing that a cancellation can take back.
sold_positions as (

    select
        sales.source,
        sales.order_id,
        sales.source_customer_id,
        sales.product_id,
        sales.unit_price,
        sales.currency,
        sum(sales.quantity) as sold_quantity,
        min(sales.ordered_at) as sold_at
    from {{ ref('int_commerce__order_lines') }} as sales
    where
        sales.line_kind = 'sale'
        and (
            (sales.source, sales.source_customer_id, sales.product_id) in (
                select (cancelled_lines.source, cancelled_lines.source_customer_id, cancelled_lines.product_id)
                from cancelled_lines
            )
            or (sales.source, sales.order_id) in (
                select (cancelled_lines.source, cancelled_lines.order_id)
                from cancelled_lines
            )
        )
    group by all

),

same_order as (

    select
        cancelled.*,
        'same_order' as match_rule,
        sold.order_id as sale_order_id,
        sold.unit_price as sale_unit_price,
        sold.sold_quantity,
        sold.sold_at
    from cancelled_lines as cancelled
    inner join sold_positions as sold
        on
            cancelled.source = sold.source
            and cancelled.order_id = sold.order_id
            and cancelled.product_id is not distinct from sold.product_id
            and cancelled.unit_price <= sold.unit_price
            -- What was given away and came back takes back nothing that was paid for.
            and (cancelled.unit_price > 0 or cancelled.line_amount > 0 or sold.unit_price = 0)
            and cancelled.currency = sold.currency
            and cancelled.ordered_at >= sold.sold_at

),

same_product_and_price as (

    select
        cancelled.*,
        'same_product_and_price' as match_rule,
        sold.order_id as sale_order_id,
        sold.unit_price as sale_unit_price,
        sold.sold_quantity,
        sold.sold_at
    from cancelled_lines as cancelled
    inner join sold_positions as sold
        on
            cancelled.source = sold.source
            and cancelled.source_customer_id = sold.source_customer_id
            and cancelled.product_id is not distinct from sold.product_id
            and cancelled.unit_price = sold.unit_price
            and cancelled.currency = sold.currency
            and cancelled.ordered_at >= sold.sold_at

),

earlier_sales as (

    select * from same_order
    union all by name
    select * from same_product_and_price

),

-- The most recent earlier sale that holds the whole quantity. The order's own sale goes before any other, and of its
-- prices the nearest, for a refund is never more than was paid.
chosen_sales as (

    select *
    from earlier_sales
    where sold_quantity >= quantity
    qualify
        row_number() over (
            partition by source, order_id, line_id, product_id, line_occurrence
            order by match_rule asc, sale_unit_price asc, sold_at desc, sale_order_id desc
        ) = 1

),

-- Several cancellations may choose one sale: they count, in order of time, as long as it was sold often enough.
covered_sales as (

    select *
    from chosen_sales
    qualify
        sum(quantity) over (
            partition by source, sale_order_id, source_customer_id, product_id, sale_unit_price, currency
            order by ordered_at, order_id, line_id, line_occurrence
            rows between unbounded preceding and current row
        ) <= sold_quantity

),

lines_with_earlier_sales as (

    select distinct
        source,
        order_id,
        line_id,
        product_id,
        line_occurrence
    from earlier_sales

),

final as (

    select
        cancelled.source,
        cancelled.order_id,
        cancelled.line_id,
        cancelled.source_customer_id,
        cancelled.product_id,
        cancelled.line_occurrence,
        cancelled.currency,
        covered.sale_order_id,
        covered.match_rule,
        case
            when covered.sale_order_id is not null then null
            when earlier.order_id is not null then 'more than was sold'
            when cancelled.source_customer_id is null then 'no customer to match by'
            else 'no earlier sale of this product at this price'
        end as unmatched_reason,
        cancelled.line_amount,
        cancelled.quantity,
        cancelled.ordered_at as cancelled_at
    from cancelled_lines as cancelled
    left join covered_sales as covered
        on
            cancelled.source = covered.source
            and cancelled.order_id = covered.order_id
            and cancelled.line_id is not distinct from covered.line_id
            and cancelled.product_id is not distinct from covered.product_id
            and cancelled.line_occurrence = covered.line_occurrence
    left join lines_with_earlier_sales as earlier
        on
            cancelled.source = earlier.source
            and cancelled.order_id = earlier.order_id
            and cancelled.line_id is not distinct from earlier.line_id
            and cancelled.product_id is not distinct from earlier.product_id
            and cancelled.line_occurrence = earlier.line_occurrence

)

select
    source,
    order_id,
    line_id,
    source_customer_id,
    product_id,
    line_occurrence,
    currency,
    sale_order_id,
    match_rule,
    unmatched_reason,
    line_amount,
    quantity,
    cancelled_at
from final
