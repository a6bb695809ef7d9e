-- What the whole ledger hangs on, beside what was kept from the last run.
with rates as (

    select
        string_agg(
            concat_ws(',', fx_rates.reporting_currency, fx_rates.currency, fx_rates.rate_month, fx_rates.rate), ';'
            order by fx_rates.reporting_currency, fx_rates.currency, fx_rates.rate_month, fx_rates.rate
        ) as rates
    from {{ ref('fx_rates') }} as fx_rates
    cross join {{ ref('int_run__context') }} as context
    where coalesce(try_cast(fx_rates.rate_month as date) <= context.as_of_date, true)

),

-- One currency needs no rates; of several all amounts come into one.
billed as (

    select distinct unnest(currencies) as currency
    from {{ ref('int_revenue__subscription_inputs') }}

),

currencies as (

    select string_agg(currency, ',' order by currency) as currencies
    from billed

),

versions as (

    select
        md5(concat_ws(';', {{ project_version() }}, policy.policy_version, currencies.currencies, rates.rates))
            as ledger_version,
        -- A month is complete on its last day, and another begins on the next.
        concat_ws(
            ',',
            date_trunc('month', context.as_of_date),
            date_trunc('month', context.as_of_date + interval 1 day)
        ) as month_version
    from {{ ref('int_run__context') }} as context
    cross join {{ ref('int_revenue__policies') }} as policy
    cross join currencies
    cross join rates
    where policy.is_active

),

kept as (

    select
        min(ledger_version) as ledger_version,
        min(month_version) as month_version
    from {{ ref('int_revenue__last_subscriptions') }}

)

select
    versions.ledger_version,
    versions.month_version,
    coalesce(versions.ledger_version = kept.ledger_version, false) as is_kept,
    coalesce(versions.month_version = kept.month_version, false) as is_same_month
from versions
cross join kept
