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
    late_count
from {{ source('ingestion', 'load_days') }}
