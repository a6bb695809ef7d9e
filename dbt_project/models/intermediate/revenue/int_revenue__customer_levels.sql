-- What a customer, as known today, pays at each month's end, in one currency: who pays in several is followed in the
-- reporting currency.
with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

spans as (

    select
        *,
        cast(date_trunc('month', from_date) as date) as first_month
    from {{ ref('int_revenue__level_spans') }}

),

-- The level at the end of a month holds until the month in which it changes.
month_ends as (

    select
        spans.customer_id,
        spans.currency,
        spans.mrr_amount,
        cast(unnest(range(
            cast(spans.first_month as timestamp),
            coalesce(
                date_trunc('month', cast(spans.to_date as timestamp)),
                date_trunc('month', cast(context.as_of_date as timestamp)) + interval 1 month
            ),
            interval 1 month
        )) as date) as month
    from spans
    cross join context

),

-- In a month with changes the lowest level may be on the way.
changed_months as (

    select
        customer_id,
        currency,
        first_month as month,
        min(mrr_amount) as lowest_amount,
        sum(scope_change) as scope_change
    from spans
    group by customer_id, currency, first_month

),

customers as (

    select
        customer_id,
        min(currency) = max(currency) as has_one_currency
    from spans
    group by customer_id

),

valued as (

    select
        month_ends.customer_id,
        month_ends.month,
        if(customers.has_one_currency, month_ends.currency, rates.reporting_currency) as currency,
        if(customers.has_one_currency, 1, rates.rate) as own_rate,
        if(customers.has_one_currency, rates.rate, 1) as rate,
        month_ends.mrr_amount as closing_amount,
        coalesce(changed_months.lowest_amount, month_ends.mrr_amount) as lowest_amount,
        coalesce(changed_months.scope_change, 0) as scope_change_amount
    from month_ends
    inner join customers
        on month_ends.customer_id = customers.customer_id
    inner join {{ ref('int_revenue__fx_rates') }} as rates
        on
            month_ends.currency = rates.currency
            and month_ends.month = rates.rate_month
    left join changed_months
        on
            month_ends.customer_id = changed_months.customer_id
            and month_ends.currency = changed_months.currency
            and month_ends.month = changed_months.month
    where month_ends.mrr_amount > 0 or changed_months.month is not null

)

select
    customer_id,
    month,
    cast(date_part('year', month) * 12 + date_part('month', month) as integer) as month_number,
    currency,
    cast(max(rate) as decimal(18, 8)) as rate,
    {{ money('sum(closing_amount * own_rate)') }} as closing_amount,
    {{ money('sum(lowest_amount * own_rate)') }} as lowest_amount,
    {{ money('sum(scope_change_amount * own_rate)') }} as scope_change_amount
from valued
group by customer_id, month, currency
