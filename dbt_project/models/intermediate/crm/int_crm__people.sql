with people as (

    select
        *,
        {{ role_word("split_part(buying_roles, ';', 1)") }} as role,
        is_archived as is_deleted
    from {{ ref('stg_hubspot__contacts') }}
    union all by name
    select * from {{ ref('stg_salesforce__contacts') }}
    union all by name
    select
        *,
        false as is_deleted
    from {{ ref('stg_files__people') }}

)

select
    source,
    source_person_id,
    source_customer_id,
    coalesce(full_name, nullif(concat_ws(' ', first_name, last_name), '')) as full_name,
    first_name,
    last_name,
    email,
    other_emails,
    phone,
    mobile_phone,
    address,
    city,
    postal_code,
    region,
    country,
    job_title,
    role,
    is_deleted,
    national_id,
    birth_date,
    created_at,
    updated_at
from people
