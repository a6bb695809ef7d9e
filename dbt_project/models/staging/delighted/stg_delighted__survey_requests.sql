select
    'delighted' as source,
    id as invitation_id,
    person_id as source_person_id,
    email,
    name as full_name,
    survey_type,
    lower(channel) as channel,
    properties,
    sent_at
from {{ known_rows(source('delighted', 'survey_requests'), key=['id'], dated_by='sent_at') }}
