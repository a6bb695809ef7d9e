select
    'smile' as source,
    id as points_change_id,
    customer_id as source_customer_id,
    order_id,
    kind as change_kind,
    description,
    points_change,
    created_at as occurred_at
from {{ known_rows(source('smile', 'points_transactions'), key=['id'], dated_by='created_at') }}
