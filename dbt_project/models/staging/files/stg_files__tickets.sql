select
    'files' as source,
    ticket_id as source_ticket_id,
    customer_id as source_customer_id,
    coalesce(requester_id, requester_email) as source_person_id,
    requester_email,
    {{ channel_word('channel') }} as channel,
    case
        when {{ is_later('solved_at') }} then 'open'
        when status is not null then status
        when solved_at is not null then 'solved'
        else 'open'
    end as status,
    priority,
    category,
    satisfaction_score as rating,
    reopen_count,
    reply_count as agent_reply_count,
    coalesce(is_escalated, false) as is_escalated,
    is_sla_breached,
    created_at,
    {{ known_time('first_replied_at') }} as first_replied_at,
    {{ known_time('solved_at') }} as solved_at,
    updated_at
from {{ known_rows(source('files', 'tickets'), key=['ticket_id'], dated_by='created_at') }}
