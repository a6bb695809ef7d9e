with current_lines as (

    select *
    from {{ ref('int_commerce__order_lines') }}

),

cancellations as (

    select *
    from {{ ref('int_commerce__cancellations') }}

),

refused_rows as (

    -- The same bad row in two overlapping exports is one line; twice in one export, two.
    select distinct
        source,
        reason,
        record,
        row_number() over (partition by load_id, reason, record) as occurrence
    from {{ ref('stg_ingestion__refused_order_lines') }}

),

dispositions as (

    select
        source,
        line_kind as disposition,
        cast(null as varchar) as reason,
        source_customer_id is not null as has_customer,
        currency,
        line_amount
    from current_lines
    where line_kind != 'cancellation'
    union all by name
    select
        source,
        case when sale_order_id is null then 'cancellation_unmatched' else 'cancellation_matched' end as disposition,
        coalesce(unmatched_reason, match_rule) as reason,
        source_customer_id is not null as has_customer,
        currency,
        line_amount
    from cancellations
    union all by name
    select
        source,
        'quarantined' as disposition,
        reason,
        cast(null as boolean) as has_customer,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 4)) as line_amount
    from refused_rows

),

final as (

    select
        source,
        disposition,
        reason,
        has_customer,
        currency,
        count(*) as line_count,
        {{ money('sum(line_amount)') }} as line_amount
    from dispositions
    group by source, disposition, reason, has_customer, currency

)

select
    source,
    disposition,
    reason,
    has_customer,
    currency,
    line_count,
    line_amount
from final
