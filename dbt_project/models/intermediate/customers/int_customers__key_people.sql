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
    customer_id,
    role,
    told_by,
    source,
    source_person_id,
    valid_from_date,
    count(*) over (partition by customer_id, role) as person_count
from current_roles
qualify
    row_number() over (
        partition by customer_id, role
        order by is_dated desc, valid_from_date desc nulls last, source asc, source_person_id asc
    ) = 1
