with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

policy as (

    select
        policy,
        policy_version,
        time_zone
    from {{ ref('int_revenue__policies') }}
    where is_active

),

first_failures as (

    select
        source,
        source_invoice_id,
        min(attempted_at) as failed_at
    from {{ ref('int_billing__payments') }}
    where status = 'failed' and source_invoice_id is not null
    group by source, source_invoice_id

),

failed_invoices as (

    select
        first_failures.source,
        first_failures.source_invoice_id,
        invoices.currency,
        invoices.total_amount,
        first_failures.failed_at,
        cast(
            date_trunc('month', timezone(policy.time_zone, timezone('UTC', first_failures.failed_at))) as date
        ) as month
    from first_failures
    cross join policy
    inner join {{ ref('int_billing__invoices') }} as invoices
        on
            first_failures.source = invoices.source
            and first_failures.source_invoice_id = invoices.source_invoice_id
    where invoices.total_amount > 0

),

deadlines as (

    select
        *,
        unnest({{ var('recovery_days') }}) as recovery_days
    from failed_invoices

),

-- What came in parts counts by its amount.
recovered as (

    select
        deadlines.source,
        deadlines.source_invoice_id,
        deadlines.recovery_days,
        sum(payments.payment_amount) as paid_amount
    from deadlines
    inner join {{ ref('int_billing__payments') }} as payments
        on
            deadlines.source = payments.source
            and deadlines.source_invoice_id = payments.source_invoice_id
            and deadlines.failed_at <= payments.attempted_at
            and deadlines.failed_at + to_days(cast(deadlines.recovery_days as integer)) >= payments.attempted_at
    where payments.status = 'succeeded'
    group by deadlines.source, deadlines.source_invoice_id, deadlines.recovery_days

),

counted as (

    select
        deadlines.month,
        deadlines.recovery_days,
        deadlines.currency,
        count(*) as failed_invoice_count,
        count(*) filter (where recovered.paid_amount >= deadlines.total_amount) as recovered_invoice_count,
        sum(deadlines.total_amount) as failed_amount,
        sum(least(coalesce(recovered.paid_amount, 0), deadlines.total_amount)) as recovered_amount
    from deadlines
    left join recovered
        on
            deadlines.source = recovered.source
            and deadlines.source_invoice_id = recovered.source_invoice_id
            and deadlines.recovery_days = recovered.recovery_days
    group by deadlines.month, deadlines.recovery_days, deadlines.currency

)

select
    counted.month,
    cast(counted.recovery_days as integer) as recovery_days,
    counted.currency,
    counted.failed_invoice_count,
    counted.recovered_invoice_count,
    {{ money('counted.failed_amount') }} as failed_amount,
    {{ money('counted.recovered_amount') }} as recovered_amount,
    counted.recovered_invoice_count / counted.failed_invoice_count as recovery_rate,
    {{ wilson_low('counted.recovered_invoice_count', 'counted.failed_invoice_count') }} as ci_low,
    {{ wilson_high('counted.recovered_invoice_count', 'counted.failed_invoice_count') }} as ci_high,
    counted.recovered_amount / counted.failed_amount as amount_recovery_rate,
    counted.month + interval 1 month + to_days(cast(counted.recovery_days as integer))
    <= context.as_of_date + interval 1 day as is_complete,
    counted.failed_invoice_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_failed_payments') }} as metric_version
from counted
cross join context
cross join policy
