-- MRR at a month's end beside what was invoiced for it, subscription by subscription, and why both may differ.
with policy as (

    select *
    from {{ ref('int_revenue__policies') }}
    where is_active

),

context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

owners as (

    select distinct
        source,
        source_record_id as source_customer_id
    from {{ ref('int_customers__id_spells') }}
    where entity = 'customer' and list_kind = 'customer'

),

spans as (

    select days.*
    from {{ ref('int_revenue__subscription_days') }} as days
    inner join owners
        on
            days.source = owners.source
            and days.source_customer_id = owners.source_customer_id

),

month_ends as (

    select
        cast(unnest(generate_series(
            date_trunc('month', min(spans.change_date)),
            date_trunc('month', max(context.as_of_date)),
            interval 1 month
        )) as date) as month
    from spans
    cross join context

),

levels as (

    select
        spans.source,
        spans.source_subscription_id,
        spans.currency,
        month_ends.month,
        spans.mrr_amount
    from spans
    cross join context
    inner join month_ends
        on
            spans.change_date < month_ends.month + interval 1 month
            and spans.next_date >= month_ends.month + interval 1 month
    where spans.mrr_amount > 0 and month_ends.month + interval 1 month <= context.as_of_date + interval 1 day

),

item_spans as (

    select
        *,
        lead(change_date, 1, date '9999-12-31') over (
            partition by source, source_subscription_item_id order by change_date
        ) as next_date
    from {{ ref('int_revenue__item_days') }}

),

used as (

    select
        levels.source,
        levels.source_subscription_id,
        levels.month,
        {{ money('sum(item_spans.gross_amount * (1 - item_spans.discount_rate))') }} as used_amount
    from levels
    inner join item_spans
        on
            levels.source = item_spans.source
            and levels.source_subscription_id = item_spans.source_subscription_id
            and levels.month + interval 1 month > item_spans.change_date
            and levels.month + interval 1 month <= item_spans.next_date
    where item_spans.is_metered and item_spans.gross_amount > 0
    group by levels.source, levels.source_subscription_id, levels.month

),

uncounted as (

    select
        source,
        source_subscription_id,
        month,
        bool_or(reason = 'void') as is_voided
    from {{ ref('int_revenue__billing_lines') }}
    where is_covering and reason in ('void', 'proration')
    group by source, source_subscription_id, month

),

invoiced as (

    select distinct
        source,
        source_subscription_id
    from {{ ref('int_revenue__billing_lines') }}
    where source_subscription_id is not null

),

billed as (

    select *
    from {{ ref('int_revenue__billed_months') }}

),

other_currencies as (

    select
        levels.source,
        levels.source_subscription_id,
        levels.month
    from levels
    inner join billed
        on
            levels.source = billed.source
            and levels.source_subscription_id = billed.source_subscription_id
            and levels.month = billed.month
    where levels.currency <> billed.currency

),

ends as (

    select
        billed.source,
        billed.source_subscription_id,
        billed.month,
        min_by(
            item_spans.state, list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], item_spans.state)
        ) as state
    from billed
    inner join item_spans
        on
            billed.source = item_spans.source
            and billed.source_subscription_id = item_spans.source_subscription_id
            and billed.month + interval 1 month > item_spans.change_date
            and billed.month + interval 1 month <= item_spans.next_date
    group by billed.source, billed.source_subscription_id, billed.month

),

compared as (

    select
        coalesce(billed.source, levels.source) as source,
        coalesce(billed.source_subscription_id, levels.source_subscription_id) as source_subscription_id,
        coalesce(billed.currency, levels.currency) as currency,
        coalesce(billed.month, levels.month) as month,
        billed.source is not null as is_billed,
        coalesce(billed.was_paying, false) as was_paying,
        billed.begun_state,
        {{ money('coalesce(billed.month_amount + billed.untold_discount_amount, 0)') }} as month_amount,
        {{ money('coalesce(billed.month_discount_amount + billed.untold_discount_amount, 0)') }}
            as month_discount_amount,
        coalesce(billed.line_count, 0) as line_count,
        coalesce(billed.begun_gross_amount, 0) as begun_gross_amount,
        coalesce(billed.begun_discount_amount, 0) as begun_discount_amount,
        coalesce(levels.mrr_amount, 0) as mrr_amount
    from billed
    full outer join levels
        on
            billed.source = levels.source
            and billed.source_subscription_id = levels.source_subscription_id
            and billed.currency = levels.currency
            and billed.month = levels.month

),

