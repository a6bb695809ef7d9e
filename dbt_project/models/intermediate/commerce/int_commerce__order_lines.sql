{{ config(materialized='view') }}

with file_lines as (

    select
        source,
        order_id,
        line_id,
        source_customer_id,
        product_id,
        line_occurrence,
        currency,
        country,
        unit_price,
        line_amount,
        quantity,
        is_cancellation,
        ordered_at
    from {{ ref('stg_files__order_lines') }}

),

-- An order of which only the total is known is one line without a product. Where its lines came too, they count.
file_totals as (

    select
        orders.source,
        orders.order_id,
        cast(null as varchar) as line_id,
        orders.source_customer_id,
        cast(null as varchar) as product_id,
        1 as line_occurrence,
        orders.currency,
        orders.country,
        cast(null as decimal(18, 4)) as unit_price,
        orders.order_amount as line_amount,
        1 as quantity,
        orders.is_cancellation,
        orders.ordered_at
    from {{ ref('stg_files__orders') }} as orders
    anti join file_lines
        on orders.order_id = file_lines.order_id

),

shopify_lines as (

    select
        source,
        order_id,
        line_id,
        source_customer_id,
        product_id,
        0 as line_occurrence,
        currency,
        country,
        unit_price,
        line_amount,
        quantity,
        is_cancellation,
        is_test,
        ordered_at
    from {{ ref('int_commerce__shopify_lines') }}

),

all_lines as (

    select * from file_lines
    union all by name
    select * from file_totals
    union all by name
    select * from shopify_lines

),

final as (

    select
        source,
        order_id,
        line_id,
        source_customer_id,
        product_id,
        line_occurrence,
        currency,
        country,
        case
            when is_test then 'test'
            when is_cancellation then 'cancellation'
            when quantity <= 0 then 'adjustment'
            when unit_price = 0 and line_amount = 0 then 'free_item'
            else 'sale'
        end as line_kind,
        -- The price that tells two sales of one product apart, also where the source gives only totals.
        coalesce(unit_price, {{ money('line_amount / nullif(abs(quantity), 0)') }}) as unit_price,
        line_amount,
        abs(quantity) as quantity,
        ordered_at
    from all_lines
    where cast(ordered_at as date) <= (select context.as_of_date from {{ ref('int_run__context') }} as context)

)

select
    source,
    order_id,
    line_id,
    source_customer_id,
    product_id,
    line_occurrence,
    currency,
    country,
    line_kind,
    unit_price,
    line_amount,
    quantity,
    ordered_at
from final
