select
    'hubspot' as source,
    id as source_opportunity_id,
    dealstage as stage,
    amount,
    cast(closedate as date) as close_date,
    valid_from_at,
    load_id
from {{ known_versions(source('hubspot', 'deals'), key=['id'], dated_by='createdate') }}
