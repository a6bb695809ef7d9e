-- What the invoice that covers a month's end says of a subscription, and what the contract was when its period began.
with policy as (

    select *
    from {{ ref('int_revenue__policies') }}
    where is_active

),

states as (

    select
        *,
        row_number() over (
            partition by source, source_subscription_item_id
            order by valid_from_at
        ) = 1 as is_first
    from {{ ref('int_revenue__item_states') }}

),

-- What is billed of each item for each period that covers the month's end.
billed_items as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        currency,
        month,
        period_start_at,
        sum(month_amount) as month_amount,
        sum(month_discount_amount) as month_discount_amount,
        bool_or(is_discount_untold) as is_discount_untold,
        count(*) as line_count
    from {{ ref('int_revenue__billing_lines') }}
    where is_covering and reason not in ('void', 'proration')
    group by all

),

-- An invoice may tell the day alone on which a contract began or changed: then it is of that day's end.
looks as (

    select
        *,
        period_start_at as looked_at
    from billed_items
    union all by name
    select
        *,
        period_start_at + interval 1 day - interval 1 microsecond as looked_at
    from billed_items
    where period_start_at = date_trunc('day', period_start_at)

),

-- What each item cost when the period began.
begun as (

    select
        looks.source,
        looks.source_subscription_id,
        looks.source_subscription_item_id,
        looks.month,
        looks.period_start_at,
        looks.looked_at,
        hash(
            states.source_subscription_item_id, states.billing_interval, states.interval_count, states.unit_amount
        ) as contract,
        states.status,
        {{ mrr_state('states', 'policy', 'looks.looked_at') }} as state,
        {{ mrr_has_discount('states', 'policy', 'looks.looked_at') }} as has_discount,
        coalesce(states.discount_rate, 0) as discount_rate,
        {{ monthly_amount('coalesce(states.discount_amount, 0)') }} as discount_amount,
        {{ monthly_amount(
            "case when states.usage_type = 'licensed' then " ~ item_price() ~ " else 0 end"
        ) }} as full_amount
    from looks
    cross join policy
    inner join states
        on
            looks.source = states.source
            and looks.source_subscription_id = states.source_subscription_id
            and coalesce(looks.source_subscription_item_id, states.source_subscription_item_id)
            = states.source_subscription_item_id
            and (
                looks.looked_at >= states.valid_from_at
                or (states.is_first and looks.looked_at = date_trunc('day', states.valid_from_at))
            )
            and looks.looked_at < coalesce(states.valid_to_at, timestamp '9999-12-31')

),

begun_items as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        month,
        period_start_at,
        looked_at,
        min_by(state, list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], state)) as state,
        min(status) as status,
        coalesce(sum(contract) filter (where state = 'paying'), 0) as contract,
        sum(if(state = 'paying', full_amount, 0)) as gross_amount,
        max(if(has_discount, discount_rate, 0)) as discount_rate,
        max(discount_rate) as told_discount_rate,
        max(if(has_discount, discount_amount, 0)) as discount_amount
    from begun
    group by source, source_subscription_id, source_subscription_item_id, month, period_start_at, looked_at

),

billed as (

    select
        billed_items.*,
        begun_items.* exclude (source, source_subscription_id, source_subscription_item_id, month, period_start_at),
        coalesce(
            abs(
                billed_items.month_amount
                - begun_items.gross_amount
                * if(billed_items.is_discount_untold, 1 - begun_items.told_discount_rate, 1)
            ) < 0.01 * billed_items.line_count, false
        ) as is_whole
    from billed_items
    left join begun_items
        on
            billed_items.source = begun_items.source
            and billed_items.source_subscription_id = begun_items.source_subscription_id
            and billed_items.source_subscription_item_id is not distinct from begun_items.source_subscription_item_id
            and billed_items.month = begun_items.month
            and billed_items.period_start_at = begun_items.period_start_at
    qualify
        row_number() over (
            partition by
                billed_items.source,
                billed_items.source_subscription_id,
                billed_items.source_subscription_item_id,
                billed_items.currency,
                billed_items.month,
                billed_items.period_start_at
            order by is_whole desc, begun_items.looked_at asc
        ) = 1

),

