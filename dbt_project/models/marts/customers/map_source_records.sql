select
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    valid_from_date,
    valid_to_date,
    valid_to_date is null as is_current
from {{ ref('int_customers__id_spells') }}
