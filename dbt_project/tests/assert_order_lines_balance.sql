-- Every line that staging has and that is known by the as-of date has exactly one place in the balance: none is lost,
-- none counted twice. What a cancelled order of a shop still held is no line of staging.
with as_of as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

balance as (

    select
        source,
        sum(line_count) as line_count
    from {{ ref('rpt_order_line_balance') }}
    where disposition != 'quarantined'
    group by source

),

staged_lines as (

    select
        source,
        ordered_at
    from {{ ref('stg_files__order_lines') }}
    union all by name
    select
        source,
        ordered_at
    from {{ ref('stg_files__orders') }}
    where order_id not in (select order_id from {{ ref('stg_files__order_lines') }})
    union all by name
    select
        order_lines.source,
        orders.ordered_at
    from {{ ref('stg_shopify__order_lines') }} as order_lines
    inner join {{ ref('stg_shopify__orders') }} as orders
        on order_lines.order_id = orders.order_id
    union all by name
    select
        refunds.source,
        refunds.refunded_at as ordered_at
    from {{ ref('stg_shopify__order_line_refunds') }} as refunds
    inner join {{ ref('stg_shopify__order_lines') }} as order_lines
        on refunds.line_id = order_lines.line_id
    inner join {{ ref('stg_shopify__orders') }} as orders
        on order_lines.order_id = orders.order_id
    union all by name
    select
        source,
        ordered_at
    from {{ ref('int_commerce__shopify_lines') }}
    where is_implied

),

expected as (

    select
        source,
        count(*) as line_count
    from staged_lines
    where cast(ordered_at as date) <= (select as_of.as_of_date from as_of)
    group by source

)

select
    source,
    balance.line_count as balance_line_count,
    expected.line_count as expected_line_count
from balance
full join expected using (source)
where balance.line_count is distinct from expected.line_count
