-- A file of invoices tells only that a payment came, not how often it was tried.
with payments as (

    select * from {{ ref('stg_stripe__charges') }}
    union all by name
    select
        source,
        source_invoice_id as source_payment_id,
        source_customer_id,
        source_invoice_id,
        'succeeded' as status,
        currency,
        paid_amount as payment_amount,
        0 as refunded_amount,
        false as is_disputed,
        paid_at as attempted_at,
        load_id
    from {{ ref('int_billing__invoices') }}
    where source = 'files' and paid_at is not null and paid_amount > 0

)

select
    source,
    source_payment_id,
    source_customer_id,
    source_invoice_id,
    status,
    failure_code,
    currency,
    payment_amount,
    {{ money('refunded_amount') }} as refunded_amount,
    is_disputed,
    attempted_at,
    updated_at,
    load_id
from payments
