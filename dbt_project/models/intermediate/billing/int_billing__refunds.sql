select
    refunds.source,
    refunds.source_refund_id,
    refunds.source_payment_id,
    payments.source_customer_id,
    payments.source_invoice_id,
    refunds.status,
    refunds.reason,
    refunds.currency,
    refunds.refund_amount,
    refunds.refunded_at
from {{ ref('stg_stripe__refunds') }} as refunds
left join {{ ref('stg_stripe__charges') }} as payments
    on refunds.source_payment_id = payments.source_payment_id
