-- Every current line known by the as-of date has exactly one place in the balance: none is lost, none counted twice.
with balance as (

    select sum(line_count) as line_count
    from {{ ref('rpt_order_line_balance') }}
    where disposition != 'quarantined'

),

order_lines as (

    select count(*) as line_count
    from {{ ref('stg_files__order_lines') }}
    where cast(ordered_at as date) <= (select context.as_of_date from {{ ref('int_run__context') }} as context)

)

select
    balance.line_count as balance_line_count,
    order_lines.line_count as order_line_count
from balance
cross join order_lines
where coalesce(balance.line_count, 0) != order_lines.line_count
