-- What stands between the invoices of a month and MRR at its end, line by line: what was invoiced and is no MRR, what a
-- line pays of other months, and what changed since the invoice that covers the month's end.
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
        *,
        row_number() over (
            partition by source, source_subscription_item_id
            order by valid_from_at
        ) = 1 as is_first
    from {{ ref('int_revenue__item_states') }}

),

subscriptions as (

    select
        source,
        source_subscription_id,
        max_by(source_customer_id, valid_from_at) as source_customer_id
    from states
    group by source, source_subscription_id

),

lines as (

    select *
    from {{ ref('int_revenue__billing_lines') }}

),

-- What an invoice's lines say of it, in the month of its issue.
line_sums as (

    select
        source,
        source_invoice_id,
        currency,
        sum(issued_amount) as net_amount
    from lines
    group by source, source_invoice_id, currency

),

-- What each item cost when the period that covers the month's end began.
billed_items as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        currency,
        month,
        max(period_start_at) as period_start_at,
        sum(month_amount) as month_amount,
        sum(month_discount_amount) as month_discount_amount,
        bool_or(is_discount_untold) as is_discount_untold,
        count(*) as line_count
    from lines
    where is_covering and reason not in ('void', 'proration')
    group by all

),

-- An invoice may tell the day alone on which its item began.
begun as (

    select
        billed_items.source,
        billed_items.source_subscription_id,
        billed_items.source_subscription_item_id,
        billed_items.month,
        billed_items.period_start_at,
        states.source_subscription_item_id as state_item_id,
        states.valid_from_at,
        states.status,
        {{ mrr_state('states', 'policy', 'billed_items.period_start_at') }} as state,
        {{ mrr_has_discount('states', 'policy', 'billed_items.period_start_at') }} as has_discount,
        coalesce(states.discount_rate, 0) as discount_rate,
        {{ monthly_amount('coalesce(states.discount_amount, 0)') }} as discount_amount,
        {{ monthly_amount(
            "case when states.usage_type = 'licensed' then " ~ item_price() ~ " else 0 end"
        ) }} as full_amount
    from billed_items
    cross join policy
    inner join states
        on
            billed_items.source = states.source
            and billed_items.source_subscription_id = states.source_subscription_id
            and coalesce(billed_items.source_subscription_item_id, states.source_subscription_item_id)
            = states.source_subscription_item_id
            and (
                billed_items.period_start_at >= states.valid_from_at
                or (states.is_first and billed_items.period_start_at = date_trunc('day', states.valid_from_at))
            )
            and billed_items.period_start_at < coalesce(states.valid_to_at, timestamp '9999-12-31')

),

begun_items as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        month,
        min_by(state, list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], state)) as state,
        min(status) as status,
        sum(if(state = 'paying', full_amount, 0)) as gross_amount,
        max(if(has_discount, discount_rate, 0)) as discount_rate,
        max(discount_rate) as told_discount_rate,
        max(if(has_discount, discount_amount, 0)) as discount_amount
    from begun
    group by source, source_subscription_id, source_subscription_item_id, month

),

billed as (

    select
        billed_items.source,
        billed_items.source_subscription_id,
        billed_items.currency,
        billed_items.month,
        sum(billed_items.month_amount) as month_amount,
        sum(billed_items.month_discount_amount) as month_discount_amount,
        sum(billed_items.line_count) as line_count,
        -- A line that tells no discount has it in its amount.
        coalesce(
            sum(
                if(billed_items.is_discount_untold, begun_items.gross_amount * begun_items.told_discount_rate, 0)
            ),
            0
        ) as untold_discount_amount,
        bool_and(begun_items.state = 'paying' and begun_items.status <> 'trialing') as was_paying,
        min_by(
            begun_items.state,
            list_position(['paying', 'suspended', 'trial', 'given_up', 'ended'], begun_items.state)
        ) as begun_state,
        {{ money('coalesce(sum(begun_items.gross_amount), 0)') }} as begun_gross_amount,
        {{ money(
            'coalesce(least(sum(begun_items.gross_amount), sum(begun_items.gross_amount) * max(begun_items.discount_rate)'
            ~ ' + max(begun_items.discount_amount)), 0)'
        ) }} as begun_discount_amount
    from billed_items
    left join begun_items
        on
            billed_items.source = begun_items.source
            and billed_items.source_subscription_id = begun_items.source_subscription_id
            and billed_items.source_subscription_item_id is not distinct from begun_items.source_subscription_item_id
            and billed_items.month = begun_items.month
    group by billed_items.source, billed_items.source_subscription_id, billed_items.currency, billed_items.month

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
    from lines
    where is_covering and reason in ('void', 'proration')
    group by source, source_subscription_id, month

),

invoiced as (

    select distinct
        source,
        source_subscription_id
    from lines
    where source_subscription_id is not null

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
    inner join states
        on
            compared.source = states.source
            and compared.source_subscription_id = states.source_subscription_id
            and states.valid_from_at
            < timezone('UTC', timezone(policy.time_zone, compared.month + interval 1 month))
            and coalesce(states.valid_to_at, timestamp '9999-12-31')
            >= timezone('UTC', timezone(policy.time_zone, compared.month + interval 1 month))
    where not compared.is_billed
    group by compared.source, compared.source_subscription_id, compared.month

),

