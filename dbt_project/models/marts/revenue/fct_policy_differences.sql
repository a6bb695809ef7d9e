-- Where policies can differ at all (trials, pauses, discounts, payments that are due, cancellations asked for, use),
-- each subscription's MRR at each month's end under each policy, and what it is under another state or discount.
with policies as (

    select *
    from {{ ref('int_revenue__policies') }}

),

active as (

    select *
    from policies
    where is_active

),

context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

span as (

    select
        date_trunc('month', min(states.valid_from_at)) as first_month,
        date_trunc('month', cast(max(context.as_of_date) as timestamp)) as last_month
    from {{ ref('int_revenue__item_states') }} as states
    cross join context

),

months as (

    select unnest(generate_series(first_month, last_month, interval 1 month)) as month
    from span

),

month_ends as (

    select
        cast(months.month as date) as month,
        timezone('UTC', timezone(active.time_zone, months.month + interval 1 month)) - interval 1 microsecond as moment
    from months
    cross join active
    cross join context
    where months.month + interval 1 month <= context.as_of_date + interval 1 day

),

special_states as (

    select *
    from {{ ref('int_revenue__item_states') }}
    where
        status in ('trialing', 'past_due', 'unpaid', 'paused')
        or usage_type = 'metered'
        or is_collection_paused
        or canceled_at is not null
        or discount_rate > 0
        or discount_amount > 0

),

snapshots as (

    select
        states.*,
        month_ends.month,
        month_ends.moment
    from special_states as states
    inner join month_ends
        on
            states.valid_from_at <= month_ends.moment
            and coalesce(states.valid_to_at > month_ends.moment, true)

),

judged as (

    select
        snapshots.source,
        snapshots.source_subscription_id,
        snapshots.source_customer_id,
        snapshots.month,
        snapshots.currency,
        policies.policy,
        {{ mrr_state('snapshots', 'policies', 'snapshots.moment') }} as state,
        {{ mrr_has_discount('snapshots', 'policies', 'snapshots.moment') }} as has_discount,
        snapshots.discount_rate,
        snapshots.source_subscription_item_id,
        snapshots.moment,
        policies.usage_months,
        {{ monthly_amount(
            "case when usage_type = 'licensed' then " ~ item_price() ~ " else 0 end"
        ) }} as full_amount,
        {{ monthly_amount('coalesce(snapshots.discount_amount, 0)') }} as discount_amount
    from snapshots
    cross join policies

),

used as (

    select judged.* replace (judged.full_amount + coalesce(usage_levels.usage_amount, 0) as full_amount)
    from judged
    asof left join {{ ref('int_revenue__usage_levels') }} as usage_levels
        on
            judged.source = usage_levels.source
            and judged.source_subscription_item_id = usage_levels.source_subscription_item_id
            and judged.usage_months = usage_levels.usage_months
            and judged.moment >= usage_levels.valid_from_at

),

subscriptions as (

    select
        source,
        source_subscription_id,
        month,
        policy,
        max(source_customer_id) as source_customer_id,
        max(currency) as currency,
        -- Of several items the state of one that is paid, if there is one.
        min_by(
            state, list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], state)
        ) as state,
        bool_or(has_discount) as has_discount,
        sum(if(state = 'paying', full_amount, 0)) as gross_amount,
        max(coalesce(discount_rate, 0)) as discount_rate,
        max(discount_amount) as discount_amount
    from used
    group by source, source_subscription_id, month, policy

),

valued as (

    select
        *,
        {{ money(
            'greatest(gross_amount * (1 - if(has_discount, discount_rate, 0)) - if(has_discount, discount_amount, 0), 0)'
        ) }} as mrr_amount
    from subscriptions

),

ours as (

    select valued.*
    from valued
    inner join active
        on valued.policy = active.policy

)

select
    valued.policy,
    valued.month,
    valued.source,
    valued.source_subscription_id,
    valued.currency,
    ours.mrr_amount as our_amount,
    valued.mrr_amount as policy_amount,
    case
        when valued.state = ours.state and valued.gross_amount <> ours.gross_amount then 'usage'
        when valued.state = ours.state then 'discount'
        when 'trial' in (valued.state, ours.state) then 'trial'
        when 'given_up' in (valued.state, ours.state) then 'dunning'
        when 'suspended' in (valued.state, ours.state) then 'pause'
        else 'cancellation'
    end as reason
from valued
inner join ours
    on
        valued.source = ours.source
        and valued.source_subscription_id = ours.source_subscription_id
        and valued.month = ours.month
where valued.mrr_amount <> ours.mrr_amount
