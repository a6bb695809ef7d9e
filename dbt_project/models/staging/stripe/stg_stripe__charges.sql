select
    'stripe' as source,
    id as source_payment_id,
    customer_id as source_customer_id,
    invoice_id as source_invoice_id,
    status,
    failure_code,
    upper(currency) as currency,
    {{ money_from_minor_units('amount', 'currency') }} as payment_amount,
    {{ money_from_minor_units('coalesce(amount_refunded, 0)', 'currency') }} as refunded_amount,
    coalesce(disputed, false) as is_disputed,
    created as attempted_at,
    updated as updated_at,
    _load_id as load_id
from {{ known_rows(source('stripe', 'charges'), key=['id'], dated_by='created') }}
