{%- set key = [
    'month', 'currency', 'reason', 'source', 'source_subscription_id', 'source_invoice_id', 'source_invoice_line_id'
] -%}
-- What is told of the differences between invoices and MRR in months that were over, beside what was.
with last_release as (

    select as_of_date
    from {{ ref('int_run__last_release') }}

),

told as (

    select
        {{ key | join(', ') }},
        amount,
        1 as row_count
    from {{ ref('int_revenue__billing_differences') }}
    union all
    select
        {{ key | join(', ') }},
        -amount as amount,
        -1 as row_count
    from {{ ref('int_revenue__last_differences') }}

),

changed as (

    select
        {%- for column in key %}
            told.{{ column }},
        {%- endfor %}
        row_number() over () as change_number,
        -- Its first invoice says of all its months that they were invoiced.
        bool_or(told.reason = 'never_invoiced') over (
            partition by told.source, told.source_subscription_id, told.month
        ) as is_invoiced_since
    from told
    cross join last_release
    where told.month + interval 1 month <= last_release.as_of_date + interval 1 day
    group by {{ key | join(', ') }}
    having sum(told.amount) <> 0 or sum(told.row_count) <> 0

),

caused as (

    select
        changed.*,
        'invoices' as cause
    from changed
    semi join {{ ref('int_revenue__late_invoices') }} as invoices
        on
            changed.source = invoices.source
            and changed.source_invoice_id = invoices.source_invoice_id
    union by name
    select
        changed.*,
        'invoices' as cause
    from changed
    semi join {{ ref('int_revenue__late_invoices') }} as invoices
        on
            changed.source = invoices.source
            and changed.source_subscription_id = invoices.source_subscription_id
            and (changed.month >= invoices.covers_from_month or changed.is_invoiced_since)
    union by name
    select
        changed.*,
        versions.cause
    from changed
    inner join {{ ref('int_revenue__late_versions') }} as versions
        on
            changed.source = versions.source
            and changed.source_subscription_id = versions.source_subscription_id
            and versions.valid_from_at < changed.month + interval 1 month + interval 1 day
    union by name
    select
        changed.*,
        'policy' as cause
    from changed
    cross join {{ ref('int_revenue__changed_policies') }} as policies
    where policies.is_active

)

select
    month,
    currency,
    reason,
    cause
from caused
union
-- What has no other cause is told otherwise by a source: a price, an invoice that is gone.
select
    changed.month,
    changed.currency,
    changed.reason,
    'correction' as cause
from changed
anti join caused
    on changed.change_number = caused.change_number
