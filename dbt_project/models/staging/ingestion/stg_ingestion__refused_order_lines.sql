select
    'files' as source,
    _load_id as load_id,
    record,
    reason
from {{ source('quarantine', 'files__order_lines') }}
