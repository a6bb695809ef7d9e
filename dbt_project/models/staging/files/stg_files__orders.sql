select
    'files' as source,
    order_id,
    customer_id as source_customer_id,
    currency,
    country,
    amount as order_amount,
    coalesce(is_cancellation, false) as is_cancellation,
    ordered_at
from {{ known_rows(source('files', 'orders'), key=['order_id'], dated_by='ordered_at') }}
