with orders as (

    select *
    from {{ ref('int_commerce__orders') }}
    where customer_id is not null

),

customers as (

    select
        customer_id,
        cohort_month
    from {{ ref('int_commerce__customer_orders') }}

),

customer_months as (

    select
        customer_id,
        cast(date_trunc('month', order_date) as date) as order_month,
        count(*) as order_count,
        sum(gross_amount) as gross_amount,
        sum(net_amount) as net_amount
    from orders
    group by all

),

final as (

    select
        customer_months.customer_id,
        customer_months.order_month,
        customers.cohort_month,
        date_diff('month', customers.cohort_month, customer_months.order_month) as months_since_first,
        customer_months.order_count,
        {{ money('customer_months.gross_amount') }} as gross_amount,
        {{ money('customer_months.net_amount') }} as net_amount
    from customer_months
    inner join customers
        on customer_months.customer_id = customers.customer_id

)

select
    customer_id,
    order_month,
    cohort_month,
    months_since_first,
    order_count,
    gross_amount,
    net_amount
from final
