select
    'hubspot' as source,
    id as source_owner_id,
    firstname as first_name,
    lastname as last_name,
    email,
    team,
    coalesce(archived, false) as is_archived,
    createdat as created_at,
    updatedat as updated_at
from {{ known_rows(source('hubspot', 'owners'), key=['id'], dated_by='createdat') }}
