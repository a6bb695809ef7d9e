select
    'files' as source,
    order_id,
    line_id,
    customer_id as source_customer_id,
    product_id,
    _occurrence as line_occurrence,
    currency,
    country,
    unit_price,
    coalesce(line_amount, {{ money('abs(quantity) * unit_price') }}) as line_amount,
    quantity,
    coalesce(is_cancellation, false) as is_cancellation,
    ordered_at
from {{ source('files', 'order_lines') }}
where _superseded_by is null
