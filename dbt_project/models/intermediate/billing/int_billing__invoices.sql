with file_invoices as (

    select
        source,
        source_invoice_id,
        min(source_customer_id) as source_customer_id,
        min(source_subscription_id) as source_subscription_id,
        -- What is still to be done on one line is still to be done on the invoice.
        min_by(status, list_position(['open', 'uncollectible', 'draft', 'paid', 'void'], status)) as status,
        min(currency) as currency,
        sum(line_amount) as net_amount,
        coalesce(sum(line_amount) filter (where status = 'paid'), 0) as paid_amount,
        min(period_start_at) as period_start_at,
        max(period_end_at) as period_end_at,
        min(issued_at) as issued_at,
        min(due_at) as due_at,
        max(paid_at) as paid_at,
        max(load_id) as load_id
    from {{ ref('int_billing__file_lines') }}
    group by source, source_invoice_id

),

invoices as (

    select
        *,
        total_amount - coalesce(tax_amount, 0) as net_amount
    from {{ ref('stg_stripe__invoices') }}
    union all by name
    select
        * replace (case when status = 'paid' then paid_at end as paid_at),
        net_amount as subtotal_amount,
        net_amount as total_amount,
        issued_at as created_at
    from file_invoices

)

select
    source,
    source_invoice_id,
    source_customer_id,
    source_subscription_id,
    invoice_number,
    status,
    billing_reason,
    currency,
    {{ money('subtotal_amount') }} as subtotal_amount,
    {{ money('discount_amount') }} as discount_amount,
    {{ money('net_amount') }} as net_amount,
    {{ money('tax_amount') }} as tax_amount,
    {{ money('total_amount') }} as total_amount,
    {{ money('paid_amount') }} as paid_amount,
    attempt_count,
    period_start_at,
    period_end_at,
    created_at,
    issued_at,
    due_at,
    paid_at,
    voided_at,
    uncollectible_at,
    updated_at,
    load_id
from invoices
