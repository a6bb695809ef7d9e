-- Levels of what a customer, as known today, pays in a currency, from a day until the next change.
with changes as (

    select
        coalesce(customer_id, past_customer_id) as customer_id,
        currency,
        change_date,
        sum(mrr_change + scope_change) as amount,
        sum(scope_change) as scope_change
    from {{ ref('int_revenue__customer_days') }}
    group by coalesce(customer_id, past_customer_id), currency, change_date
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

starts as (

    select
        customer_id,
        min(change_date) as start_date
    from levels
    group by customer_id

)

select
    levels.customer_id,
    levels.currency,
    levels.change_date as from_date,
    levels.to_date,
    levels.mrr_amount,
    {{ money('levels.scope_change') }} as scope_change,
    starts.start_date,
    cast(date_trunc('month', starts.start_date) as date) as cohort_month,
    rates.rate as start_rate
from levels
inner join starts
    on levels.customer_id = starts.customer_id
inner join {{ ref('int_revenue__fx_rates') }} as rates
    on
        levels.currency = rates.currency
        and date_trunc('month', starts.start_date) = rates.rate_month
