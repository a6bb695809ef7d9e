{#- Days around its end within which a term is renewed on time. -#}
{%- set on_time_days = var('renewal_on_time_days') -%}
-- Terms of subscriptions by their ends, and what became of each as far as billing knows.
with context as (

    select
        context.as_of_date,
        policies.free = 'churn' as is_free_lost
    from {{ ref('int_run__context') }} as context
    inner join {{ ref('int_revenue__policies') }} as policies
        on policies.is_active

),

terms as (

    select *
    from {{ ref('int_revenue__term_ends') }}

),

-- Who is free is lost under some policies, and begins anew when they pay.
levels as (

    select
        days.*,
        days.is_running
        and (
            not days.was_running
            or (
                context.is_free_lost
                and days.mrr_amount > 0
                and lag(days.is_paying and days.mrr_amount = 0) over (
                    partition by days.source, days.source_subscription_id
                    order by days.change_date
                )
            )
        ) as is_begun
    from {{ ref('int_revenue__subscription_days') }} as days
    cross join context

),

-- What was paid on the way, and on the day itself. What was free by then is due for nothing.
valued as (

    select
        terms.source,
        terms.source_subscription_id,
        terms.due_date,
        max_by(levels.mrr_amount, levels.change_date) filter (
            where levels.is_paying and levels.change_date < least(terms.replaced_date, terms.due_date)
        ) as due_mrr,
        max_by(levels.mrr_amount, levels.change_date) filter (
            where
            levels.mrr_amount > 0
            and levels.change_date
            <= greatest(terms.started_date, terms.first_paid_date)
        ) as first_mrr,
        coalesce(
            max_by(levels.is_running, levels.change_date) filter (where levels.change_date <= terms.due_date), false
        ) as is_running_then,
        max_by(levels.is_paying, levels.change_date) filter (where levels.change_date <= terms.due_date)
            as is_paying_then,
        max_by(levels.mrr_amount, levels.change_date) filter (where levels.change_date <= terms.due_date) as mrr_then,
        min(levels.change_date) filter (where levels.is_paying and levels.change_date > terms.due_date)
            as resumed_date,
        max(levels.change_date) filter (
            where levels.is_begun and levels.change_date <= terms.due_date
        ) as begun_date,
        max(levels.change_date) filter (where not levels.is_running and levels.change_date <= terms.due_date)
            as ended_by_date,
        min(levels.change_date) filter (where not levels.is_running and levels.change_date > terms.due_date)
            as ended_after_date
    from terms
    inner join levels
        on
            terms.source = levels.source
            and terms.source_subscription_id = levels.source_subscription_id
    group by terms.source, terms.source_subscription_id, terms.due_date

),

judged as (

    select
        terms.*,
        valued.due_mrr,
        valued.first_mrr,
        valued.begun_date,
        case
            when terms.replaced_date < terms.due_date - {{ on_time_days }} and valued.is_running_then
                then 'renewed'
            when terms.due_date > context.as_of_date and terms.is_running then 'due'
            when not valued.is_running_then then 'lost'
            -- What is paused on that day, and no MRR, goes on when it is paid again.
            when not valued.is_paying_then and valued.resumed_date < coalesce(valued.ended_after_date, '9999-12-31')
                then 'renewed'
            when not valued.is_paying_then then if(terms.is_running, 'pending', 'lost')
            when valued.mrr_then = 0 and context.is_free_lost then 'lost'
            when not terms.is_failing then 'renewed'
            when valued.ended_after_date < terms.settled_date then 'lost'
            when terms.settled_status in ('active', 'paused') then 'renewed'
            when terms.settled_date is null and terms.is_running then 'pending'
            else 'lost'
        end as outcome,
        case
            when terms.replaced_date < terms.due_date - {{ on_time_days }} then terms.replaced_date
            when not valued.is_paying_then then valued.resumed_date
            when terms.settled_status in ('active', 'paused') then terms.settled_date
            else terms.due_date
        end as renewed_date,
        coalesce(
            if(valued.is_running_then, valued.ended_after_date, valued.ended_by_date),
            terms.settled_date,
            terms.due_date
        ) as lost_date
    from terms
    inner join valued
        on
            terms.source = valued.source
            and terms.source_subscription_id = valued.source_subscription_id
            and terms.due_date = valued.due_date
    cross join context
    where
        valued.due_mrr > 0
        -- One that would have begun when the subscription had ended, before it began anew.
        and not coalesce(
            terms.is_reckoned
            and valued.ended_by_date <= terms.started_date + {{ on_time_days }}
            and valued.begun_date >= terms.replaced_date, false
        )
    window
        earlier_terms as (
            partition by terms.source, terms.source_subscription_id
            order by terms.due_date
            rows between unbounded preceding and 1 preceding
        )
    -- After a term that was not renewed, or not yet, there is no other, unless the subscription began anew.
    qualify
        coalesce(bool_or(outcome in ('due', 'pending')) over earlier_terms, false) = false
        and coalesce(max(lost_date) filter (where outcome = 'lost') over earlier_terms <= valued.begun_date, true)
        and coalesce(max(renewed_date) filter (where outcome = 'renewed') over earlier_terms < terms.due_date, true)

)

select
    source,
    source_subscription_id,
    source_customer_id,
    term_months,
    due_date,
    plan,
    currency,
    is_canceling,
    case
        when collection_method = 'charge_automatically' then true
        when collection_method = 'send_invoice' then false
    end as is_auto_renewing,
    {{ yearly_money('due_mrr', 'currency') }} as due_amount,
    {{ yearly_money('greatest(due_mrr - coalesce(first_mrr, due_mrr), 0)', 'currency') }} as cotermed_amount,
    first_paid_date,
    outcome,
    case when outcome = 'renewed' then renewed_date end as renewed_date,
    case when outcome = 'lost' then lost_date end as lost_date
from judged
