select
    'zendesk' as source,
    ticket_id as source_ticket_id,
    user_id as source_person_id,
    case field_name when 'assignee_id' then 'agent' else field_name end as field,
    value as new_value,
    updated as changed_at
from
    {{
        known_rows(
            source('zendesk', 'ticket_field_history'),
            key=['ticket_id', 'field_name', 'updated'],
            dated_by='updated'
        )
    }}
