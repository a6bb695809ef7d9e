with loads as (

    select
        load_id,
        cast(received_at as date) as received_date,
        is_latest_of_file
    from {{ ref('stg_ingestion__loads') }}

),

-- A row that was refused because its date had yet to come has none that it can be counted by.
dated as (

    select
        days.* exclude (record_date, version_date),
        days.received_count = days.quarantined_count
        and coalesce(coalesce(days.version_date, days.record_date) > loads.received_date + 1, false) as is_ahead,
        if(is_ahead, null, days.record_date) as record_date,
        if(is_ahead, null, days.version_date) as version_date,
        loads.is_latest_of_file
    from {{ ref('stg_ingestion__load_days') }} as days
    inner join loads
        on days.load_id = loads.load_id

),

load_days as (

    select *
    from dated
    -- A plan may lie ahead, and is known by its version; all else counts by its own date.
    where {{ is_later('coalesce(version_date, record_date)') }} is not true

),

final as (

    select
        load_days.source,
        load_days.table_name,
        load_days.record_date,
        cast(sum(load_days.received_count) as bigint) as received_count,
        cast(sum(load_days.loaded_count) as bigint) as loaded_count,
        cast(sum(load_days.quarantined_count) as bigint) as quarantined_count,
        cast(sum(load_days.superseded_count) as bigint) as superseded_count,
        cast(sum(load_days.new_count) as bigint) as new_count,
        cast(sum(load_days.late_count) as bigint) as late_count,
        -- A file that was loaded anew under a corrected mapping no longer says what its first load said of dates.
        coalesce(
            bool_or(load_days.is_latest_of_file and load_days.received_count > load_days.quarantined_count), false
        ) as has_records,
        max(load_days.version_date) filter (
            where load_days.received_count > load_days.quarantined_count
        ) as newest_version_date
    from load_days
    group by load_days.source, load_days.table_name, load_days.record_date

)

select
    source,
    table_name,
    record_date,
    received_count,
    loaded_count,
    quarantined_count,
    superseded_count,
    new_count,
    late_count,
    has_records,
    newest_version_date
from final
