-- What customers pay on the as-of date is the total of the month's end so far, but for what belongs to nobody any more.
with context as (

    select cast(date_trunc('month', as_of_date) as date) as month
    from {{ ref('int_run__context') }}

),

customers as (

    select coalesce(sum(recurring_amount), 0) as amount
    from {{ ref('dim_customers') }}

),

nobodys as (

    select coalesce(sum(months.reporting_closing_amount), 0) as amount
    from {{ ref('fct_customer_months') }} as months
    inner join context
        on months.month = context.month
    where months.customer_id is null

),

total as (

    select coalesce(sum(months.closing_amount), 0) as amount
    from {{ ref('rpt_mrr_months') }} as months
    inner join context
        on months.month = context.month
    where months.dimension = 'all'

)

select
    total.amount as mrr_amount,
    customers.amount as recurring_amount,
    nobodys.amount as nobodys_amount
from total
cross join customers
cross join nobodys
where total.amount <> customers.amount + nobodys.amount
