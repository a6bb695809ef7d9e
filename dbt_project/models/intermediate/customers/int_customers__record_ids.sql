select
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    valid_from_date as known_date
from {{ ref('int_customers__id_spells') }}
where valid_to_date is null
