with ordering_customers as (

    select distinct
        source,
        source_customer_id
    from {{ ref('int_commerce__order_lines') }}
    where source_customer_id is not null and line_kind != 'test'

),

-- A record that was merged into another is no customer of its own any more, unless it has orders still.
merged_customers as (

    select
        merged.source,
        merged.merged_id as source_customer_id
    from {{ ref('int_commerce__merges') }} as merged
    anti join ordering_customers
        on
            merged.source = ordering_customers.source
            and merged.merged_id = ordering_customers.source_customer_id
    where merged.entity = 'customer'

),

listed_customers as (

    select
        customers.source,
        customers.source_customer_id,
        customers.customer_name,
        customers.email,
        customers.country,
        customers.signed_up_at
    from {{ ref('int_commerce__customers') }} as customers
    anti join merged_customers
        on
            customers.source = merged_customers.source
            and customers.source_customer_id = merged_customers.source_customer_id
    where
        customers.signed_up_at is null
        or cast(customers.signed_up_at as date)
        <= (select context.as_of_date from {{ ref('int_run__context') }} as context)

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
