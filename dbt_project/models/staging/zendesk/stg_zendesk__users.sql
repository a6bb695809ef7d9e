select
    'zendesk' as source,
    id as source_person_id,
    organization_id as source_customer_id,
    external_id,
    name as full_name,
    email,
    phone,
    whatsapp_number,
    facebook_id,
    twitter_id as x_handle,
    replace(role, '-', '_') as user_kind,
    time_zone,
    coalesce(suspended, false) as is_suspended,
    created_at,
    updated_at
from {{ known_rows(source('zendesk', 'users'), key=['id'], dated_by='created_at') }}
