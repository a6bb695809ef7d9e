{{ config(materialized='view') }}

with file_customers as (

    select
        source,
        source_customer_id,
        customer_name,
        email,
        phone,
        address,
        city,
        postal_code,
        country,
        birth_date,
        cast(null as boolean) as has_marketing_consent,
        signed_up_at,
        updated_at
    from {{ ref('stg_files__customers') }}

),

shopify_customers as (

    select
        source,
        source_customer_id,
        nullif(concat_ws(' ', first_name, last_name), '') as customer_name,
        email,
        phone,
        address,
        city,
        postal_code,
        country,
        cast(null as date) as birth_date,
        has_marketing_consent,
        created_at as signed_up_at,
        updated_at
    from {{ ref('stg_shopify__customers') }}

),

final as (

    select * from file_customers
    union all by name
    select * from shopify_customers

)

select
    source,
    source_customer_id,
    customer_name,
    email,
    phone,
    address,
    city,
    postal_code,
    country,
    has_marketing_consent,
    birth_date,
    signed_up_at,
    updated_at
from final
