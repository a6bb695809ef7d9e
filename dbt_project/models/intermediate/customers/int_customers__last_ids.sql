{{ config(materialized='view') }}
select
    source,
    list_kind,
    source_record_id,
    max(durable_id) filter (where is_current) as durable_id
from {{
    published('map_source_records', {
        'entity': 'varchar', 'source': 'varchar', 'list_kind': 'varchar', 'source_record_id': 'varchar',
        'durable_id': 'varchar', 'is_current': 'boolean'
    })
}}
where entity = 'customer'
group by source, list_kind, source_record_id
