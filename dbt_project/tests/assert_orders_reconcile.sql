-- Money is neither made nor lost between lines and orders: gross to the sale lines, returned to the matched
-- cancellations, net to their difference.
with orders as (

    select
        sum(gross_amount) as gross_amount,
        sum(returned_amount) as returned_amount,
        sum(net_amount) as net_amount
    from {{ ref('fct_orders') }}

),

lines as (

    select
        sum(line_amount) filter (where disposition = 'sale') as sold_amount,
        sum(line_amount) filter (where disposition = 'cancellation_matched') as taken_back_amount
    from {{ ref('rpt_order_line_balance') }}

)

select
    orders.gross_amount,
    lines.sold_amount,
    orders.returned_amount,
    lines.taken_back_amount,
    orders.net_amount
from orders
cross join lines
where
    orders.gross_amount is distinct from lines.sold_amount
    or coalesce(orders.returned_amount, 0) != coalesce(lines.taken_back_amount, 0)
    or orders.net_amount != orders.gross_amount - orders.returned_amount
