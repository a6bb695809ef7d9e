with context as (

    select *
    from {{ ref('int_run__context') }}

),

roles as (

    select
        record_ids.durable_id as customer_id,
        roles.role,
        roles.source as told_by,
        roles.id_system as source,
        roles.source_customer_id,
        roles.source_person_id,
        roles.valid_from_date,
        roles.valid_to_date,
        roles.valid_from_date is not null or roles.valid_to_date is not null as is_dated
    from {{ ref('int_crm__customer_roles') }} as roles
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            roles.id_system = record_ids.source
            and roles.source_customer_id = record_ids.source_record_id
            and record_ids.entity = 'customer'
            and record_ids.list_kind = 'customer'
    cross join context
    where
        roles.role in ('executive_sponsor', 'primary_contact')
        and coalesce(roles.valid_from_date <= context.as_of_date, true)

),

-- Who says since and until when knows better than who only says who.
current_roles as (

    select roles.*
    from roles
    cross join context
    where
        coalesce(roles.valid_to_date >= context.as_of_date, true)
        and (
            roles.is_dated
            or (roles.customer_id, roles.role, roles.source, roles.source_person_id) not in (
                select (dated.customer_id, dated.role, dated.source, dated.source_person_id)
                from roles as dated
                where dated.is_dated
            )
        )

)

select
    current_roles.customer_id,
    current_roles.role,
    current_roles.told_by,
    current_roles.source,
    current_roles.source_person_id,
    person_ids.durable_id as person_id,
    current_roles.valid_from_date,
    cast(coalesce(people.updated_at, people.created_at) as date) as as_of_date,
    count(*) over (partition by current_roles.customer_id, current_roles.role) as person_count
from current_roles
left join {{ ref('int_customers__record_ids') }} as person_ids
    on
        current_roles.source = person_ids.source
        and current_roles.source_person_id = person_ids.source_record_id
        and person_ids.entity = 'person'
        and person_ids.list_kind = 'person'
left join {{ ref('int_crm__people') }} as people
    on
        current_roles.source = people.source
        and current_roles.source_person_id = people.source_person_id
qualify
    row_number() over (
        partition by current_roles.customer_id, current_roles.role
        order by
            current_roles.is_dated desc,
            current_roles.valid_from_date desc nulls last,
            current_roles.source asc,
            current_roles.source_person_id asc
    ) = 1
