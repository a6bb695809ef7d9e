with profiles as (

    select
        source,
        source_person_id,
        cast(null as varchar) as source_customer_id,
        external_id,
        email,
        phone,
        first_name,
        last_name,
        city,
        postal_code,
        country,
        email_consent,
        created_at,
        updated_at
    from {{ ref('stg_klaviyo__profiles') }}

),

-- Files list no people: those to whom messages went, with what the newest of them says.
file_recipients as (

    select
        source,
        source_person_id,
        max_by(source_customer_id, occurred_at) as source_customer_id,
        cast(null as varchar) as external_id,
        max_by(email, occurred_at) as email,
        cast(null as varchar) as phone,
        cast(null as varchar) as first_name,
        cast(null as varchar) as last_name,
        cast(null as varchar) as city,
        cast(null as varchar) as postal_code,
        cast(null as varchar) as country,
        cast(null as varchar) as email_consent,
        min(occurred_at) as created_at,
        max(occurred_at) as updated_at
    from {{ ref('stg_files__messages') }}
    where source_person_id is not null
    group by source, source_person_id

),

final as (

    select * from profiles
    union all by name
    select * from file_recipients

)

select
    source,
    source_person_id,
    source_customer_id,
    external_id,
    email,
    phone,
    first_name,
    last_name,
    city,
    postal_code,
    country,
    email_consent,
    created_at,
    updated_at
from final
