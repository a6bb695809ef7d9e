select
    'files' as source,
    response_id,
    person_id as source_person_id,
    customer_id as source_customer_id,
    ticket_id as source_ticket_id,
    email,
    survey_type,
    case when {{ is_later('responded_at') }} then null else comment end as comment,
    case when {{ is_later('responded_at') }} then null else score end as score,
    sent_at,
    {{ known_time('responded_at') }} as responded_at
from {{ known_rows(source('files', 'survey_responses'), key=['response_id'], dated_by='sent_at') }}
