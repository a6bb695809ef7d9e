select
    source,
    system,
    table_name,
    role,
    owner,
    connection,
    is_critical,
    is_dated,
    freshness_days,
    stale_days,
    current_count,
    deleted_count,
    open_quarantine_count
from {{ source('ingestion', 'tables') }}
