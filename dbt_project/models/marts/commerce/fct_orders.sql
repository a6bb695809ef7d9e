with orders as (

    select *
    from {{ ref('int_commerce__orders') }}

),

final as (

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
        customer_id is not null as has_customer,
        cancelled_line_count > 0 and net_amount <= 0 as is_fully_returned,
        ordered_at,
        order_date,
        cast(date_trunc('month', order_date) as date) as order_month
    from orders

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
