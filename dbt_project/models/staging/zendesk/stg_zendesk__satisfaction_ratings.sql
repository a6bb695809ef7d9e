select
    'zendesk' as source,
    id as source_rating_id,
    ticket_id as source_ticket_id,
    requester_id as source_person_id,
    assignee_id as source_agent_id,
    reason,
    score in ('good', 'bad') as is_answered,
    case score when 'good' then true when 'bad' then false end as is_satisfied,
    created_at as offered_at,
    case when score in ('good', 'bad') then updated_at end as answered_at
from {{ known_rows(source('zendesk', 'satisfaction_ratings'), key=['id'], dated_by='created_at') }}
-- Where no survey was offered, nobody was asked.
where score <> 'unoffered'
