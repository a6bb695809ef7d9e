with people as (

    select
        'person' as entity,
        records.source,
        records.list_kind,
        records.source_record_id,
        clusters.cluster_id,
        records.first_seen_at
    from {{ ref('int_customers__person_records') }} as records
    inner join {{ ref('int_customers__person_clusters') }} as clusters
        on records.source || '/' || records.list_kind || '/' || records.source_record_id = clusters.record_id

),

companies as (

    select
        'customer' as entity,
        records.source,
        'customer' as list_kind,
        records.source_record_id,
        clusters.cluster_id,
        records.first_seen_at
    from {{ ref('int_customers__company_records') }} as records
    inner join {{ ref('int_customers__company_clusters') }} as clusters
        on records.source || '/customer/' || records.source_record_id = clusters.record_id

),

-- Of a consumer, what the shop and the loyalty programme have is the customer; the person has other records too.
consumers as (

    select * replace ('customer' as entity)
    from people
    where list_kind = 'customer'

),

final as (

    select * from people
    union all by name
    select * from companies
    union all by name
    select * from consumers

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    cluster_id,
    first_seen_at
from final
