select
    'stripe' as source,
    id as source_price_id,
    product_id as source_product_id,
    nickname as plan,
    upper(currency) as currency,
    recurring_interval as billing_interval,
    recurring_usage_type as usage_type,
    {{ money_from_minor_units('unit_amount', 'currency') }} as unit_amount,
    recurring_interval_count as interval_count,
    coalesce(active, true) as is_active,
    created as created_at,
    updated as updated_at
from {{ known_rows(source('stripe', 'prices'), key=['id'], dated_by='created') }}
