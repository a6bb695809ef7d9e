{#- Days around its end within which a term is renewed on time. -#}
{%- set on_time_days = var('renewal_on_time_days') -%}
{%- set times = [
    'valid_from_at', 'started_at', 'trial_ends_at', 'current_period_started_at', 'current_period_ends_at', 'canceled_at'
] -%}
-- Ends of subscriptions' terms up to the first after the as-of date, and what billing says of each. Times are those of
-- the policy's time zone.
with context as (

    select
        context.as_of_date,
        policies.time_zone
    from {{ ref('int_run__context') }} as context
    inner join {{ ref('int_revenue__policies') }} as policies
        on policies.is_active

),

versions as (

    select
        subscriptions.* replace (
            {% for name in times -%}
                timezone(context.time_zone, timezone('UTC', subscriptions.{{ name }})) as {{ name }}
                {{- "," if not loop.last }}
            {% endfor %}
        )
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
            where valid_from_at < current_period_ends_at
        ) as is_canceling,
        max_by(collection_method, valid_from_at) as collection_method,
        current_period_ends_at as anchor_at,
        0 as anchor_step
    from versions
    where current_period_ends_at is not null
    group by source, source_subscription_id, current_period_ends_at

),

-- Where billing tells of no end at all, terms are billing intervals since the start or the end of the trial, others
-- since the day on which it begins anew, or the interval is another.
open_ended as (

    select
        source,
        source_subscription_id,
        valid_from_at,
        trial_ends_at,
        -- What is corrected to an earlier day had begun then.
        min(started_at) over (
            partition by source, source_subscription_id
            order by valid_from_at
            rows between current row and unbounded following
        ) as started_at,
        max_by(collection_method, valid_from_at) over (partition by source, source_subscription_id)
            as collection_method
    from versions
    qualify count(current_period_ends_at) over (partition by source, source_subscription_id) = 0

),

lives as (

    select
        source,
        source_subscription_id,
        greatest(started_at, min(trial_ends_at)) as begun_at,
        row_number() over (partition by source, source_subscription_id order by started_at) = 1 as is_first,
        any_value(collection_method) as collection_method
    from open_ended
    where started_at is not null
    group by source, source_subscription_id, started_at

),

items as (

    select
        item_states.* replace (
            {% for name in ['valid_from_at', 'valid_to_at', 'item_ended_at'] -%}
                timezone(context.time_zone, timezone('UTC', item_states.{{ name }})) as {{ name }}
                {{- "," if not loop.last }}
            {% endfor %}
        ),
        {{ interval_months('billing_interval', 'interval_count') }} as term_months,
        {{ interval_length('billing_interval', 'interval_count') }} as term_length
    from {{ ref('int_revenue__item_states') }} as item_states
    cross join context

),

moments as (

    select
        items.source,
        items.source_subscription_id,
        unnest([items.valid_from_at, items.item_ended_at]) as told_at
    from items
    semi join lives
        on
            items.source = lives.source
            and items.source_subscription_id = lives.source_subscription_id
    union distinct
    select
        source,
        source_subscription_id,
        begun_at as told_at
    from lives
    where not is_first

),

intervals as (

    select
        moments.source,
        moments.source_subscription_id,
        moments.told_at,
        max(items.term_months) as term_months,
        max_by(items.term_length, (items.term_months, items.term_length)) as term_length
    from moments
    inner join items
        on
            moments.source = items.source
            and moments.source_subscription_id = items.source_subscription_id
            and moments.told_at >= items.valid_from_at
            and moments.told_at < least(items.valid_to_at, items.item_ended_at, timestamp '9999-12-31')
    cross join context
    where moments.told_at < context.as_of_date + interval 1 day
    group by moments.source, moments.source_subscription_id, moments.told_at

),

interval_changes as (

    select
        intervals.*,
        row_number() over subscription_history = 1 as is_first
    from intervals
    left join lives
        on
            intervals.source = lives.source
            and intervals.source_subscription_id = lives.source_subscription_id
            and intervals.told_at = lives.begun_at
            and not lives.is_first
    window
        subscription_history as (
            partition by intervals.source, intervals.source_subscription_id
            order by intervals.told_at
        )
    qualify
        intervals.term_length is distinct from lag(intervals.term_length) over subscription_history
        or lives.begun_at is not null

),

untold as (

    select
        lives.source,
        lives.source_subscription_id,
        interval_changes.told_at,
        if(interval_changes.is_first, lives.begun_at, interval_changes.told_at) as anchor_at,
        coalesce(
            if(
                date_part('day', interval_changes.term_length) > 0,
                date_sub('day', anchor_at, interval_changes.told_at) // date_part('day', interval_changes.term_length),
                date_sub('month', anchor_at, interval_changes.told_at) // nullif(interval_changes.term_months, 0)
            ), 0
        ) + 1 as anchor_step,
        anchor_at + interval_changes.term_length * anchor_step as due_at,
        true as is_untold,
        lives.collection_method
    from lives
    inner join interval_changes
        on
            lives.source = interval_changes.source
            and lives.source_subscription_id = interval_changes.source_subscription_id
    where lives.is_first

),

ends as (

    select *
    from told
    union all by name
    select *
    from untold

),

