select
    'shopify' as source,
    id as line_id,
    order_id,
    product_id,
    sku,
    title as product_name,
    price as unit_price,
    coalesce(total_discount, 0) as discount_amount,
    cast(quantity as decimal(18, 4)) as quantity
from {{ known_rows(source('shopify', 'order_lines'), key=['id']) }}
