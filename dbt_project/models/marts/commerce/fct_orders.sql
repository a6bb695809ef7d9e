with orders as (

    select *
    from {{ ref('int_commerce__orders') }}

),

ledger as (

    select *
    from {{ ref('int_customers__ledger') }}

),

final as (

    select
        orders.source,
        orders.order_id,
        ledger.customer_id,
        orders.country,
        orders.currency,
        orders.sale_line_count,
        orders.cancelled_line_count,
        orders.gross_amount,
        orders.returned_amount,
        orders.net_amount,
        ledger.customer_id is not null as has_customer,
        orders.cancelled_line_count > 0 and orders.net_amount <= 0 as is_fully_returned,
        orders.ordered_at,
        orders.order_date,
        cast(date_trunc('month', orders.order_date) as date) as order_month
    from orders
    left join ledger
        on
            orders.source = ledger.source
            and orders.source_customer_id = ledger.source_customer_id

)

select
    source,
    order_id,
    customer_id,
    country,
    currency,
    sale_line_count,
    cancelled_line_count,
    gross_amount,
    returned_amount,
    net_amount,
    has_customer,
    is_fully_returned,
    ordered_at,
    order_date,
    order_month
from final
