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
    -- A load of before records were counted by their first coming: its versions are the nearest to it.
    coalesce(new_count, loaded_count) as new_count,
    late_count
from {{ source('ingestion', 'load_days') }}
