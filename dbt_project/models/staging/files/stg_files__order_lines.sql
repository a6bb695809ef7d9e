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
from
    {{
        known_rows(
            source('files', 'order_lines'),
            key=['order_id', 'line_id', 'product_id', '_occurrence'],
            dated_by='ordered_at'
        )
    }}
