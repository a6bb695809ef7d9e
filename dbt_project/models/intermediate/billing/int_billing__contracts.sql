{{ config(materialized='table') }}

with day_end as (

    select as_of_date + interval 1 day as day_ends_at
    from {{ ref('int_run__context') }}

),

-- What never began is no contract.
subscriptions as (

    select
        subscriptions.*,
        coalesce(subscriptions.ended_at >= day_end.day_ends_at, true) as is_live
    from {{ ref('int_billing__subscriptions') }} as subscriptions
    cross join day_end
    where
        subscriptions.valid_from_at < day_end.day_ends_at
        and coalesce(subscriptions.started_at < day_end.day_ends_at, true)
    qualify
        row_number() over (
            partition by subscriptions.source, subscriptions.source_subscription_id
            order by subscriptions.valid_from_at desc, subscriptions.load_id desc
        ) = 1
        and subscriptions.status not in ('incomplete', 'incomplete_expired')

),

-- Of a customer with nothing live any more, the subscription that ended last.
relevant as (

    select *
    from subscriptions
    qualify
        is_live
        or (
            not bool_or(is_live) over (partition by source, source_customer_id)
            and row_number() over (
                partition by source, source_customer_id order by ended_at desc, source_subscription_id asc
            ) = 1
        )

),

items as (

    select items.*
    from {{ ref('int_billing__subscription_items') }} as items
    cross join day_end
    where items.valid_from_at < day_end.day_ends_at
    qualify
        row_number() over (
            partition by items.source, items.source_subscription_item_id
            order by items.valid_from_at desc, items.load_id desc
        ) = 1

),

-- What is billed by use has no amount before it is used.
priced_items as (

    select
        relevant.source,
        relevant.source_subscription_id,
        items.plan,
        items.created_at,
        items.source_subscription_item_id,
        coalesce(items.currency, relevant.currency) as currency,
        {{ interval_months('items.billing_interval', 'items.interval_count') }} as term_months,
        case
            when items.usage_type = 'licensed'
                then items.unit_amount * cast(items.quantity as double)
                    * {{ intervals_a_year('items.billing_interval') }} / (12 * items.interval_count)
        end as monthly_amount
    from items
    inner join relevant
        on
            items.source = relevant.source
            and items.source_subscription_id = relevant.source_subscription_id
    where items.ended_at is null or items.ended_at >= least(relevant.ended_at, (select day_ends_at from day_end))

),

-- What most of its subscriptions hold beside something else is an addition to a plan.
additions as (

    select
        source,
        plan,
        avg(cast(item_count = 1 as integer)) < 0.5 as is_addition
    from (
        select
            source,
            plan,
            count(*) over (partition by source, source_subscription_id) as item_count
        from priced_items
    ) as counted
    group by source, plan

),

item_sums as (

    select
        priced_items.source,
        priced_items.source_subscription_id,
        case when min(priced_items.currency) = max(priced_items.currency) then min(priced_items.currency) end
            as currency,
        max(priced_items.term_months) as term_months,
        sum(priced_items.monthly_amount) as monthly_amount,
        -- The plan is what was subscribed first, or of several the one that is no addition.
        first(
            priced_items.plan
            order by
                priced_items.created_at asc,
                additions.is_addition asc,
                priced_items.monthly_amount desc,
                priced_items.source_subscription_item_id asc
        ) as plan
    from priced_items
    left join additions
        on
            priced_items.source = additions.source
            and priced_items.plan is not distinct from additions.plan
    group by priced_items.source, priced_items.source_subscription_id

),

contracts as (

    select
        relevant.source,
        relevant.source_customer_id,
        bool_or(relevant.is_live) as is_live,
        bool_and(relevant.status = 'trialing') as is_trial,
        bool_and(relevant.is_canceling_at_period_end) filter (where relevant.is_live) as is_canceling,
        first(
            item_sums.plan
            order by item_sums.monthly_amount desc nulls last, relevant.source_subscription_id asc
        ) as plan,
        case when min(item_sums.currency) = max(item_sums.currency) then min(item_sums.currency) end as currency,
        sum(item_sums.monthly_amount) as monthly_amount,
        cast(min(relevant.started_at) as date) as started_date,
        cast(max(relevant.ended_at) as date) as ended_date,
        -- A month that is paid is no term of a contract.
        cast(
            min(relevant.current_period_ends_at) filter (
                where
                relevant.is_live
                and not coalesce(relevant.is_canceling_at_period_end, false)
                and item_sums.term_months >= {{ var('contract_term_months') }}
            ) as date
        ) as renewal_date,
        max(relevant.valid_from_at) as valid_from_at
    from relevant
    left join item_sums
        on
            relevant.source = item_sums.source
            and relevant.source_subscription_id = item_sums.source_subscription_id
    group by relevant.source, relevant.source_customer_id

)

select
    source,
    source_customer_id,
    case
        when not is_live then 'former'
        when is_trial then 'trial'
        else 'active'
    end as status,
    plan,
    currency,
    case when currency is not null then {{ money('monthly_amount') }} end as recurring_amount,
    is_live,
    is_canceling,
    started_date,
    case when not is_live then ended_date end as ended_date,
    renewal_date,
    valid_from_at
from contracts
