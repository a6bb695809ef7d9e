with late as (

    select
        source,
        source_invoice_id,
        load_id
    from {{ ref('int_billing__invoices') }}
    union all
    select
        source,
        source_invoice_id,
        load_id
    from {{ ref('int_billing__invoice_lines') }}
    union all
    select
        source,
        source_invoice_id,
        load_id
    from {{ ref('int_billing__payments') }}
    where source_invoice_id is not null

),

late_invoices as (

    select distinct
        late.source,
        late.source_invoice_id
    from late
    inner join {{ ref('int_run__last_release') }} as last_release
        on late.load_id > last_release.last_load_id

),

-- A failed payment counts in the month of an invoice's first, wherever that has moved since.
told as (

    select
        source,
        source_invoice_id,
        source_subscription_id,
        currency,
        issued_at as told_of_at
    from {{ ref('int_billing__invoices') }}
    union all by name
    select
        source,
        source_invoice_id,
        source_subscription_id,
        currency,
        issued_at as told_of_at,
        period_start_at as covers_from_at
    from {{ ref('int_billing__invoice_lines') }}
    union all by name
    select
        source,
        source_invoice_id,
        currency,
        attempted_at as told_of_at
    from {{ ref('int_billing__payments') }}

),

policy as (

    select time_zone
    from {{ ref('int_revenue__policies') }}
    where is_active

),

final as (

    select
        told.*,
        cast(date_trunc('month', timezone(policy.time_zone, timezone('UTC', told.told_of_at))) as date) as month,
        cast(date_trunc(
            'month', timezone(policy.time_zone, timezone('UTC', least(told.told_of_at, told.covers_from_at)))
        ) as date) as covers_month
    from told
    cross join policy
    semi join late_invoices
        on
            told.source = late_invoices.source
            and told.source_invoice_id = late_invoices.source_invoice_id
    where told.told_of_at is not null

)

select
    source,
    source_invoice_id,
    source_subscription_id,
    currency,
    min(month) over (partition by source, source_invoice_id) as from_month,
    max(month) over (partition by source, source_invoice_id) as to_month,
    min(covers_month) over (partition by source, source_invoice_id) as covers_from_month
from final
qualify
    row_number() over (
        partition by source, source_invoice_id, source_subscription_id, currency
        order by month
    ) = 1