-- What counts under the policy, and no invoice asks for.
unbilled as (

    select
        compared.source,
        compared.source_subscription_id,
        compared.month,
        case
            when bool_or(states.status = 'paused' or states.is_collection_paused) then 'pause'
            when bool_or(states.status = 'trialing') then 'trial'
            when bool_or(states.discount_rate = 1) then 'discount'
        end as reason
    from compared
    cross join policy
    inner join {{ ref('int_revenue__item_states') }} as states
        on
            compared.source = states.source
            and compared.source_subscription_id = states.source_subscription_id
            and states.valid_from_at
            < timezone('UTC', timezone(policy.time_zone, compared.month + interval 1 month))
            and coalesce(states.valid_to_at, timestamp '9999-12-31')
            >= timezone('UTC', timezone(policy.time_zone, compared.month + interval 1 month))
    where not compared.is_billed
    group by compared.source, compared.source_subscription_id, compared.month

)

select
    compared.source,
    compared.source_subscription_id,
    compared.currency,
    compared.month,
    compared.is_billed,
    compared.month_amount,
    compared.month_discount_amount,
    compared.begun_gross_amount,
    compared.begun_discount_amount,
    compared.mrr_amount,
    coalesce(used.used_amount, 0) as used_amount,
    case
        when not compared.is_billed then null
        when other_currencies.month is not null then 'currency'
        when compared.was_paying then 'unexplained'
        when compared.begun_state = 'trial' then 'trial'
        when compared.begun_state = 'given_up' then 'dunning'
        when compared.begun_state = 'suspended' then 'pause'
        when compared.begun_state = 'ended' then 'cancellation'
        else 'unexplained'
    end as begun_reason,
    case
        when not compared.is_billed then null
        when other_currencies.month is not null then 'currency'
        when
            abs(compared.begun_discount_amount - compared.month_discount_amount) < 0.01 * compared.line_count
            then 'rounding'
        else 'discount'
    end as discount_reason,
    case
        when not compared.is_billed then null
        when other_currencies.month is not null then 'currency'
        when ends.state = 'trial' then 'trial'
        when ends.state = 'given_up' then 'dunning'
        when ends.state = 'suspended' then 'pause'
        when ends.state = 'ended' then 'cancellation'
        else 'change'
    end as end_reason,
    case
        when compared.is_billed then null
        when other_currencies.month is not null then 'currency'
        when uncounted.is_voided then 'void'
        when invoiced.source is null then 'never_invoiced'
        when unbilled.reason is not null then unbilled.reason
        when uncounted.month is not null then 'proration'
        else 'unexplained'
    end as unbilled_reason
from compared
left join used
    on
        compared.source = used.source
        and compared.source_subscription_id = used.source_subscription_id
        and compared.month = used.month
left join uncounted
    on
        compared.source = uncounted.source
        and compared.source_subscription_id = uncounted.source_subscription_id
        and compared.month = uncounted.month
left join unbilled
    on
        compared.source = unbilled.source
        and compared.source_subscription_id = unbilled.source_subscription_id
        and compared.month = unbilled.month
left join other_currencies
    on
        compared.source = other_currencies.source
        and compared.source_subscription_id = other_currencies.source_subscription_id
        and compared.month = other_currencies.month
left join invoiced
    on
        compared.source = invoiced.source
        and compared.source_subscription_id = invoiced.source_subscription_id
left join ends
    on
        compared.source = ends.source
        and compared.source_subscription_id = ends.source_subscription_id
        and compared.month = ends.month
