select
    'segment' as source,
    message_id as event_id,
    user_id as source_person_id,
    group_id as source_customer_id,
    anonymous_id,
    type as event_kind,
    event as event_name,
    traits,
    properties,
    timestamp as occurred_at,
    received_at
from {{ known_rows(source('segment', 'events'), key=['original_timestamp', 'message_id'], dated_by='timestamp') }}
