with stripe_versions as (

    select
        versions.*,
        coupons.duration as discount_duration,
        coupons.discount_rate,
        coupons.discount_amount
    from {{ ref('stg_stripe__subscription_versions') }} as versions
    left join {{ ref('stg_stripe__coupons') }} as coupons
        on versions.source_coupon_id = coupons.source_coupon_id

),

file_items as (

    select *
    from {{ ref('stg_files__subscription_versions') }}

),

file_changes as (

    select distinct
        source_subscription_id,
        valid_from_at,
        load_id
    from file_items

),

-- Each item's state at each change of its subscription, whichever item changed.
file_states as (

    select items.* replace (changes.valid_from_at as valid_from_at, changes.load_id as load_id)
    from file_changes as changes
    inner join file_items as items
        on
            changes.source_subscription_id = items.source_subscription_id
            and (items.valid_from_at, items.load_id) <= (changes.valid_from_at, changes.load_id)
    qualify
        row_number() over (
            partition by
                changes.source_subscription_id,
                changes.valid_from_at,
                changes.load_id,
                items.source_subscription_item_id
            order by items.valid_from_at desc, items.load_id desc
        ) = 1

),

-- A subscription lives as long as one of its items: it has the status of the liveliest, and ends with the last.
file_versions as (

    select
        source,
        source_subscription_id,
        max_by(source_customer_id, started_at) as source_customer_id,
        min_by(
            status, list_position(['active', 'past_due', 'trialing', 'paused', 'canceled'], status)
        ) as status,
        max_by(currency, started_at) as currency,
        min(started_at) as started_at,
        max(trial_ends_at) as trial_ends_at,
        min(current_period_ends_at) filter (where status <> 'canceled') as current_period_ends_at,
        case when bool_and(canceled_at is not null) then max(canceled_at) end as canceled_at,
        -- Where items differ, each has its own.
        case
            when
                count(distinct coalesce(discount_rate, 0)) filter (where coalesce(ended_at > valid_from_at, true))
                = 1
                then max(discount_rate) filter (where coalesce(ended_at > valid_from_at, true))
        end as discount_rate,
        case when bool_and(ended_at is not null) then max(ended_at) end as ended_at,
        min(started_at) as created_at,
        valid_from_at,
        load_id
    from file_states
    group by source, source_subscription_id, valid_from_at, load_id

),

-- Files tell no reason: what ends while a payment is due ends for it, and what is cancelled to end later was asked for.
versions as (

    select * from stripe_versions
    union all by name
    select
        *,
        if(discount_rate > 0, 'forever', null) as discount_duration,
        status <> 'canceled' and canceled_at is not null as is_canceling_at_period_end,
        status = 'paused' as is_collection_paused,
        case
            when
                status = 'canceled'
                and lag(status) over (partition by source_subscription_id order by valid_from_at, load_id) = 'past_due'
                then 'payment_failed'
            when canceled_at < ended_at then 'cancellation_requested'
        end as cancellation_reason
    from file_versions

)

select
    source,
    source_subscription_id,
    source_customer_id,
    status,
    currency,
    collection_method,
    cancellation_reason,
    discount_duration,
    discount_rate,
    {{ money('discount_amount') }} as discount_amount,
    is_canceling_at_period_end,
    is_collection_paused,
    started_at,
    trial_started_at,
    trial_ends_at,
    current_period_started_at,
    current_period_ends_at,
    discount_started_at,
    discount_ends_at,
    canceled_at,
    case when status = 'canceled' then coalesce(ended_at, canceled_at, valid_from_at) else ended_at end as ended_at,
    created_at,
    valid_from_at,
    load_id
from versions
