select
    source,
    table_name,
    column_name,
    references_column,
    checked_count,
    orphan_count
from {{ source('ingestion', 'orphans') }}
