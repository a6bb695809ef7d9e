-- Each item of a subscription as it is from a moment on: what it says itself, and what its subscription says.
with subscription_versions as (

    select
        *,
        count(*) filter (where status <> 'past_due') over (
            partition by source, source_subscription_id order by valid_from_at
        ) as settled_count
    from (
        -- Of two versions from the same time the later load's holds.
        select *
        from {{ ref('int_billing__subscriptions') }}
        qualify
            row_number() over (
                partition by source, source_subscription_id, valid_from_at
                order by load_id desc
            ) = 1
    ) as latest

),

subscriptions as (

    select
        *,
        case
            when status = 'past_due'
                then min(valid_from_at) filter (where status = 'past_due') over (
                        partition by source, source_subscription_id, settled_count
                    )
        end as past_due_since_at
    from subscription_versions

),

items as (

    select *
    from {{ ref('int_billing__subscription_items') }}
    qualify
        row_number() over (
            partition by source, source_subscription_item_id, valid_from_at
            order by load_id desc
        ) = 1

),

known_items as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        min(valid_from_at) as first_valid_at
    from items
    group by source, source_subscription_id, source_subscription_item_id

),

-- A moment changes an item where it has a version of its own, or its subscription has.
moments as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        valid_from_at
    from items
    union
    select
        known_items.source,
        known_items.source_subscription_id,
        known_items.source_subscription_item_id,
        subscriptions.valid_from_at
    from known_items
    inner join subscriptions
        on
            known_items.source = subscriptions.source
            and known_items.source_subscription_id = subscriptions.source_subscription_id
            and known_items.first_valid_at < subscriptions.valid_from_at

),

-- An item that is there before its subscription's first version has what that says.
opened_subscriptions as (

    select
        *,
        if(
            row_number() over (partition by source, source_subscription_id order by valid_from_at) = 1,
            timestamp '0001-01-01',
            valid_from_at
        ) as holds_from_at
    from subscriptions

)

select
    moments.source,
    moments.source_subscription_id,
    moments.source_subscription_item_id,
    moments.valid_from_at,
    lead(moments.valid_from_at) over (
        partition by moments.source, moments.source_subscription_item_id
        order by moments.valid_from_at
    ) as valid_to_at,
    items.plan,
    coalesce(items.currency, subscriptions.currency) as currency,
    items.billing_interval,
    items.interval_count,
    items.usage_type,
    items.unit_amount,
    items.discount_rate as item_discount_rate,
    items.quantity,
    items.ended_at as item_ended_at,
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
from moments
asof inner join items
    on
        moments.source = items.source
        and moments.source_subscription_item_id = items.source_subscription_item_id
        and moments.valid_from_at >= items.valid_from_at
asof inner join opened_subscriptions as subscriptions
    on
        moments.source = subscriptions.source
        and moments.source_subscription_id = subscriptions.source_subscription_id
        and moments.valid_from_at >= subscriptions.holds_from_at
