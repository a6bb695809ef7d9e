with segments as (

    select *
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null

)

select
    segments.customer_id as followed_id,
    customers.customer_id,
    segments.dimension,
    segments.segment
from segments
left join {{ ref('dim_customers') }} as customers
    on segments.customer_id = customers.customer_id
