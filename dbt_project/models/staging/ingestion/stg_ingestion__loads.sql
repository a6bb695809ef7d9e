select
    load_id,
    source,
    table_name,
    file,
    received_at,
    deleted_count,
    newest_version as newest_version_at,
    load_id = max(load_id) over (partition by source, table_name, file) as is_latest_of_file
from {{ source('ingestion', 'loads') }}
