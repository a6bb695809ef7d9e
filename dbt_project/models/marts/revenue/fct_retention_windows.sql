{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='followed_id',
        on_schema_change='fail',
        meta={'ends_with_month': true}
    )
}}
{#- Months between the two ends of a window. -#}
{%- set windows = var('retention_window_months') -%}
-- What became of each customer who paid at a month's end, so many months later, at the rate of the first month. It
-- stays the same for a run of months: until the window's beginning, or its end, comes to another level or rate.
with context as (

    select date_part('year', as_of_date) * 12 + date_part('month', as_of_date) as as_of_number
    from {{ ref('int_run__context') }}

),

rate_changes as (

    select
        currency,
        rate,
        date_part('year', rate_month) * 12 + date_part('month', rate_month) as from_number
    from {{ ref('int_revenue__fx_rates') }}
    qualify coalesce(rate <> lag(rate) over (partition by currency order by rate_month), true)

),

rates as (

    select
        rate_changes.*,
        lead(rate_changes.from_number, 1, context.as_of_number + 1) over (
            partition by rate_changes.currency
            order by rate_changes.from_number
        ) as to_number
    from rate_changes
    cross join context

),

changed as (

    select *
    from {{ ref('int_revenue__customer_levels') }}
    {{ of_changed('customer_id') }}

),

-- Whoever pays nothing at a month's end left for the cause for which they last stopped by then.
caused as (

    select
        *,
        null as end_cause
    from changed
    where closing_amount > 0
    union all by name
    select
        changed.*,
        if(changed.from_month + interval 1 month > presences.to_date, presences.end_cause, null) as end_cause
    from changed
    asof left join {{ ref('int_revenue__presences') }} as presences
        on
            changed.customer_id = presences.customer_id
            and changed.from_month + interval 1 month > presences.from_date
    where changed.closing_amount <= 0

),

levels as (

    select
        customer_id,
        currency,
        closing_amount,
        lowest_amount,
        end_cause,
        coalesce(date_part('year', rate_month) * 12 + date_part('month', rate_month), 0) as rate_number,
        date_part('year', from_month) * 12 + date_part('month', from_month) as from_number,
        date_part('year', to_month) * 12 + date_part('month', to_month) as to_number
    from caused

),

-- What is valued at the rates of a month counts where a window begins at its end.
starts as (

    select
        levels.customer_id,
        levels.rate_number,
        levels.from_number as level_number,
        levels.closing_amount,
        rates.rate,
        greatest(levels.from_number, rates.from_number) as from_number,
        least(levels.to_number, rates.to_number) as to_number
    from levels
    inner join rates
        on
            levels.currency = rates.currency
            and levels.from_number < rates.to_number
            and levels.to_number > rates.from_number
    where levels.closing_amount > 0 and levels.rate_number = 0
    union all by name
    select
        customer_id,
        rate_number,
        from_number as level_number,
        closing_amount,
        1 as rate,
        rate_number as from_number,
        rate_number + 1 as to_number
    from levels
    where closing_amount > 0 and rate_number >= from_number and rate_number < to_number

),

-- The lowest level after the first month until the last one's.
pairs as (

    select
        starts.customer_id,
        starts.from_number as start_from_number,
        starts.to_number as start_to_number,
        ends.from_number as end_from_number,
        ends.to_number as end_to_number,
        starts.rate,
        starts.closing_amount as start_amount,
        ends.closing_amount as end_amount,
        ends.end_cause,
        min(if(ends.from_number = starts.level_number, ends.closing_amount, ends.lowest_amount)) over (
            partition by starts.customer_id, starts.from_number
            order by ends.from_number
        ) as lowest_amount
    from starts
    inner join levels as ends
        on
            starts.customer_id = ends.customer_id
            and starts.rate_number = ends.rate_number
            and starts.level_number <= ends.from_number
            and starts.to_number + {{ windows | max }} > ends.from_number

),

valued as (

    select
        customer_id,
        start_from_number,
        start_to_number,
        end_from_number,
        end_to_number,
        end_cause,
        {{ money_at_rate('start_amount', 'rate') }} as start_amount,
        {{ money_at_rate('end_amount', 'rate') }} as end_amount,
        {{ money_at_rate('least(greatest(end_amount, 0), start_amount)', 'rate') }} as kept_amount,
        {{ money_at_rate('least(greatest(lowest_amount, 0), start_amount, greatest(end_amount, 0))', 'rate') }}
            as lowest_amount
    from pairs

),

windows as (

    select unnest({{ windows }}) as window_months

),

runs as (

    select
        valued.*,
        windows.window_months,
        greatest(valued.start_from_number + windows.window_months, valued.end_from_number) as from_number,
        least(valued.start_to_number + windows.window_months, valued.end_to_number) as to_number
    from valued
    inner join windows
        on
            valued.start_from_number + windows.window_months < valued.end_to_number
            and valued.start_to_number + windows.window_months > valued.end_from_number

)

select
    customer_id as followed_id,
    cast(window_months as integer) as window_months,
    cast(make_date((from_number - 1) // 12, (from_number - 1) % 12 + 1, 1) as date) as from_month,
    cast(make_date((to_number - 1) // 12, (to_number - 1) % 12 + 1, 1) as date) as to_month,
    start_amount,
    end_amount,
    kept_amount,
    lowest_amount,
    end_cause
from runs
