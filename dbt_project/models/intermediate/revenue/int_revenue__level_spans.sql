{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='customer_id',
        on_schema_change='fail'
    )
}}
-- Levels of what a customer, as known today, pays in a currency, from a day until the next change.
with changes as (

    select
        coalesce(customer_id, past_customer_id) as customer_id,
        currency,
        change_date,
        sum(mrr_change + scope_change) as amount,
        sum(scope_change) as scope_change
    from {{ ref('int_revenue__customer_days') }}
    {{ of_changed('coalesce(customer_id, past_customer_id)') }}
    group by coalesce(customer_id, past_customer_id), currency, change_date
    having sum(mrr_change + scope_change) <> 0

),

levels as (

    select
        *,
        {{ money('sum(amount) over customer_history') }} as mrr_amount,
        {{ money('sum(scope_change) over customer_history') }} as scope_amount,
        lead(change_date) over customer_history as to_date
    from changes
    window customer_history as (partition by customer_id, currency order by change_date)

),

started as (

    select
        *,
        min(change_date) over (partition by customer_id) as start_date
    from levels

)

select
    started.customer_id,
    started.currency,
    started.change_date as from_date,
    started.to_date,
    started.mrr_amount,
    started.scope_amount,
    started.start_date,
    cast(date_trunc('month', started.start_date) as date) as cohort_month,
    rates.rate as start_rate
from started
inner join {{ ref('int_revenue__fx_rates') }} as rates
    on
        started.currency = rates.currency
        and date_trunc('month', started.start_date) = rates.rate_month
