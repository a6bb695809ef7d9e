select
    'zendesk' as source,
    id as source_event_id,
    ticket_id as source_ticket_id,
    metric,
    type as event_type,
    target_minutes,
    time as occurred_at
from {{ known_rows(source('zendesk', 'sla_events'), key=['id'], dated_by='time') }}
