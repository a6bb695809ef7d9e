with ordering_customers as (

    select distinct
        source,
        source_customer_id
    from {{ ref('int_commerce__order_lines') }}
    where source_customer_id is not null

),

listed_customers as (

    select
        source,
        source_customer_id,
        customer_name,
        email,
        country,
        signed_up_at
    from {{ ref('stg_files__customers') }}
    where
        signed_up_at is null
        or cast(signed_up_at as date) <= (select context.as_of_date from {{ ref('int_run__context') }} as context)

),

final as (

    select
        source,
        source_customer_id,
        listed_customers.customer_name,
        listed_customers.email,
        listed_customers.country,
        listed_customers.signed_up_at
    from ordering_customers
    full join listed_customers using (source, source_customer_id)

)

select
    source,
    source_customer_id,
    customer_name,
    email,
    country,
    signed_up_at
from final
