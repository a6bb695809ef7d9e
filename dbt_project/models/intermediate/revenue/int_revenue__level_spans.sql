{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='customer_id',
        on_schema_change='fail'
    )
}}
-- Levels of what a customer, as known today, pays in a currency, from a day until the next change: what another paid
-- for a subscription that they have now is theirs.
with changes as (

    select
        followed_customer_id as customer_id,
        currency,
        change_date,
        sum(mrr_change + scope_change) as amount
    from {{ ref('int_revenue__customer_days') }}
    {{ of_changed('followed_customer_id') }}
    group by followed_customer_id, currency, change_date
    having sum(mrr_change + scope_change) <> 0

),

levels as (

    select
        *,
        {{ money('sum(amount) over customer_history') }} as mrr_amount,
        lead(change_date) over customer_history as to_date
    from changes
    window customer_history as (partition by customer_id, currency order by change_date)

),

-- What is in a currency without a rate when it begins is in no total.
rated as (

    select *
    from levels
    qualify
        (currency, date_trunc('month', min(change_date) over (partition by customer_id, currency))) in (
            select (rates.currency, rates.rate_month) from {{ ref('int_revenue__fx_rates') }} as rates
        )

),

started as (

    select
        *,
        min(change_date) over (partition by customer_id) as start_date
    from rated

)

select
    started.customer_id,
    started.currency,
    started.change_date as from_date,
    started.to_date,
    started.mrr_amount,
    started.start_date,
    cast(date_trunc('month', started.start_date) as date) as cohort_month,
    rates.rate as start_rate
from started
inner join {{ ref('int_revenue__fx_rates') }} as rates
    on
        started.currency = rates.currency
        and date_trunc('month', started.start_date) = rates.rate_month
