select
    disputes.source,
    disputes.source_dispute_id,
    disputes.source_payment_id,
    payments.source_customer_id,
    payments.source_invoice_id,
    disputes.status,
    disputes.reason,
    disputes.currency,
    disputes.dispute_amount,
    disputes.disputed_at,
    disputes.updated_at
from {{ ref('stg_stripe__disputes') }} as disputes
left join {{ ref('stg_stripe__charges') }} as payments
    on disputes.source_payment_id = payments.source_payment_id
