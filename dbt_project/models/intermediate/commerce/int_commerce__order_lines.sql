{{ config(materialized='view') }}

with order_lines as (

    select *
    from {{ ref('stg_files__order_lines') }}

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
    from order_lines
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