told as (

    select
        compared.*,
        coalesce(used.used_amount, 0) as used_amount,
        coalesce(uncounted.is_voided, false) as is_voided,
        uncounted.month is not null as is_prorated,
        unbilled.reason as unbilled_reason,
        other_currencies.month is not null as is_other_currency,
        invoiced.source is not null as is_ever_invoiced,
        ends.state as end_state,
        case compared.begun_state
            when 'trial' then 'trial' when 'given_up' then 'dunning' when 'suspended' then 'pause'
            when 'ended' then 'cancellation' else 'unexplained'
        end as begun_reason,
        case ends.state
            when 'trial' then 'trial' when 'given_up' then 'dunning' when 'suspended' then 'pause'
            when 'ended' then 'cancellation' else 'change'
        end as end_reason
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

),

amounts as (

    -- What no MRR comes of, whole; of a period a month's worth for each month whose end it covers.
    select
        month,
        currency,
        reason,
        issued_amount - if(reason not in ('void', 'proration'), month_amount - month_discount_amount, 0) as amount,
        source,
        source_subscription_id,
        source_invoice_id,
        source_invoice_line_id,
        source_customer_id
    from lines
    union all by name
    select
        cast(date_trunc('month', timezone(policy.time_zone, timezone('UTC', invoices.issued_at))) as date) as month,
        invoices.currency,
        'tax' as reason,
        coalesce(invoices.tax_amount, 0) as amount,
        invoices.source,
        invoices.source_subscription_id,
        invoices.source_invoice_id,
        invoices.source_customer_id
    from {{ ref('int_billing__invoices') }} as invoices
    cross join policy
    where invoices.status is distinct from 'draft' and invoices.issued_at is not null
    union all by name
    -- Lines that don't add up to their invoice.
    select
        cast(date_trunc('month', timezone(policy.time_zone, timezone('UTC', invoices.issued_at))) as date) as month,
        invoices.currency,
        'unexplained' as reason,
        invoices.total_amount - coalesce(invoices.tax_amount, 0) - coalesce(line_sums.net_amount, 0) as amount,
        invoices.source,
        invoices.source_subscription_id,
        invoices.source_invoice_id,
        invoices.source_customer_id
    from {{ ref('int_billing__invoices') }} as invoices
    cross join policy
    left join line_sums
        on
            invoices.source = line_sums.source
            and invoices.source_invoice_id = line_sums.source_invoice_id
            and invoices.currency = line_sums.currency
    where invoices.status is distinct from 'draft' and invoices.issued_at is not null
    union all by name
    -- What a subscription's invoice said when the period began, and MRR at the month's end.
    select
        month,
        currency,
        case
            when is_other_currency then 'currency'
            when was_paying then 'unexplained'
            else begun_reason
        end as reason,
        month_amount - begun_gross_amount as amount,
        source,
        source_subscription_id
    from told
    where is_billed
    union all by name
    select
        month,
        currency,
        case
            when is_other_currency then 'currency'
            when abs(begun_discount_amount - month_discount_amount) < 0.01 * line_count then 'rounding'
            else 'discount'
        end as reason,
        begun_discount_amount - month_discount_amount as amount,
        source,
        source_subscription_id
    from told
    where is_billed
    union all by name
    select
        month,
        currency,
        case when is_other_currency then 'currency' else end_reason end as reason,
        begun_gross_amount - begun_discount_amount - (mrr_amount - used_amount) as amount,
        source,
        source_subscription_id
    from told
    where is_billed
    union all by name
    select
        month,
        currency,
        case
            when is_other_currency then 'currency'
            when is_voided then 'void'
            when not is_ever_invoiced then 'never_invoiced'
            when unbilled_reason is not null then unbilled_reason
            when is_prorated then 'proration'
            else 'unexplained'
        end as reason,
        used_amount - mrr_amount as amount,
        source,
        source_subscription_id
    from told
    where not is_billed
    union all by name
    select
        month,
        currency,
        'usage' as reason,
        -used_amount as amount,
        source,
        source_subscription_id
    from told
    where used_amount <> 0

)

select
    amounts.month,
    amounts.currency,
    amounts.reason,
    amounts.source,
    coalesce(amounts.source_customer_id, any_value(subscriptions.source_customer_id)) as source_customer_id,
    amounts.source_subscription_id,
    amounts.source_invoice_id,
    amounts.source_invoice_line_id,
    {{ money('sum(amounts.amount)') }} as amount
from amounts
cross join context
left join subscriptions
    on
        amounts.source = subscriptions.source
        and amounts.source_subscription_id = subscriptions.source_subscription_id
where
    amounts.month + interval 1 month <= context.as_of_date + interval 1 day
    -- Without invoices there is nothing to reconcile with.
    and exists (
        select 1
        from {{ ref('int_billing__invoices') }}
        where status is distinct from 'draft' and issued_at is not null
    )
group by
    amounts.month,
    amounts.currency,
    amounts.reason,
    amounts.source,
    amounts.source_customer_id,
    amounts.source_subscription_id,
    amounts.source_invoice_id,
    amounts.source_invoice_line_id
having sum(amounts.amount) <> 0
