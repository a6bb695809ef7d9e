with ledger as (

    select ledger.*
    from {{ ref('int_customers__ledger') }} as ledger
    inner join {{ ref('int_run__context') }} as context
        on ledger.known_date <= context.as_of_date

),

-- Of several changes on a day the last one counts for the day.
days as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        known_date,
        arg_max(struct_pack(id := durable_id), ledger_number).id as durable_id
    from ledger
    group by entity, source, list_kind, source_record_id, known_date

),

changes as (

    select *
    from days
    qualify
        durable_id is distinct from lag(durable_id) over (
            partition by entity, source, list_kind, source_record_id
            order by known_date
        )

),

spells as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        durable_id,
        known_date as valid_from_date,
        lead(known_date) over (
            partition by entity, source, list_kind, source_record_id
            order by known_date
        ) as valid_to_date
    from changes

),

final as (

    select *
    from spells
    where durable_id is not null

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    valid_from_date,
    valid_to_date
from final
