select
    'stripe' as source,
    id as source_invoice_id,
    customer_id as source_customer_id,
    subscription_id as source_subscription_id,
    number as invoice_number,
    -- A list without versions tells today's state of an invoice that was settled after the as-of date.
    case
        when
            {{ is_later('paid_at') }} or {{ is_later('voided_at') }} or {{ is_later('marked_uncollectible_at') }}
            then 'open'
        else status
    end as status,
    billing_reason,
    upper(currency) as currency,
    {{ money_from_minor_units('subtotal', 'currency') }} as subtotal_amount,
    {{ money_from_minor_units('discount_amount', 'currency') }} as discount_amount,
    {{ money_from_minor_units('tax', 'currency') }} as tax_amount,
    {{ money_from_minor_units('total', 'currency') }} as total_amount,
    {{ money_from_minor_units('amount_due', 'currency') }} as due_amount,
    case
        when {{ is_later('paid_at') }} then null
        else {{ money_from_minor_units('amount_paid', 'currency') }}
    end as paid_amount,
    attempt_count,
    period_start as period_start_at,
    period_end as period_end_at,
    created as created_at,
    coalesce({{ known_time('finalized_at') }}, created) as issued_at,
    due_date as due_at,
    {{ known_time('paid_at') }} as paid_at,
    {{ known_time('voided_at') }} as voided_at,
    {{ known_time('marked_uncollectible_at') }} as uncollectible_at,
    updated as updated_at,
    _load_id as load_id
from {{ known_rows(source('stripe', 'invoices'), key=['id'], dated_by='created') }}
where is_deleted is not true
