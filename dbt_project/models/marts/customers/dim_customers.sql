with source_customers as (

    select *
    from {{ ref('int_customers__source_customers') }}

),

customer_ids as (

    select
        durable_id as customer_id,
        source,
        source_record_id as source_customer_id
    from {{ ref('int_customers__record_ids') }}
    where entity = 'customer' and list_kind = 'customer'

),

customer_orders as (

    select *
    from {{ ref('int_commerce__customer_orders') }}

),

final as (

    select
        customer_ids.customer_id,
        source_customers.source,
        source_customers.source_customer_id,
        source_customers.customer_name,
        source_customers.email,
        coalesce(source_customers.country, customer_orders.first_order_country) as country,
        customer_orders.currency,
        coalesce(customer_orders.order_count, 0) as order_count,
        coalesce(customer_orders.order_day_count, 0) as order_day_count,
        case when customer_orders.order_count > 0 then customer_orders.gross_amount else 0 end as gross_amount,
        case when customer_orders.order_count > 0 then customer_orders.returned_amount else 0 end as returned_amount,
        case when customer_orders.order_count > 0 then customer_orders.net_amount else 0 end as net_amount,
        source_customers.signed_up_at,
        customer_orders.first_order_date,
        customer_orders.second_order_date,
        customer_orders.last_order_date,
        customer_orders.cohort_month
    from source_customers
    inner join customer_ids
        on
            source_customers.source = customer_ids.source
            and source_customers.source_customer_id = customer_ids.source_customer_id
    left join customer_orders
        on customer_ids.customer_id = customer_orders.customer_id

)

select
    customer_id,
    source,
    source_customer_id,
    customer_name,
    email,
    country,
    currency,
    order_count,
    order_day_count,
    {{ money('gross_amount') }} as gross_amount,
    {{ money('returned_amount') }} as returned_amount,
    {{ money('net_amount') }} as net_amount,
    signed_up_at,
    first_order_date,
    second_order_date,
    last_order_date,
    cohort_month
from final
