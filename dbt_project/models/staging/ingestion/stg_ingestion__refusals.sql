select
    source,
    table_name,
    file,
    reason
from {{ source('ingestion', 'refusals') }}
