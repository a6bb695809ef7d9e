select
    'shopify' as source,
    id as checkout_id,
    customer_id as source_customer_id,
    email,
    currency,
    total_price as basket_amount,
    created_at as started_at,
    completed_at,
    updated_at
from {{ known_rows(source('shopify', 'abandoned_checkouts'), key=['id'], dated_by='created_at') }}
