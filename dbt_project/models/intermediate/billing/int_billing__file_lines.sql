-- A line in another currency than its subscription's first is of the subscription in that currency.
with subscriptions as (

    select distinct source_subscription_id
    from {{ ref('stg_files__subscription_versions') }}

)

select
    lines.source,
    lines.source_invoice_id,
    lines.source_invoice_line_id,
    lines.source_customer_id,
    coalesce(subscriptions.source_subscription_id, lines.source_subscription_id) as source_subscription_id,
    lines.status,
    lines.currency,
    lines.line_amount,
    lines.issued_at,
    lines.due_at,
    lines.paid_at,
    lines.period_start_at,
    lines.period_end_at,
    lines.load_id
from {{ ref('stg_files__invoices') }} as lines
left join subscriptions
    on concat(lines.source_subscription_id, ' (', lines.currency, ')') = subscriptions.source_subscription_id
