{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='customer_id',
        on_schema_change='fail',
        meta={'ends_with_month': true}
    )
}}
-- What a customer, as known today, pays at the ends of months, in one currency. Who has paid in several is valued in
-- the reporting currency, once for each month at whose end a window may begin, and at its rates.
with context as (

    select cast(date_trunc('month', as_of_date) + interval 1 month as date) as end_month
    from {{ ref('int_run__context') }}

),

spans as (

    select *
    from {{ ref('int_revenue__level_spans') }}
    {{ of_changed('customer_id') }}

),

in_several_currencies as (

    select
        customer_id,
        cast(date_trunc('month', min(from_date)) as date) as first_month
    from spans
    group by customer_id
    having min(currency) <> max(currency)

),

-- A level of each currency on each day on which that of any changes.
change_days as (

    select distinct
        spans.customer_id,
        spans.from_date,
        in_several_currencies.first_month
    from spans
    inner join in_several_currencies
        on spans.customer_id = in_several_currencies.customer_id

),

valued as (

    select
        change_days.customer_id,
        rates.rate_month,
        rates.reporting_currency as currency,
        change_days.from_date,
        {{ money('sum(' ~ exact_product('spans.mrr_amount', 'rates.rate') ~ ')') }} as mrr_amount
    from change_days
    inner join spans
        on
            change_days.customer_id = spans.customer_id
            and change_days.from_date >= spans.from_date
            and change_days.from_date < coalesce(spans.to_date, date '9999-12-31')
    inner join {{ ref('int_revenue__fx_rates') }} as rates
        on
            spans.currency = rates.currency
            and change_days.first_month <= rates.rate_month
            and change_days.from_date < rates.rate_month + to_months({{ var('retention_window_months') | max }} + 1)
    group by change_days.customer_id, rates.rate_month, rates.reporting_currency, change_days.from_date

),

levels as (

    select
        spans.customer_id,
        null as rate_month,
        spans.currency,
        spans.from_date,
        spans.mrr_amount
    from spans
    anti join in_several_currencies
        on spans.customer_id = in_several_currencies.customer_id
    union all by name
    select *
    from valued

),

-- In a month with changes the lowest level may be on the way. The last one holds until the next month with changes.
changed_months as (

    select
        customer_id,
        rate_month,
        currency,
        cast(date_trunc('month', from_date) as date) as from_month,
        arg_max(mrr_amount, from_date) as closing_amount,
        min(mrr_amount) as lowest_amount
    from levels
    group by all

)

select
    changed_months.customer_id,
    cast(changed_months.rate_month as date) as rate_month,
    changed_months.from_month,
    lead(changed_months.from_month, 1, context.end_month) over (
        partition by changed_months.customer_id, changed_months.rate_month
        order by changed_months.from_month
    ) as to_month,
    changed_months.currency,
    changed_months.closing_amount,
    changed_months.lowest_amount
from changed_months
cross join context
