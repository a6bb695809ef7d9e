-- A line has no date of its own: it is known once its invoice is.
with stripe_lines as (

    select
        lines.*,
        invoices.source_customer_id,
        invoices.status as invoice_status,
        invoices.issued_at,
        coalesce(prices.plan, prices.source_product_id) as plan,
        prices.usage_type,
        prices.billing_interval,
        prices.interval_count
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join {{ ref('stg_stripe__invoices') }} as invoices
        on lines.source_invoice_id = invoices.source_invoice_id
    left join {{ ref('stg_stripe__prices') }} as prices
        on lines.source_price_id = prices.source_price_id

),

lines as (

    select * from stripe_lines
    union all by name
    select
        * exclude (status),
        status as invoice_status,
        false as is_proration
    from {{ ref('int_billing__file_lines') }}

)

select
    source,
    source_invoice_line_id,
    source_invoice_id,
    source_customer_id,
    source_subscription_id,
    source_subscription_item_id,
    source_price_id,
    plan,
    coalesce(usage_type, 'licensed') as usage_type,
    billing_interval,
    coalesce(interval_count, 1) as interval_count,
    line_description,
    invoice_status,
    currency,
    line_amount,
    {{ money('discount_amount') }} as discount_amount,
    {{ money('line_amount - coalesce(discount_amount, 0)') }} as net_amount,
    cast(quantity as decimal(18, 4)) as quantity,
    is_proration,
    period_start_at,
    period_end_at,
    issued_at,
    load_id
from lines
-- A draft's lines come and go until it is final, and say nothing of what was asked for.
where invoice_status is distinct from 'draft'