-- An end that is moved by some days, of the same interval, is the same.
near as (

    select
        *,
        lead(told_at) over told_history as next_told_at
    from ends
    window told_history as (partition by source, source_subscription_id order by told_at, due_at)
    qualify
        next_told_at < due_at
        and abs(date_diff('day', due_at, lead(due_at) over told_history)) <= {{ on_time_days }}

),

moved as (

    select
        near.source,
        near.source_subscription_id,
        near.told_at,
        near.due_at
    from near
    inner join items
        on
            near.source = items.source
            and near.source_subscription_id = items.source_subscription_id
            and near.next_told_at >= items.valid_from_at
            and near.told_at < least(items.valid_to_at, items.item_ended_at, timestamp '9999-12-31')
    group by all
    having
        max(items.term_months) filter (where near.told_at >= items.valid_from_at)
        = max(items.term_months) filter (
            where near.next_told_at < least(items.valid_to_at, items.item_ended_at, timestamp '9999-12-31')
        )

),

unmoved as (

    select *
    from ends
    anti join moved using (source, source_subscription_id, told_at, due_at)

),

followed as (

    select
        *,
        lead(told_at) over told_history as replaced_at,
        lead(due_at) over told_history as next_due_at,
        row_number() over told_history = 1 as is_first
    from unmoved
    window told_history as (partition by source, source_subscription_id order by told_at, due_at)

),

-- How long a term is and what it is of, by the items just before it ends or is replaced by another, or before the last
-- of them ended.
parts as (

    select
        followed.*,
        items.term_months,
        items.term_length,
        items.plan,
        items.unit_amount * cast(items.quantity as double) as amount
    from followed
    inner join items
        on
            followed.source = items.source
            and followed.source_subscription_id = items.source_subscription_id
            and items.valid_from_at < least(followed.due_at, followed.replaced_at)
            and coalesce(items.valid_to_at >= least(followed.due_at, followed.replaced_at), true)
    qualify
        rank() over (
            partition by followed.source, followed.source_subscription_id, followed.told_at, followed.due_at
            -- What ended on the last days was part of a term that had been told before.
            order by
                least(
                    if(
                        items.item_ended_at > followed.told_at,
                        items.item_ended_at + to_days({{ on_time_days }}), items.item_ended_at
                    ),
                    followed.due_at,
                    followed.replaced_at
                ) desc
        ) = 1

),

itemised as (

    select
        source,
        source_subscription_id,
        due_at,
        anchor_at,
        anchor_step,
        started_at,
        replaced_at,
        next_due_at,
        is_first,
        is_untold,
        is_canceling,
        collection_method,
        max(term_months) as term_months,
        max_by(term_length, (term_months, term_length)) as term_length,
        max_by(plan, amount) as plan
    from parts
    group by all
    having term_months >= {{ var('contract_term_months') }}

),

-- Before the first told term and after each one, terms of the same length: as far back as was paid, and up to the one
-- that ran when the next was told, or the first that ends after the as-of date.
later_terms as (

    select
        * exclude (started_at, is_first, is_untold, anchor_at, anchor_step, is_canceling, due_at),
        unnest(range(1, least(600, 12000 // term_months + 2))) as step,
        anchor_at + term_length * (anchor_step + step) as later_due_at
    from itemised

),

dated as (

    select
        * exclude (started_at, is_first, is_untold, anchor_at, anchor_step, next_due_at),
        0 as step,
        coalesce(is_untold, false) as is_reckoned
    from itemised
    union all by name
    select
        itemised.* exclude (
            started_at, is_first, is_untold, anchor_at, anchor_step, replaced_at, next_due_at, is_canceling, due_at
        ),
        unnest(range(1, least(600, 12000 // itemised.term_months + 2))) as step,
        coalesce(
            itemised.started_at - itemised.term_length * (step - 1),
            itemised.anchor_at + itemised.term_length * (itemised.anchor_step - step)
        ) as due_at
    from itemised
    where itemised.is_first
    union all by name
    select
        * exclude (replaced_at, next_due_at, later_due_at),
        later_due_at as due_at,
        if(later_due_at > replaced_at, replaced_at, null) as replaced_at,
        true as is_reckoned
    from later_terms
    where
        coalesce(later_due_at <= replaced_at, true)
        or (
            later_due_at - term_length < replaced_at
            and abs(date_diff('day', later_due_at, next_due_at)) > {{ on_time_days }}
        )

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
        dated.* exclude (step) replace (
            coalesce(dated.is_canceling, false)
            or coalesce(
                askings.asked_at >= dated.due_at - dated.term_length and askings.asked_at < dated.due_at, false
            ) as is_canceling
        ),
        paid.* exclude (source, source_subscription_id),
        cast(dated.due_at as date) as due_date,
        cast(due_date - dated.term_length as date) as started_date,
        cast(dated.replaced_at as date) as replaced_date
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
        -- One that nobody told, and another soon took the place of, is the renewal of the one before it.
        and not coalesce(
            dated.is_reckoned
            and dated.replaced_at < dated.due_at
            and dated.replaced_at <= dated.due_at - dated.term_length + to_days({{ var('renewal_late_days') }}), false
        )
        and (
            dated.step = 0
            or cast(dated.due_at as date) - dated.term_length <= context.as_of_date
        )
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
            and versions.status not in ('past_due', 'unpaid')
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
    terms.is_reckoned,
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
