select
    'zendesk' as source,
    id as source_ticket_id,
    organization_id as source_customer_id,
    requester_id as source_person_id,
    assignee_id as source_agent_id,
    {{ channel_word('via_channel') }} as channel,
    case status when 'deleted' then 'closed' else status end as status,
    priority,
    type as ticket_kind,
    category,
    tags,
    coalesce(is_escalated, false) as is_escalated,
    status = 'deleted' as is_deleted,
    created_at,
    solved_at,
    updated_at
from {{ known_rows(source('zendesk', 'tickets'), key=['id'], dated_by='created_at') }}
