select
    'delighted' as source,
    id as response_id,
    survey_request_id as invitation_id,
    person_id as source_person_id,
    person_email as email,
    survey_type,
    comment,
    tags,
    properties,
    cast(score as double) as score,
    created_at as responded_at,
    updated_at
from {{ known_rows(source('delighted', 'survey_responses'), key=['id'], dated_by='created_at') }}
