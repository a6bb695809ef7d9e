with policy as (

    select time_zone
    from {{ ref('int_revenue__policies') }}
    where is_active

),

first_failures as (

    select
        source,
        source_invoice_id,
        min(attempted_at) as failed_at,
        min_by(payment_amount, attempted_at) as failed_amount
    from {{ ref('int_billing__payments') }}
    where status = 'failed' and source_invoice_id is not null
    group by source, source_invoice_id

),

failed_invoices as (

    select
        first_failures.source,
        first_failures.source_invoice_id,
        invoices.source_customer_id,
        invoices.currency,
        invoices.paid_at,
        first_failures.failed_amount,
        first_failures.failed_at,
        cast(timezone(policy.time_zone, timezone('UTC', first_failures.failed_at)) as date) as failed_date
    from first_failures
    cross join policy
    inner join {{ ref('int_billing__invoices') }} as invoices
        on
            first_failures.source = invoices.source
            and first_failures.source_invoice_id = invoices.source_invoice_id
    where first_failures.failed_amount > 0

),

deadlines as (

    select
        *,
        unnest({{ var('recovery_days') }}) as recovery_days,
        failed_at + to_days(cast(recovery_days as integer)) as deadline_at
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
            and deadlines.deadline_at >= payments.attempted_at
    where payments.status = 'succeeded'
    group by deadlines.source, deadlines.source_invoice_id, deadlines.recovery_days

),

-- An invoice that is paid is paid, also where nothing came as a payment: by a transfer, or from a balance.
settled as (

    select
        deadlines.*,
        case
            when deadlines.paid_at <= deadlines.deadline_at then deadlines.failed_amount
            else least(coalesce(recovered.paid_amount, 0), deadlines.failed_amount)
        end as recovered_amount
    from deadlines
    left join recovered
        on
            deadlines.source = recovered.source
            and deadlines.source_invoice_id = recovered.source_invoice_id
            and deadlines.recovery_days = recovered.recovery_days

)

select
    settled.source,
    settled.source_invoice_id,
    record_ids.durable_id as customer_id,
    settled.failed_date,
    cast(date_trunc('month', settled.failed_date) as date) as month,
    cast(settled.recovery_days as integer) as recovery_days,
    settled.currency,
    {{ money('settled.failed_amount') }} as failed_amount,
    {{ money('settled.recovered_amount') }} as recovered_amount,
    settled.recovered_amount >= settled.failed_amount as is_recovered,
    settled.failed_date + cast(settled.recovery_days as integer) <= context.as_of_date as is_complete
from settled
cross join {{ ref('int_run__context') }} as context
left join {{ ref('int_customers__record_ids') }} as record_ids
    on
        settled.source = record_ids.source
        and settled.source_customer_id = record_ids.source_record_id
        and record_ids.entity = 'customer'
        and record_ids.list_kind = 'customer'
