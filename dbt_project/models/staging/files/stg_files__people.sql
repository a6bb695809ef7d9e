select
    'files' as source,
    person_id as source_person_id,
    customer_id as source_customer_id,
    full_name,
    first_name,
    last_name,
    email,
    phone,
    address,
    city,
    postal_code,
    country,
    job_title,
    {{ role_word('role') }} as role,
    birth_date,
    created_at,
    updated_at
from {{ known_rows(source('files', 'people'), key=['person_id'], dated_by='created_at') }}
