select
    'files' as source,
    _load_id as load_id,
    record,
    reason
from {{ source('quarantine', 'files__order_lines') }}
where mended_by is null
union all
select
    'files' as source,
    _load_id as load_id,
    record,
    reason
from {{ source('quarantine', 'files__orders') }}
where mended_by is null
union all
select
    'shopify' as source,
    _load_id as load_id,
    record,
    reason
from {{ source('quarantine', 'shopify__order_lines') }}
where mended_by is null
union all
select
    'shopify' as source,
    _load_id as load_id,
    record,
    reason
from {{ source('quarantine', 'shopify__order_line_refunds') }}
where mended_by is null
