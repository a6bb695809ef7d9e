select
    'shopify' as source,
    id as refund_line_id,
    refund_id,
    order_line_id as line_id,
    lower(restock_type) as restock_type,
    subtotal as refunded_amount,
    cast(quantity as decimal(18, 4)) as quantity,
    created_at as refunded_at
from {{ known_rows(source('shopify', 'order_line_refunds'), key=['id'], dated_by='created_at') }}
