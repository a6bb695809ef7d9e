{%- set telling = "{'reason': cancellation_reason, 'load_id': load_id}" -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key=['source', 'source_subscription_id'],
        on_schema_change='fail'
    )
}}
-- Each item of a subscription as it is from a moment on: what it says itself, and what its subscription says.
-- Of two versions from the same time the later load's holds: the other ends when it begins. Of those that say one after
-- the other that it is over the last holds that tells of a day before its own.
with
{% for name, versions, id, life in [
    (
        'subscription_runs', 'int_billing__subscriptions', 'source_subscription_id',
        ['life_number', 'is_over', 'started_at']
    ),
    ('items', 'int_billing__subscription_items', 'source_subscription_item_id', ['life_number', 'is_over']),
] -%}
    versions_of_{{ name }} as (

        select *
        from {{ ref(versions) }}
        {{ of_changed('source, source_subscription_id') }}

    ),

    told_again_{{ name }} as (

        select
            source,
            {{ id }}
        from versions_of_{{ name }}
        where ended_at <= valid_from_at
        group by source, {{ id }}
        having count(*) > 1

    ),

    lives_of_{{ name }} as (

        select
            *,
            coalesce(ended_at <= valid_from_at, false) as is_over,
            sum(cast(not is_over as integer)) over (
                partition by source, {{ id }}
                order by valid_from_at, load_id
            ) as life_number
        from versions_of_{{ name }}
        semi join told_again_{{ name }} using (source, {{ id }})

    ),

    {{ name }} as (

        select
            *,
            lead(valid_from_at, 1, timestamp '9999-12-31') over (
                partition by source, {{ id }}
                order by valid_from_at, load_id
            ) as holds_to_at
        from (
            select *
            from versions_of_{{ name }}
            anti join told_again_{{ name }} using (source, {{ id }})
            union all by name
            select * exclude (is_over, life_number)
            from lives_of_{{ name }}
            -- The first of them may tell of its own.
            qualify
                not is_over
                or row_number() over (
                    partition by source, {{ id }}, {{ life | join(', ') }}
                    order by
                        if(ended_at < valid_from_at, valid_from_at, null) desc nulls last,
                        if(ended_at < valid_from_at, load_id, null) desc nulls last,
                        valid_from_at asc,
                        load_id asc
                ) = 1
        ) as told
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
        first_value(if(canceled_at is null, null, {{ telling }}) ignore nulls) over later as next_asking,
        first_value(if(ended_at is null, null, {{ telling }}) ignore nulls) over later as next_end,
        {{ told_late('canceled_at') }} as is_asked,
        {{ told_late('ended_at') }} as is_ended,
        if(is_ended, next_end, next_asking) as next_telling,
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
            coalesce(next_telling.reason, cancellation_reason) as cancellation_reason,
            greatest(load_id, next_telling.load_id) as load_id
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
