select
    'files' as source,
    event_id,
    user_id as source_person_id,
    customer_id as source_customer_id,
    anonymous_id,
    event_name,
    properties,
    occurred_at
from
    {{
        known_rows(
            source('files', 'usage_events'),
            key=['occurred_at', 'event_id', 'user_id', 'customer_id', 'event_name', '_occurrence'],
            dated_by='occurred_at'
        )
    }}
