-- Years of all days that facts tell of, and the one after the as-of date's.
with fact_days as (

    select min(order_date) as first_date
    from {{ ref('fct_orders') }}
    union all by name
    select min(movement_date) as first_date
    from {{ ref('fct_mrr_movements') }}
    union all by name
    select min(issued_date) as first_date
    from {{ ref('fct_invoice_lines') }}
    union all by name
    select
        min(due_date) as first_date,
        max(due_date) as last_date
    from {{ ref('fct_renewals') }}

),

bounds as (

    select
        any_value(context.as_of_date) as as_of_date,
        least(min(fact_days.first_date), any_value(context.as_of_date)) as first_date,
        greatest(max(fact_days.last_date), any_value(context.as_of_date) + interval 1 year) as last_date
    from fact_days
    cross join {{ ref('int_run__context') }} as context

),

days as (

    select
        as_of_date,
        cast(unnest(generate_series(
            date_trunc('year', first_date),
            date_trunc('year', last_date) + interval 1 year - interval 1 day,
            interval 1 day
        )) as date) as date_day
    from bounds

)

select
    date_day,
    cast(date_trunc('month', date_day) as date) as month,
    cast(date_trunc('quarter', date_day) as date) as quarter,
    cast(date_trunc('year', date_day) as date) as year,
    cast(date_trunc('week', date_day) as date) as week,
    cast(date_part('isodow', date_day) as integer) as iso_weekday,
    date_day = date_trunc('month', date_day) as is_month_start,
    date_day = last_day(date_day) as is_month_end,
    date_day <= as_of_date as is_past,
    last_day(date_day) <= as_of_date as is_complete_month
from days
