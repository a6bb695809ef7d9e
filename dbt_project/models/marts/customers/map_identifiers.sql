with identifiers as (

    select *
    from {{ ref('int_customers__identifiers') }}

),

generic as (

    select *
    from {{ ref('int_customers__generic_identifiers') }}

)

select
    if(identifiers.entity = 'company', 'customer', 'person') as entity,
    identifiers.source,
    identifiers.list_kind,
    identifiers.source_record_id,
    identifiers.record_id,
    identifiers.id_type,
    identifiers.id_value,
    identifiers.raw_value,
    identifiers.first_seen_at,
    identifiers.last_seen_at,
    generic.reason is not null as is_demoted,
    generic.reason as demotion_reason
from identifiers
left join generic
    on
        identifiers.entity = generic.entity
        and identifiers.id_type = generic.id_type
        and identifiers.id_value = generic.id_value
