select
    lines.source,
    lines.source_invoice_line_id,
    lines.source_invoice_id,
    record_ids.durable_id as customer_id,
    lines.source_subscription_id,
    lines.source_subscription_item_id,
    lines.plan,
    lines.usage_type,
    lines.invoice_status,
    lines.is_proration,
    cast(lines.issued_at as date) as issued_date,
    cast(lines.period_start_at as date) as period_start_date,
    cast(lines.period_end_at as date) as period_end_date,
    lines.currency,
    {{ money('lines.line_amount') }} as line_amount,
    {{ money('lines.discount_amount') }} as discount_amount,
    {{ money('lines.net_amount') }} as net_amount,
    lines.load_id
from {{ ref('int_billing__invoice_lines') }} as lines
cross join {{ ref('int_run__context') }} as context
left join {{ ref('int_customers__record_ids') }} as record_ids
    on
        lines.source = record_ids.source
        and lines.source_customer_id = record_ids.source_record_id
        and record_ids.entity = 'customer'
        and record_ids.list_kind = 'customer'
where lines.issued_at is null or cast(lines.issued_at as date) <= context.as_of_date
