with policy as (

    select
        policy,
        policy_version,
        time_zone
    from {{ ref('int_revenue__policies') }}
    where is_active

),

context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

invoiced as (

    select
        cast(date_trunc('month', timezone(policy.time_zone, timezone('UTC', invoices.issued_at))) as date) as month,
        invoices.currency,
        sum(invoices.total_amount) as invoiced_amount
    from {{ ref('int_billing__invoices') }} as invoices
    cross join policy
    where invoices.status is distinct from 'draft' and invoices.issued_at is not null
    group by all

),

ledger as (

    select
        month,
        currency,
        sum(closing_amount) as mrr_amount
    from {{ ref('fct_customer_months') }}
    group by month, currency

),

reasons as (

    select
        month,
        currency,
        reason,
        count(*) as row_count,
        sum(amount) as amount
    from {{ ref('fct_billing_differences') }}
    where reason <> 'unexplained'
    group by month, currency, reason

),

explained as (

    select
        month,
        currency,
        sum(amount) as amount
    from reasons
    group by month, currency

),

unexplained_rows as (

    select
        month,
        currency,
        count(*) as row_count
    from {{ ref('fct_billing_differences') }}
    where reason = 'unexplained'
    group by month, currency

),

keys as (

    select
        month,
        currency
    from invoiced
    union
    select
        month,
        currency
    from ledger
    union
    select
        month,
        currency
    from reasons

),

months as (

    select
        keys.month,
        keys.currency,
        coalesce(invoiced.invoiced_amount, 0) as invoiced_amount,
        coalesce(ledger.mrr_amount, 0) as mrr_amount
    from keys
    left join invoiced
        on
            keys.month = invoiced.month
            and keys.currency = invoiced.currency
    left join ledger
        on
            keys.month = ledger.month
            and keys.currency = ledger.currency

),

complete as (

    select months.*
    from months
    cross join context
    where
        months.month + interval 1 month <= context.as_of_date + interval 1 day
        -- Without invoices there is nothing to reconcile with.
        and exists (select 1 from invoiced)

),

final as (

    select
        complete.month,
        complete.currency,
        reasons.reason,
        complete.invoiced_amount,
        complete.mrr_amount,
        reasons.amount,
        reasons.row_count
    from complete
    inner join reasons
        on
            complete.month = reasons.month
            and complete.currency = reasons.currency
    union all by name
    -- What no row explains, in every month: 0 where all is well.
    select
        complete.month,
        complete.currency,
        'unexplained' as reason,
        complete.invoiced_amount,
        complete.mrr_amount,
        complete.invoiced_amount - complete.mrr_amount - coalesce(explained.amount, 0) as amount,
        coalesce(unexplained_rows.row_count, 0) as row_count
    from complete
    left join explained
        on
            complete.month = explained.month
            and complete.currency = explained.currency
    left join unexplained_rows
        on
            complete.month = unexplained_rows.month
            and complete.currency = unexplained_rows.currency

)

select
    final.month,
    final.currency,
    final.reason,
    {{ money('final.amount') }} as amount,
    final.row_count,
    {{ money('final.invoiced_amount') }} as invoiced_amount,
    {{ money('final.mrr_amount') }} as mrr_amount,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_billing_reconciliation') }} as metric_version
from final
cross join policy
