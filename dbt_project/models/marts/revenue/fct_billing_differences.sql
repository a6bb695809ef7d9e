select
    differences.month,
    differences.currency,
    differences.reason,
    record_ids.durable_id as customer_id,
    differences.source,
    differences.source_subscription_id,
    differences.source_invoice_id,
    differences.source_invoice_line_id,
    differences.amount
from {{ ref('int_revenue__billing_differences') }} as differences
left join {{ ref('int_customers__record_ids') }} as record_ids
    on
        differences.source = record_ids.source
        and differences.source_customer_id = record_ids.source_record_id
        and record_ids.entity = 'customer'
        and record_ids.list_kind = 'customer'
