-- Each cell of the cohort table counts the customers of fct_orders, and sizes add up to all customers who ordered.
with cells as (

    select
        activity_month,
        sum(active_customer_count) as active_customer_count
    from {{ ref('rpt_order_cohorts') }}
    group by activity_month

),

months as (

    select
        order_month,
        customer_count,
        new_customer_count
    from {{ ref('rpt_order_months') }}

),

sizes as (

    select
        cohort_month,
        cohort_size
    from {{ ref('rpt_order_cohorts') }}
    where months_since_first = 0

)

select
    months.order_month,
    months.customer_count,
    cells.active_customer_count,
    months.new_customer_count,
    sizes.cohort_size
from months
left join cells
    on months.order_month = cells.activity_month
left join sizes
    on months.order_month = sizes.cohort_month
where
    months.customer_count != coalesce(cells.active_customer_count, 0)
    or months.new_customer_count != coalesce(sizes.cohort_size, 0)
