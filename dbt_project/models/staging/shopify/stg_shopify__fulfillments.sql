select
    'shopify' as source,
    id as fulfilment_id,
    order_id,
    lower(status) as fulfilment_status,
    lower(shipment_status) as delivery_status,
    estimated_delivery_at as promised_at,
    created_at as sent_at,
    delivered_at,
    updated_at
from {{ known_rows(source('shopify', 'fulfillments'), key=['id'], dated_by='created_at') }}
