with file_requesters as (

    select
        source,
        source_person_id,
        max_by(source_customer_id, created_at) as source_customer_id,
        max_by(requester_email, created_at) as email,
        'end_user' as user_kind,
        false as is_suspended,
        false as is_listed,
        min(created_at) as created_at
    from {{ ref('stg_files__tickets') }}
    where source_person_id is not null
    group by source, source_person_id

),

people as (

    select
        *,
        true as is_listed
    from {{ ref('stg_zendesk__users') }}
    union all by name
    select * from file_requesters

)

select
    source,
    source_person_id,
    source_customer_id,
    external_id,
    full_name,
    email,
    phone,
    whatsapp_number,
    facebook_id,
    x_handle,
    user_kind,
    time_zone,
    is_suspended,
    is_listed,
    created_at,
    updated_at
from people
