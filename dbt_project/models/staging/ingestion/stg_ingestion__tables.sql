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
    stale_days
from {{ source('ingestion', 'tables') }}
