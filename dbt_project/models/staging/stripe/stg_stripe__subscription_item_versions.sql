select
    'stripe' as source,
    id as source_subscription_item_id,
    subscription_id as source_subscription_id,
    price_id as source_price_id,
    quantity,
    coalesce(is_deleted, false) as is_deleted,
    created as created_at,
    valid_from_at,
    load_id
from {{ known_versions(source('stripe', 'subscription_items'), key=['id'], dated_by='created') }}
