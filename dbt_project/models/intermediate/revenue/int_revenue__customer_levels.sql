{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='customer_id',
        on_schema_change='fail',
        meta={'ends_with_month': true}
    )
}}
-- What a customer, as known today, pays at the ends of months, in one currency: who pays in several is followed in the
-- reporting currency, month by month.
with context as (

    select cast(date_trunc('month', as_of_date) + interval 1 month as date) as end_month
    from {{ ref('int_run__context') }}

),

-- In a month with changes the lowest level may be on the way. The last one holds until the next month with changes.
changed_months as (

    select
        customer_id,
        currency,
        cast(date_trunc('month', from_date) as date) as from_month,
        arg_max(mrr_amount, from_date) as closing_amount,
        min(mrr_amount) as lowest_amount,
        sum(scope_change) as scope_change_amount
    from {{ ref('int_revenue__level_spans') }}
    {{ of_changed('customer_id') }}
    group by all

),

customers as (

    select
        customer_id,
        min(currency) = max(currency) as has_one_currency
    from changed_months
    group by customer_id

),

runs as (

    select
        changed_months.*,
        customers.has_one_currency,
        lead(changed_months.from_month, 1, context.end_month) over (
            partition by changed_months.customer_id, changed_months.currency
            order by changed_months.from_month
        ) as to_month
    from changed_months
    inner join customers
        on changed_months.customer_id = customers.customer_id
    cross join context

),

-- Only the first month of a run has changes.
currency_months as (

    select
        runs.customer_id,
        rates.rate_month as from_month,
        rates.reporting_currency,
        rates.rate,
        runs.closing_amount,
        if(rates.rate_month = runs.from_month, runs.lowest_amount, runs.closing_amount) as lowest_amount,
        if(rates.rate_month = runs.from_month, runs.scope_change_amount, 0) as scope_change_amount
    from runs
    inner join {{ ref('int_revenue__fx_rates') }} as rates
        on
            runs.currency = rates.currency
            and runs.from_month <= rates.rate_month
            and runs.to_month > rates.rate_month
    where not runs.has_one_currency

),

reporting_months as (

    select
        currency_months.customer_id,
        currency_months.from_month,
        currency_months.reporting_currency as currency,
        {{ money('sum(' ~ exact_product('closing_amount', 'rate') ~ ')') }} as closing_amount,
        {{ money('sum(' ~ exact_product('lowest_amount', 'rate') ~ ')') }} as lowest_amount,
        {{ money('sum(' ~ exact_product('scope_change_amount', 'rate') ~ ')') }} as scope_change_amount
    from currency_months
    group by currency_months.customer_id, currency_months.from_month, currency_months.reporting_currency

)

select
    customer_id,
    from_month,
    to_month,
    currency,
    closing_amount,
    lowest_amount,
    {{ money('scope_change_amount') }} as scope_change_amount
from runs
where has_one_currency
union all
select
    customer_id,
    from_month,
    cast(from_month + interval 1 month as date) as to_month,
    currency,
    closing_amount,
    lowest_amount,
    scope_change_amount
from reporting_months
