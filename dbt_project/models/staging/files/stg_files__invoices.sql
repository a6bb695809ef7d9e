with known_invoices as (

    select *
    from {{ known_rows(source('files', 'invoices'), key=['invoice_id', 'line_id'], dated_by='issued_at') }}
    -- Once an invoice comes with lines, they count and the row without a line doesn't.
    qualify line_id is not null or count(line_id) over (partition by invoice_id) = 0

)

select
    'files' as source,
    invoice_id as source_invoice_id,
    {{ id_of_part('invoice_id', 'line_id') }} as source_invoice_line_id,
    customer_id as source_customer_id,
    subscription_id as source_subscription_id,
    case
        when {{ is_later('paid_at') }} then 'open'
        when status is not null then status
        when paid_at is not null then 'paid'
        else 'open'
    end as status,
    currency,
    amount as line_amount,
    issued_at,
    due_at,
    {{ known_time('paid_at') }} as paid_at,
    cast(period_start as timestamp) as period_start_at,
    cast(period_end as timestamp) as period_end_at,
    _load_id as load_id
from known_invoices
