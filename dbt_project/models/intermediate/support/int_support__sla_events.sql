select
    source,
    source_event_id,
    source_ticket_id,
    metric,
    event_type,
    target_minutes,
    occurred_at
from {{ ref('stg_zendesk__sla_events') }}
