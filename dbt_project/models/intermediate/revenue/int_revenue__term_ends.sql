{#- Days around its end within which a term is renewed on time. -#}
{%- set on_time_days = var('renewal_on_time_days') -%}
-- Ends of subscriptions' terms up to the first after the as-of date, and what billing says of each.
with context as (

    select
        context.as_of_date,
        policies.time_zone
    from {{ ref('int_run__context') }} as context
    inner join {{ ref('int_revenue__policies') }} as policies
        on policies.is_active

),

versions as (

    select subscriptions.*
    from {{ ref('int_billing__subscriptions') }} as subscriptions
    cross join context
    where
        subscriptions.status not in ('trialing', 'incomplete', 'incomplete_expired')
        and subscriptions.valid_from_at < context.as_of_date + interval 1 day
    qualify
        row_number() over (
            partition by subscriptions.source, subscriptions.source_subscription_id, subscriptions.valid_from_at
            order by subscriptions.load_id desc
        ) = 1

),

paid as (

    select
        source,
        source_subscription_id,
        min(change_date) filter (where mrr_amount > 0) as first_paid_date,
        max_by(source_customer_id, change_date) as source_customer_id,
        max_by(currency, change_date) as currency,
        max_by(is_running, change_date) as is_running
    from {{ ref('int_revenue__subscription_days') }}
    group by source, source_subscription_id
    having first_paid_date is not null

),

-- An end of a term that billing told, until it told a later one.
told as (

    select
        source,
        source_subscription_id,
        current_period_ends_at as due_at,
        min(current_period_started_at) as started_at,
        min(valid_from_at) as told_at,
        max_by(is_canceling_at_period_end, valid_from_at) filter (
            where valid_from_at <= current_period_ends_at
        ) as is_canceling,
        max_by(collection_method, valid_from_at) as collection_method,
        current_period_ends_at as anchor_at,
        0 as anchor_step
    from versions
    where current_period_ends_at is not null
    group by source, source_subscription_id, current_period_ends_at

),

-- Where billing tells of no end at all, terms are billing intervals since the start or the end of the trial, and others
-- since the day on which the interval is another.
open_ended as (

    select
        source,
        source_subscription_id,
        greatest(min(started_at), min(trial_ends_at)) as started_at,
        max_by(collection_method, valid_from_at) as collection_method
    from versions
    group by source, source_subscription_id
    having count(current_period_ends_at) = 0 and min(started_at) is not null

),

items as (

    select
        *,
        {{ interval_months('billing_interval', 'interval_count') }} as term_months,
        {{ interval_length('billing_interval', 'interval_count') }} as term_length
    from {{ ref('int_revenue__item_states') }}

),

moments as (

    select distinct
        items.source,
        items.source_subscription_id,
        items.valid_from_at
    from items
    semi join open_ended
        on
            items.source = open_ended.source
            and items.source_subscription_id = open_ended.source_subscription_id

),

intervals as (

    select
        moments.source,
        moments.source_subscription_id,
        moments.valid_from_at,
        max(items.term_months) as term_months,
        max_by(items.term_length, (items.term_months, items.term_length)) as term_length
    from moments
    inner join items
        on
            moments.source = items.source
            and moments.source_subscription_id = items.source_subscription_id
            and moments.valid_from_at >= items.valid_from_at
            and moments.valid_from_at < coalesce(items.valid_to_at, timestamp '9999-12-31')
    group by moments.source, moments.source_subscription_id, moments.valid_from_at

),

interval_changes as (

    select
        *,
        row_number() over subscription_history = 1 as is_first
    from intervals
    window subscription_history as (partition by source, source_subscription_id order by valid_from_at)
    qualify term_length is distinct from lag(term_length) over subscription_history

),

untold as (

    select
        open_ended.source,
        open_ended.source_subscription_id,
        interval_changes.valid_from_at as told_at,
        if(interval_changes.is_first, open_ended.started_at, interval_changes.valid_from_at) as anchor_at,
        coalesce(
            if(
                date_part('day', interval_changes.term_length) > 0,
                date_sub('day', anchor_at, told_at) // date_part('day', interval_changes.term_length),
                date_sub('month', anchor_at, told_at) // nullif(interval_changes.term_months, 0)
            ), 0
        ) + 1 as anchor_step,
        anchor_at + interval_changes.term_length * anchor_step as due_at,
        open_ended.collection_method
    from open_ended
    inner join interval_changes
        on
            open_ended.source = interval_changes.source
            and open_ended.source_subscription_id = interval_changes.source_subscription_id

),

ends as (

    select *
    from told
    union all by name
    select *
    from untold

),

followed as (

    select
        *,
        lead(told_at) over told_history as replaced_at,
        row_number() over told_history = 1 as is_first
    from ends
    window told_history as (partition by source, source_subscription_id order by told_at, due_at)

),

-- How long a term is and what it is of, by the items just before it ends or is replaced by another.
itemised as (

    select
        followed.source,
        followed.source_subscription_id,
        followed.due_at,
        followed.anchor_at,
        followed.anchor_step,
        followed.started_at,
        followed.replaced_at,
        followed.is_first,
        followed.is_canceling,
        followed.collection_method,
        max(items.term_months) as term_months,
        max_by(items.term_length, (items.term_months, items.term_length)) as term_length,
        max_by(items.plan, items.unit_amount * cast(items.quantity as double)) as plan
    from followed
    inner join items
        on
            followed.source = items.source
            and followed.source_subscription_id = items.source_subscription_id
            and items.valid_from_at < least(followed.due_at, followed.replaced_at)
            and coalesce(items.valid_to_at >= least(followed.due_at, followed.replaced_at), true)
    group by all
    having term_months >= {{ var('contract_term_months') }}

),

-- Before the first told term and after each one, terms of the same length: as far back as was paid, and up to the next
-- that is told, or the first that ends after the as-of date.
dated as (

    select
        * exclude (started_at, is_first, anchor_at, anchor_step),
        0 as step
    from itemised
    union all by name
    select
        itemised.* exclude (started_at, is_first, anchor_at, anchor_step, replaced_at, is_canceling, due_at),
        unnest(range(1, least(600, 12000 // itemised.term_months + 2))) as step,
        coalesce(
            itemised.started_at - itemised.term_length * (step - 1),
            itemised.anchor_at + itemised.term_length * (itemised.anchor_step - step)
        ) as due_at
    from itemised
    where itemised.is_first
    union all by name
    select
        itemised.* exclude (started_at, is_first, anchor_at, anchor_step, replaced_at, is_canceling, due_at),
        unnest(range(1, least(600, 12000 // itemised.term_months + 2))) as step,
        itemised.anchor_at + itemised.term_length * (itemised.anchor_step + step) as due_at,
        itemised.replaced_at as until_at
    from itemised

),

-- Who has asked to end, and not thought better of it, asks it of the term that ran then.
askings as (

    select
        source,
        source_subscription_id,
        if(
            max_by(
                is_canceling_at_period_end
                or (status = 'canceled' and coalesce(cancellation_reason = 'cancellation_requested', false)),
                valid_from_at
            ),
            coalesce(max_by(canceled_at, valid_from_at), max(valid_from_at)),
            null
        ) as asked_at
    from versions
    group by source, source_subscription_id

),

terms as (

    select
        dated.* exclude (step, until_at) replace (
            coalesce(
                dated.is_canceling,
                askings.asked_at >= dated.due_at - dated.term_length and askings.asked_at < dated.due_at,
                false
            ) as is_canceling
        ),
        paid.* exclude (source, source_subscription_id),
        cast(timezone(context.time_zone, timezone('UTC', dated.due_at)) as date) as due_date,
        cast(due_date - dated.term_length as date) as started_date,
        cast(timezone(context.time_zone, timezone('UTC', dated.replaced_at)) as date) as replaced_date
    from dated
    inner join paid
        on
            dated.source = paid.source
            and dated.source_subscription_id = paid.source_subscription_id
    inner join askings
        on
            dated.source = askings.source
            and dated.source_subscription_id = askings.source_subscription_id
    cross join context
    where
        -- What is left of a term on its first days is no term.
        cast(dated.due_at as date) > paid.first_paid_date + {{ on_time_days }}
        and (
            dated.step = 0
            or cast(dated.due_at as date) - dated.term_length <= context.as_of_date
        )
        and coalesce(dated.due_at <= dated.until_at, true)
    qualify
        -- One that was replaced long before its end stands beside the one that replaced it.
        row_number() over (
            partition by dated.source, dated.source_subscription_id, due_date order by dated.step
        ) = 1

),

-- A payment that fails when the new term begins leaves its renewal open until billing says how it went.
failing as (

    select
        terms.source,
        terms.source_subscription_id,
        terms.due_date,
        min(versions.valid_from_at) as failed_at
    from terms
    inner join versions
        on
            terms.source = versions.source
            and terms.source_subscription_id = versions.source_subscription_id
            and terms.due_at <= versions.valid_from_at
            and terms.due_at + to_days({{ on_time_days }}) >= versions.valid_from_at
    where versions.status = 'past_due'
    group by terms.source, terms.source_subscription_id, terms.due_date

),

settled as (

    select
        failing.source,
        failing.source_subscription_id,
        failing.due_date,
        min(versions.valid_from_at) as settled_at,
        min_by(versions.status, versions.valid_from_at) as settled_status
    from failing
    left join versions
        on
            failing.source = versions.source
            and failing.source_subscription_id = versions.source_subscription_id
            and failing.failed_at < versions.valid_from_at
            and versions.status <> 'past_due'
    group by failing.source, failing.source_subscription_id, failing.due_date

)

select
    terms.source,
    terms.source_subscription_id,
    terms.source_customer_id,
    terms.currency,
    terms.first_paid_date,
    terms.is_running,
    terms.term_months,
    terms.started_date,
    terms.due_date,
    terms.replaced_date,
    terms.plan,
    terms.is_canceling,
    terms.collection_method,
    settled.due_date is not null as is_failing,
    cast(settled.settled_at as date) as settled_date,
    settled.settled_status
from terms
left join settled
    on
        terms.source = settled.source
        and terms.source_subscription_id = settled.source_subscription_id
        and terms.due_date = settled.due_date
