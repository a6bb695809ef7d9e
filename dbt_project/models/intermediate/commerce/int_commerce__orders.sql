with sale_lines as (

    select *
    from {{ ref('int_commerce__order_lines') }}
    where line_kind = 'sale'

),

sold as (

    select
        source,
        order_id,
        min(source_customer_id) as source_customer_id,
        min(country) as country,
        min(currency) as currency,
        count(*) as sale_line_count,
        sum(line_amount) as gross_amount,
        min(ordered_at) as ordered_at
    from sale_lines
    group by source, order_id

),

returned as (

    select
        source,
        sale_order_id as order_id,
        count(*) as cancelled_line_count,
        sum(line_amount) as returned_amount
    from {{ ref('int_commerce__cancellations') }}
    where sale_order_id is not null
    group by source, sale_order_id

),

customer_ids as (

    select
        durable_id as customer_id,
        source,
        source_record_id as source_customer_id
    from {{ ref('int_customers__record_ids') }}
    where entity = 'customer' and list_kind = 'customer'

),

final as (

    select
        sold.source,
        sold.order_id,
        customer_ids.customer_id,
        sold.country,
        sold.currency,
        sold.sale_line_count,
        coalesce(returned.cancelled_line_count, 0) as cancelled_line_count,
        {{ money('sold.gross_amount') }} as gross_amount,
        {{ money('coalesce(returned.returned_amount, 0)') }} as returned_amount,
        {{ money('sold.gross_amount - coalesce(returned.returned_amount, 0)') }} as net_amount,
        sold.ordered_at,
        cast(sold.ordered_at as date) as order_date
    from sold
    left join returned
        on
            sold.source = returned.source
            and sold.order_id = returned.order_id
    left join customer_ids
        on
            sold.source = customer_ids.source
            and sold.source_customer_id = customer_ids.source_customer_id

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
    ordered_at,
    order_date
from final
