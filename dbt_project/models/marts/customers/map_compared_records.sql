with companies as (

    select
        'customer' as entity,
        record_id,
        source,
        duplicate_free_list,
        name as full_name,
        domain,
        email,
        phone,
        tax_id as authority_number,
        address,
        city,
        postal_code
    from {{ ref('int_customers__compared_companies') }}

),

people as (

    select
        'person' as entity,
        record_id,
        source,
        duplicate_free_list,
        full_name,
        first_name,
        last_name,
        email_canonical as email,
        phone,
        national_id as authority_number,
        birth_date,
        address,
        city,
        postal_code,
        region
    from {{ ref('int_customers__compared_people') }}

),

final as (

    select * from companies
    union all by name
    select * from people

)

select
    entity,
    record_id,
    source,
    duplicate_free_list,
    full_name,
    first_name,
    last_name,
    email,
    phone,
    domain,
    authority_number,
    birth_date,
    address,
    city,
    postal_code,
    region
from final
