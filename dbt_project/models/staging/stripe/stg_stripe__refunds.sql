select
    'stripe' as source,
    id as source_refund_id,
    charge_id as source_payment_id,
    status,
    reason,
    upper(currency) as currency,
    {{ money_from_minor_units('amount', 'currency') }} as refund_amount,
    created as refunded_at
from {{ known_rows(source('stripe', 'refunds'), key=['id'], dated_by='created') }}
