select
    source,
    points_change_id,
    source_customer_id,
    order_id,
    change_kind,
    description,
    points_change,
    occurred_at
from {{ ref('stg_smile__points_transactions') }}
