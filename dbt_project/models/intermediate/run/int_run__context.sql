with source_days as (

    select
        days.record_date,
        tables.is_dated,
        -- What may be dated ahead, as a subscription that begins next month, has happened when its state is known.
        coalesce(days.newest_version_date, days.record_date) as known_date
    from {{ ref('int_run__source_days') }} as days
    inner join {{ ref('stg_ingestion__tables') }} as tables
        on
            days.source = tables.source
            and days.table_name = tables.table_name
    where days.has_records

),

newest as (

    select coalesce(max(record_date) filter (where is_dated), max(known_date)) as newest_date
    from source_days

),

as_of as (

    select
        coalesce({{ as_of_date() }}, newest_date) as as_of_date,
        newest_date as data_through_date
    from newest

),

order_currencies as (

    select
        currency,
        ordered_at
    from {{ ref('stg_files__order_lines') }}
    union all
    select
        currency,
        ordered_at
    from {{ ref('stg_files__orders') }}
    union all
    select
        currency,
        ordered_at
    from {{ ref('stg_shopify__orders') }}

),

reporting_currencies as (

    select
        case
            when min(order_currencies.currency) = max(order_currencies.currency) then min(order_currencies.currency)
        end as reporting_currency
    from order_currencies
    cross join as_of
    where cast(order_currencies.ordered_at as date) <= as_of.as_of_date

),

loads as (

    select max(load_id) as last_load_id
    from {{ ref('stg_ingestion__loads') }}
    where {{ is_later_load('load_id') }} is not true

),

final as (

    select
        as_of.as_of_date,
        as_of.data_through_date,
        reporting_currencies.reporting_currency,
        loads.last_load_id
    from as_of
    cross join reporting_currencies
    cross join loads

)

select
    as_of_date,
    data_through_date,
    reporting_currency,
    last_load_id
from final
