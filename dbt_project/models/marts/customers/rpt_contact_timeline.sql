select
    person_id,
    row_number() over (
        partition by person_id
        order by contacted_at, source, kind, source_event_id, customer_id
    ) as contact_number,
    customer_id,
    contacted_at,
    channel,
    direction,
    kind,
    subject,
    status,
    source,
    source_record_id,
    is_open_conversation,
    is_personal
from {{ ref('int_customers__contacts') }}
