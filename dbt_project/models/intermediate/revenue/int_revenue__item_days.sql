-- What an item adds to its subscription's MRR by the end of each day on which that may have changed.
with policy as (

    select *
    from {{ ref('int_revenue__policies') }}
    where is_active

),

context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

states as (

    select
        states.*,
        case
            when
                policy.churn_recognition <> 'payment_failure_final'
                then states.past_due_since_at + to_days(policy.dunning_days)
        end as given_up_at,
        case when policy.churn_recognition = 'cancel_request' then states.canceled_at end as recognised_at
    from {{ ref('int_revenue__item_states') }} as states
    cross join policy

),

-- What ends by itself changes the state without a new version.
moments as (

    select
        *,
        valid_from_at as changed_at
    from states
    union all by name
    select
        *,
        unnest(
            list_distinct(list_filter(
                [trial_ends_at, discount_ends_at, item_ended_at, ended_at, given_up_at, recognised_at],
                moment -> moment > valid_from_at and coalesce(moment < valid_to_at, true)
            ))
        ) as changed_at
    from states

),

judged as (

    select
        moments.*,
        cast(timezone(policy.time_zone, timezone('UTC', moments.changed_at)) as date) as change_date,
        case
            when least(moments.item_ended_at, moments.ended_at, moments.recognised_at) <= moments.changed_at
                then 'ended'
            when moments.status in ('canceled', 'incomplete', 'incomplete_expired', 'unpaid') then 'ended'
            when moments.given_up_at <= moments.changed_at then 'given_up'
            when
                policy.trials = 'exclude'
                and moments.status = 'trialing'
                and coalesce(moments.trial_ends_at > moments.changed_at, true)
                then 'trial'
            when policy.pauses = 'suspend' and (moments.is_collection_paused or moments.status = 'paused')
                then 'suspended'
            else 'paying'
        end as state,
        case
            when moments.discount_ends_at <= moments.changed_at then false
            when policy.discounts = 'none' then false
            when policy.discounts = 'all' then true
            when policy.discounts = 'forever' then moments.discount_duration = 'forever'
            else coalesce(moments.discount_duration <> 'once', true)
        end as has_discount,
        -- Months' worth of an interval, in twelfths of a year.
        case moments.billing_interval
            when 'year' then 1
            when 'month' then 12
            when 'week' then 52
            when 'day' then 365
        end as intervals_a_year
    from moments
    cross join policy

),

last_of_day as (

    select judged.*
    from judged
    cross join context
    where judged.change_date <= context.as_of_date
    qualify
        row_number() over (
            partition by judged.source, judged.source_subscription_item_id, judged.change_date
            order by judged.changed_at desc
        ) = 1

)

select
    source,
    source_subscription_id,
    source_subscription_item_id,
    change_date,
    source_customer_id,
    currency,
    plan,
    state,
    cancellation_reason,
    cast(timezone('UTC', canceled_at) as date) as cancel_requested_date,
    case
        when state = 'paying' and usage_type = 'licensed' then quantity else 0
    end as quantity,
    {{ money(
        'unit_amount * (1 - coalesce(item_discount_rate, 0)) * intervals_a_year / (12 * interval_count)'
    ) }} as unit_month_amount,
    {{ money(
        "case when state = 'paying' and usage_type = 'licensed'"
        ~ " then unit_amount * quantity * (1 - coalesce(item_discount_rate, 0)) * intervals_a_year"
        ~ " / (12 * interval_count) else 0 end"
    ) }} as gross_amount,
    case when has_discount then coalesce(discount_rate, 0) else 0 end as discount_rate,
    {{ money(
        'case when has_discount then coalesce(discount_amount, 0) * intervals_a_year / (12 * interval_count) else 0 end'
    ) }} as discount_amount,
    load_id
from last_of_day
