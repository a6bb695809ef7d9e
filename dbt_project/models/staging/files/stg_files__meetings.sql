select
    'files' as source,
    meeting_id as source_meeting_id,
    coalesce(lower(id_system), 'files') as id_system,
    customer_id as source_customer_id,
    person_id as source_person_id,
    owner as source_owner_id,
    {{ meeting_kind_word('kind') }} as meeting_kind,
    coalesce(outcome, 'completed') as outcome,
    held_at,
    updated_at
from {{ known_rows(source('files', 'meetings'), key=['meeting_id'], dated_by='held_at') }}
