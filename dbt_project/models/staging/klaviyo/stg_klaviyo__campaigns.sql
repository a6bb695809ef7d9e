select
    'klaviyo' as source,
    id as campaign_id,
    name as campaign_name,
    kind as campaign_kind,
    channel,
    created_at,
    updated_at
from {{ known_rows(source('klaviyo', 'campaigns'), key=['id'], dated_by='created_at') }}
