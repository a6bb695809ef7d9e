with company_edges as (

    select
        'customer' as entity,
        *
    from {{ ref('int_customers__company_edges') }}

),

person_edges as (

    select
        'person' as entity,
        *
    from {{ ref('int_customers__person_edges') }}

),

edges as (

    select * from company_edges
    union all by name
    select * from person_edges

),

records as (

    select
        entity,
        source || '/' || list_kind || '/' || source_record_id as record_id,
        first_seen_at
    from {{ ref('int_customers__clusters') }}

),

-- greatest() would take the one date that is known for both.
final as (

    select
        edges.*,
        case
            when one.first_seen_at is not null and other.first_seen_at is not null
                then cast(greatest(one.first_seen_at, other.first_seen_at) as date)
        end as valid_from_date
    from edges
    left join records as one on edges.entity = one.entity and edges.record_id_l = one.record_id
    left join records as other on edges.entity = other.entity and edges.record_id_r = other.record_id

)

select
    entity,
    record_id_l,
    record_id_r,
    rule,
    tier,
    confidence,
    match_weight,
    is_kept,
    reason,
    valid_from_date
from final
