select
    'files' as source,
    response_id,
    person_id as source_person_id,
    customer_id as source_customer_id,
    ticket_id as source_ticket_id,
    email,
    survey_type,
    comment,
    score,
    sent_at,
    responded_at
from {{ known_rows(source('files', 'survey_responses'), key=['response_id'], dated_by='sent_at') }}
