{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key=['source', 'source_subscription_id'],
        on_schema_change='fail'
    )
}}
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
    {{ of_changed('source, source_subscription_id') }}

),

usage_levels as (

    select usage_levels.*
    from {{ ref('int_revenue__usage_levels') }} as usage_levels
    inner join policy
        on usage_levels.usage_months = policy.usage_months

),

-- What ends by itself, and an invoice of what was used, changes the state without a new version.
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
    union all by name
    select
        states.*,
        usage_levels.valid_from_at as changed_at
    from states
    inner join usage_levels
        on
            states.source = usage_levels.source
            and states.source_subscription_item_id = usage_levels.source_subscription_item_id
            and states.valid_from_at < usage_levels.valid_from_at
            and coalesce(states.valid_to_at, timestamp '9999-12-31') > usage_levels.valid_from_at

),

judged as (

    select
        moments.*,
        cast(timezone(policy.time_zone, timezone('UTC', moments.changed_at)) as date) as change_date,
        {{ mrr_state('moments', 'policy', 'moments.changed_at') }} as state,
        {{ mrr_has_discount('moments', 'policy', 'moments.changed_at') }} as has_discount,
        policy.free
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

),

used as (

    select
        last_of_day.*,
        coalesce(usage_levels.usage_amount, 0) as usage_amount
    from last_of_day
    asof left join usage_levels
        on
            last_of_day.source = usage_levels.source
            and last_of_day.source_subscription_item_id = usage_levels.source_subscription_item_id
            and last_of_day.changed_at >= usage_levels.valid_from_at
    where last_of_day.state = 'paying' and last_of_day.usage_type = 'metered'
    union all by name
    select *
    from last_of_day
    where (last_of_day.state = 'paying' and last_of_day.usage_type = 'metered') is not true

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
    state = 'suspended' or (state = 'paying' and free = 'keep') as is_alive,
    usage_type = 'metered' as is_metered,
    cancellation_reason,
    cast(timezone('UTC', canceled_at) as date) as cancel_requested_date,
    case
        when state = 'paying' and usage_type = 'licensed' then quantity else 0
    end as quantity,
    {{ monthly_amount('unit_amount * (1 - coalesce(item_discount_rate, 0))') }} as unit_month_amount,
    coalesce(
        usage_amount,
        {{ monthly_amount(
            "case when state = 'paying' and usage_type = 'licensed' then " ~ item_price() ~ " else 0 end"
        ) }}
    ) as gross_amount,
    case when has_discount then coalesce(discount_rate, 0) else 0 end as discount_rate,
    {{ monthly_amount('case when has_discount then coalesce(discount_amount, 0) else 0 end') }} as discount_amount,
    load_id
from used
