select
    'stripe' as source,
    id as source_invoice_line_id,
    invoice_id as source_invoice_id,
    subscription_id as source_subscription_id,
    subscription_item_id as source_subscription_item_id,
    price_id as source_price_id,
    description as line_description,
    upper(currency) as currency,
    {{ money_from_minor_units('amount', 'currency') }} as line_amount,
    {{ money_from_minor_units('coalesce(discount_amount, 0)', 'currency') }} as discount_amount,
    quantity,
    coalesce(proration, false) as is_proration,
    period_start as period_start_at,
    period_end as period_end_at,
    _load_id as load_id
from {{ known_rows(source('stripe', 'invoice_lines'), key=['id'], dated_by='period_start') }}
