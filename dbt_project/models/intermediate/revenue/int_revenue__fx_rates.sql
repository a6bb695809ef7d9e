-- The plan rate of each currency of the ledger, month by month: the last that was set, until the next.
with subscriptions as (

    select
        unnest(currencies) as currency,
        first_date
    from {{ ref('int_revenue__subscription_inputs') }}
    where first_date is not null

),

currencies as (

    select
        currency,
        min(first_date) as first_date
    from subscriptions
    group by currency

),

written as (

    select
        upper(reporting_currency) as reporting_currency,
        upper(currency) as currency,
        try_cast(rate_month as date) as rate_month,
        try_cast(rate as decimal(18, 8)) as rate,
        row_number() over (partition by upper(currency), try_cast(rate_month as date) order by rate) as rate_number,
        concat_ws(
            ',', coalesce(reporting_currency, ''), coalesce(currency, ''), coalesce(rate_month, ''), coalesce(rate, '')
        ) as row_text,
        mode(upper(reporting_currency)) over () as usual_reporting_currency
    from {{ ref('fx_rates') }}

),

judged as (

    select
        *,
        case
            when not coalesce(regexp_full_match(currency, '[A-Z]{3}'), false)
                then 'a currency that is no code of three letters, such as USD'
            when not coalesce(regexp_full_match(reporting_currency, '[A-Z]{3}'), false)
                then 'a reporting_currency that is no code of three letters, such as USD'
            when reporting_currency <> usual_reporting_currency
                then 'another reporting_currency than other rows; write all rates for one'
            when rate_month is null or rate_month <> date_trunc('month', rate_month)
                then 'a rate_month that is no first day of a month, written as 2026-01-01'
            when coalesce(rate, 0) <= 0 then 'no rate above 0'
            when rate_number > 1 then 'a month that its currency has twice'
        end as mistake
    from written

),

rates as (

    select
        reporting_currency,
        currency,
        case
            when mistake is null then rate_month
            else error('fx_rates.csv: the row "' || row_text || '" has ' || mistake || '.')
        end as rate_month,
        rate
    from judged

),

-- One currency needs no rates.
reporting as (

    select
        case
            when count(*) = 1 then min(currency)
            else (select min(rates.reporting_currency) from rates)
        end as reporting_currency,
        min(first_date) as first_date
    from currencies

),

months as (

    select
        cast(unnest(generate_series(
            date_trunc('month', reporting.first_date),
            date_trunc('month', context.as_of_date),
            interval 1 month
        )) as date) as rate_month
    from reporting
    cross join {{ ref('int_run__context') }} as context

),

-- Before its first rate a currency has that, so that what it comes to never begins in the middle of a contract.
first_rates as (

    select
        rates.currency,
        min_by(rates.rate, rates.rate_month) as rate
    from rates
    cross join {{ ref('int_run__context') }} as context
    where rates.rate_month <= context.as_of_date
    group by rates.currency

),

final as (

    select
        months.rate_month,
        currencies.currency,
        reporting.reporting_currency,
        case
            when currencies.currency = reporting.reporting_currency then 1
            else coalesce(rates.rate, first_rates.rate)
        end as rate,
        currencies.currency <> reporting.reporting_currency and rates.rate is null as is_assumed
    from months
    cross join currencies
    cross join reporting
    left join first_rates
        on currencies.currency = first_rates.currency
    asof left join rates
        on
            currencies.currency = rates.currency
            and months.rate_month >= rates.rate_month

)

-- What has no rate is in no total: fct_mrr_movements has it in its own currency, and the gate warns of it.
select
    rate_month,
    currency,
    reporting_currency,
    cast(rate as decimal(18, 8)) as rate,
    is_assumed
from final
where rate is not null
