with loads as (

    select
        load_id,
        is_latest_of_file
    from {{ ref('stg_ingestion__loads') }}

),

load_days as (

    select
        load_id,
        source,
        table_name,
        record_date,
        version_date,
        received_count,
        loaded_count,
        quarantined_count,
        superseded_count,
        new_count,
        late_count
    from {{ ref('stg_ingestion__load_days') }}
    -- A plan may lie ahead, and is known by its version; all else counts by its own date.
    where {{ is_later('coalesce(version_date, record_date)') }} is not true

),

final as (

    select
        load_days.source,
        load_days.table_name,
        load_days.record_date,
        sum(load_days.received_count)::bigint as received_count,
        sum(load_days.loaded_count)::bigint as loaded_count,
        sum(load_days.quarantined_count)::bigint as quarantined_count,
        sum(load_days.superseded_count)::bigint as superseded_count,
        sum(load_days.new_count)::bigint as new_count,
        sum(load_days.late_count)::bigint as late_count,
        -- A file that was loaded anew under a corrected mapping no longer says what its first load said of dates.
        coalesce(
            bool_or(loads.is_latest_of_file and load_days.received_count > load_days.quarantined_count), false
        ) as has_records,
        max(load_days.version_date) filter (
            where load_days.received_count > load_days.quarantined_count
        ) as newest_version_date
    from load_days
    inner join loads
        on load_days.load_id = loads.load_id
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