compared as (

    select
        *,
        lead(contract) over item_history as next_contract,
        lead(gross_amount) over item_history as next_gross_amount,
        lead(period_start_at) over item_history as next_start_at
    from billed
    window
        item_history as (
            partition by source, source_subscription_id, source_subscription_item_id, currency, month
            order by period_start_at
        )

),

-- What is given back when a new period begins within one that was billed.
credits as (

    select distinct
        source,
        source_subscription_id,
        source_subscription_item_id,
        period_start_at
    from {{ ref('int_revenue__billing_lines') }}
    where reason in ('proration', 'credit') and issued_amount < 0

),

beginnings as (

    select
        source,
        source_subscription_id,
        change_date as next_start_date
    from {{ ref('int_revenue__subscription_days') }}
    where is_running and not was_running

),

-- Another price or interval within a period, other units for which the rest of it is credited, and a subscription that
-- begins anew begin a new one: both cover the month's end, and what the first was billed for has changed since. Lines
-- of no item do so where each is all that the contract cost; else they are its parts. What is billed twice for one
-- contract is no change.
counted as (

    select
        compared.*,
        compared.period_start_at = max(compared.period_start_at) over item_month
        or (
            (
                compared.contract <> compared.next_contract
                or (credits.period_start_at is not null and compared.gross_amount <> compared.next_gross_amount)
                or beginnings.next_start_date is not null
            )
            and (compared.source_subscription_item_id is not null or bool_and(compared.is_whole) over item_month)
        ) as is_counted,
        count(*) over (item_month order by compared.period_start_at desc) as contract_number
    from compared
    cross join policy
    left join credits
        on
            compared.source = credits.source
            and compared.source_subscription_id = credits.source_subscription_id
            and compared.source_subscription_item_id is not distinct from credits.source_subscription_item_id
            and compared.next_start_at = credits.period_start_at
    left join beginnings
        on
            compared.source = beginnings.source
            and compared.source_subscription_id = beginnings.source_subscription_id
            and beginnings.next_start_date
            = cast(timezone(policy.time_zone, timezone('UTC', compared.next_start_at)) as date)
    window
        item_month as (
            partition by
                compared.source,
                compared.source_subscription_id,
                compared.source_subscription_item_id,
                compared.currency,
                compared.month
        )

),

-- A discount comes off each contract's sum of items.
contracts as (

    select
        source,
        source_subscription_id,
        currency,
        month,
        contract_number,
        sum(month_amount) as month_amount,
        sum(month_discount_amount) as month_discount_amount,
        sum(line_count) as line_count,
        -- A line that tells no discount has it in its amount.
        coalesce(sum(gross_amount * told_discount_rate) filter (where is_discount_untold and is_counted), 0)
            as untold_discount_amount,
        bool_and(state = 'paying' and status <> 'trialing') filter (where is_counted) as was_paying,
        min_by(state, list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], state)) filter (
            where is_counted
        ) as state,
        coalesce(sum(gross_amount) filter (where is_counted), 0) as gross_amount,
        max(discount_rate) filter (where is_counted) as discount_rate,
        max(discount_amount) filter (where is_counted) as discount_amount
    from counted
    group by source, source_subscription_id, currency, month, contract_number

)

select
    source,
    source_subscription_id,
    currency,
    month,
    sum(month_amount) as month_amount,
    sum(month_discount_amount) as month_discount_amount,
    sum(line_count) as line_count,
    sum(untold_discount_amount) as untold_discount_amount,
    bool_and(was_paying) as was_paying,
    min_by(state, list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], state)) as begun_state,
    {{ money('sum(gross_amount)') }} as begun_gross_amount,
    {{ money('coalesce(sum(least(gross_amount, gross_amount * discount_rate + discount_amount)), 0)') }}
        as begun_discount_amount
from contracts
group by source, source_subscription_id, currency, month
