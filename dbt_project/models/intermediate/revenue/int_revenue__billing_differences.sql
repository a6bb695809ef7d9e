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

subscriptions as (

    select
        source,
        source_subscription_id,
        max_by(source_customer_id, valid_from_at) as source_customer_id
    from {{ ref('int_revenue__item_states') }}
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
        begun_reason as reason,
        month_amount - begun_gross_amount as amount,
        source,
        source_subscription_id
    from {{ ref('int_revenue__billed_levels') }}
    where is_billed
    union all by name
    select
        month,
        currency,
        discount_reason as reason,
        begun_discount_amount - month_discount_amount as amount,
        source,
        source_subscription_id
    from {{ ref('int_revenue__billed_levels') }}
    where is_billed
    union all by name
    select
        month,
        currency,
        end_reason as reason,
        begun_gross_amount - begun_discount_amount - (mrr_amount - used_amount) as amount,
        source,
        source_subscription_id
    from {{ ref('int_revenue__billed_levels') }}
    where is_billed
    union all by name
    select
        month,
        currency,
        unbilled_reason as reason,
        used_amount - mrr_amount as amount,
        source,
        source_subscription_id
    from {{ ref('int_revenue__billed_levels') }}
    where not is_billed
    union all by name
    select
        month,
        currency,
        'usage' as reason,
        -used_amount as amount,
        source,
        source_subscription_id
    from {{ ref('int_revenue__billed_levels') }}
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
