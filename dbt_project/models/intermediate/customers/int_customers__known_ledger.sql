select
    cast(ledger_number as bigint) as ledger_number,
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    cause,
    cast(known_date as date) as known_date
from {{ ledger_before() }} as ledger
