{%- set item = ['subscription_id', 'item_id'] -%}
with known as (

    select
        *,
        rank() over (partition by subscription_id order by valid_from_at) = 1 as is_first
    from {{ known_versions(source('files', 'subscriptions'), key=item, dated_by='started_at') }}

),

-- What is known first of a subscription has been so since its start, but for a payment that is due. What is booked
-- ahead is nothing until it starts.
begun as (

    select
        *,
        case
            when is_first and status <> 'past_due' then started_at
            else greatest(valid_from_at, started_at)
        end as begins_at
    from known

),

versions as (

    select *
    from begun
    qualify
        row_number() over (
            partition by subscription_id, item_id, begins_at, load_id
            order by valid_from_at desc
        ) = 1

),

-- An item that goes on in another currency has ended in this one.
followed as (

    select
        *,
        first_value(currency) over (partition by subscription_id order by begins_at, currency) as first_currency,
        lead(currency) over item_history as next_currency,
        lead(begins_at) over item_history as next_begins_at
    from versions
    window item_history as (partition by subscription_id, item_id order by begins_at, load_id)

)

-- In a second currency a subscription is another, for amounts of two don't add up.
select
    'files' as source,
    concat(subscription_id, case when currency <> first_currency then ' (' || currency || ')' end)
        as source_subscription_id,
    item_id as source_subscription_item_id,
    customer_id as source_customer_id,
    plan,
    -- A file without versions tells today's state of a subscription that was cancelled after the as-of date.
    case
        when {{ is_later('coalesce(canceled_at, ended_at)') }} and status = 'canceled' then 'active'
        else status
    end as status,
    currency,
    case interval when 'quarter' then 'month' else interval end as billing_interval,
    unit_amount,
    discount_percent / 100 as discount_rate,
    coalesce(quantity, 1) as quantity,
    coalesce(interval_count, 1) * case interval when 'quarter' then 3 else 1 end as interval_count,
    started_at,
    trial_ends_at,
    current_period_ends_at,
    {{ known_time('canceled_at') }} as canceled_at,
    least(
        case when next_currency <> currency then next_begins_at end,
        case
            when {{ is_later('coalesce(canceled_at, ended_at)') }} then null
            when status = 'canceled' then coalesce(ended_at, canceled_at, greatest(valid_from_at, started_at))
            -- Who has asked for the end of what is active has paid until then.
            when canceled_at is not null then coalesce(ended_at, current_period_ends_at)
            else ended_at
        end
    ) as ended_at,
    begins_at as valid_from_at,
    load_id
from followed
