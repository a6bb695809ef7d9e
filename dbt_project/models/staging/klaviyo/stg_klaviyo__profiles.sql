select
    'klaviyo' as source,
    id as source_person_id,
    external_id,
    email,
    phone_number as phone,
    first_name,
    last_name,
    city,
    zip as postal_code,
    country,
    lower(email_consent) as email_consent,
    created as created_at,
    updated as updated_at
from {{ known_rows(source('klaviyo', 'profiles'), key=['id'], dated_by='created') }}
