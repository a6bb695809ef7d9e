select
    source,
    table_name,
    column_name,
    change,
    file
from {{ source('ingestion', 'schema_changes') }}
