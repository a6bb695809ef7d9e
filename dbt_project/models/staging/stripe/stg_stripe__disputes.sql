select
    'stripe' as source,
    id as source_dispute_id,
    charge_id as source_payment_id,
    status,
    reason,
    upper(currency) as currency,
    {{ money_from_minor_units('amount', 'currency') }} as dispute_amount,
    created as disputed_at,
    updated as updated_at
from {{ known_rows(source('stripe', 'disputes'), key=['id'], dated_by='created') }}
