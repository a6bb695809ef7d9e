{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key=['source', 'source_subscription_id'],
        on_schema_change='fail'
    )
}}
-- Each item of a subscription as it is from a moment on: what it says itself, and what its subscription says.
-- Of two versions from the same time the later load's holds: the other ends when it begins.
with
{% for name, versions, id in [
    ('subscription_runs', 'int_billing__subscriptions', 'source_subscription_id'),
    ('items', 'int_billing__subscription_items', 'source_subscription_item_id'),
] -%}
    {{ name }} as (

        select
            *,
            lead(valid_from_at, 1, timestamp '9999-12-31') over (
                partition by source, {{ id }}
                order by valid_from_at, load_id
            ) as holds_to_at
        from {{ ref(versions) }}
        {{ of_changed('source, source_subscription_id') }}
        qualify holds_to_at > valid_from_at

    ),

{% endfor -%}
-- A version may tell of a cancellation or an end that came while an earlier one held: from then on those have it,
-- unless they began anew after the one that was told before them.
followed as (

    select
        *,
        first_value(canceled_at ignore nulls) over later as next_canceled_at,
        first_value(ended_at ignore nulls) over later as next_ended_at,
        first_value(cancellation_reason ignore nulls) over later as next_reason,
        first_value(if(coalesce(canceled_at, ended_at) is not null, load_id, null) ignore nulls) over later
            as next_load_id,
        {{ told_late('canceled_at') }} as is_asked,
        {{ told_late('ended_at') }} as is_ended,
        greatest(
            valid_from_at, least(if(is_asked, next_canceled_at, null), if(is_ended, next_ended_at, null))
        ) as told_at
    from subscription_runs
    window
        {{ told_windows('source_subscription_id') }}

),

subscription_versions as (

    select * replace (if(is_asked or is_ended, told_at, holds_to_at) as holds_to_at)
    from followed
    where told_at > valid_from_at or not (is_asked or is_ended)
    union all by name
    select
        * replace (
            told_at as valid_from_at,
            if(is_asked, next_canceled_at, canceled_at) as canceled_at,
            if(is_ended, next_ended_at, ended_at) as ended_at,
            coalesce(next_reason, cancellation_reason) as cancellation_reason,
            greatest(load_id, next_load_id) as load_id
        )
    from followed
    where is_asked or is_ended

),

-- So with the end of an item beside others.
item_versions as (

    select
        *,
        first_value(ended_at ignore nulls) over later as next_ended_at,
        if({{ told_late('ended_at') }}, next_ended_at, ended_at) as known_ended_at
    from items
    window
        {{ told_windows('source_subscription_item_id') }}

),

counted as (

    select
        *,
        row_number() over subscription_history as version_number,
        count(*) filter (where status not in ('past_due', 'unpaid')) over subscription_history as settled_count,
        first_value(nullif(status, 'trialing') ignore nulls) over (
            subscription_history rows between current row and unbounded following
        ) in ('paused', 'past_due', 'unpaid')
        and count(*) filter (where status = 'trialing') over subscription_history > 0
        and count(*) filter (
            where status not in ('trialing', 'paused', 'past_due', 'unpaid', 'incomplete')
        ) over subscription_history = 0 as is_trial_still
    from subscription_versions
    window
        subscription_history as (
            partition by source, source_subscription_id
            order by valid_from_at
        )

),

-- What is paused or not paid after a trial, and was never paid, is a trial still.
subscriptions as (

    select
        * replace (
            if(is_trial_still, 'trialing', status) as status,
            if(is_trial_still, null, trial_ends_at) as trial_ends_at
        ),
        case
            when status in ('past_due', 'unpaid') and not is_trial_still
                then min(valid_from_at) filter (where status in ('past_due', 'unpaid')) over (
                        partition by source, source_subscription_id, settled_count
                    )
        end as past_due_since_at
    from counted

),

-- An item that is there before its subscription's first version has what that says.
subscription_spans as (

    select
        *,
        valid_from_at as holds_from_at
    from subscriptions
    union all by name
    select
        * replace (valid_from_at as holds_to_at),
        timestamp '0001-01-01' as holds_from_at
    from subscriptions
    where version_number = 1

)

-- A moment changes an item where it has a version of its own, or its subscription has.
select
    items.source,
    items.source_subscription_id,
    items.source_subscription_item_id,
    greatest(items.valid_from_at, subscriptions.holds_from_at) as valid_from_at,
    nullif(least(items.holds_to_at, subscriptions.holds_to_at), timestamp '9999-12-31') as valid_to_at,
    items.plan,
    coalesce(items.currency, subscriptions.currency) as currency,
    items.billing_interval,
    items.interval_count,
    items.usage_type,
    items.unit_amount,
    if(subscriptions.discount_rate is null, items.discount_rate, null) as item_discount_rate,
    items.quantity,
    items.known_ended_at as item_ended_at,
    subscriptions.source_customer_id,
    subscriptions.status,
    subscriptions.is_collection_paused,
    subscriptions.cancellation_reason,
    subscriptions.discount_duration,
    subscriptions.discount_rate,
    subscriptions.discount_amount,
    subscriptions.discount_ends_at,
    subscriptions.trial_ends_at,
    subscriptions.canceled_at,
    subscriptions.ended_at,
    subscriptions.past_due_since_at,
    greatest(items.load_id, subscriptions.load_id) as load_id
from item_versions as items
inner join subscription_spans as subscriptions
    on
        items.source = subscriptions.source
        and items.source_subscription_id = subscriptions.source_subscription_id
        and items.valid_from_at < subscriptions.holds_to_at
        and items.holds_to_at > subscriptions.holds_from_at
