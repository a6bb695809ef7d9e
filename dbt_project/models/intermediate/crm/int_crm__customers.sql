with customers as (

    select
        *,
        is_archived as is_deleted
    from {{ ref('stg_hubspot__companies') }}
    union all by name
    select * from {{ ref('stg_salesforce__accounts') }}
    union all by name
    select
        *,
        false as is_deleted,
        signed_up_at as created_at
    from {{ ref('stg_files__customers') }}

)

select
    source,
    source_customer_id,
    source_parent_customer_id,
    source_owner_id,
    customer_name,
    email,
    domain,
    phone,
    address,
    city,
    postal_code,
    country,
    industry,
    tax_id,
    segment,
    plan,
    crm_status,
    sentiment,
    employee_count,
    is_deleted,
    birth_date,
    renewal_date,
    created_at,
    updated_at
from customers
