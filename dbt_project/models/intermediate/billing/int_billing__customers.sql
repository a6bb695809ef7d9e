with named_on_documents as (

    select
        source,
        source_customer_id
    from {{ ref('stg_stripe__subscription_versions') }}
    union
    select
        source,
        source_customer_id
    from {{ ref('stg_stripe__invoices') }}
    union
    select
        source,
        source_customer_id
    from {{ ref('stg_files__subscription_versions') }}
    union
    select
        source,
        source_customer_id
    from {{ ref('stg_files__invoices') }}

),

customers as (

    select
        *,
        true as is_listed
    from {{ ref('stg_stripe__customers') }}
    union all by name
    select
        *,
        false as is_listed
    from named_on_documents
    where
        (source, source_customer_id) not in (
            select (listed.source, listed.source_customer_id)
            from {{ ref('stg_stripe__customers') }} as listed
        )

)

select
    source,
    source_customer_id,
    external_id,
    customer_name,
    email,
    phone,
    address,
    city,
    postal_code,
    country,
    tax_id,
    currency,
    is_delinquent,
    is_listed,
    created_at,
    updated_at
from customers
