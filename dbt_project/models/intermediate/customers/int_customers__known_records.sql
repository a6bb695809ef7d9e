with ledger as (

    select
        ledger.*,
        ledger.known_date <= context.as_of_date as is_of_the_past,
        row(ledger.known_date, ledger.ledger_number) as place
    from {{ ref('int_customers__known_ledger') }} as ledger
    cross join {{ ref('int_run__context') }} as context

),

final as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        -- A plain arg_max would pass over the rows without an id, which say that the record is gone.
        arg_max(struct_pack(id := durable_id), place) filter (where is_of_the_past).id as durable_id,
        -- A run for a day before the record was met gives it the id that it is going to have, not one more.
        coalesce(
            arg_max(durable_id, place) filter (where is_of_the_past),
            arg_min(durable_id, place) filter (where not is_of_the_past)
        ) as last_durable_id,
        count(*) as change_count,
        min(ledger_number) as first_ledger_number
    from ledger
    group by entity, source, list_kind, source_record_id

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    last_durable_id,
    change_count,
    first_ledger_number
from final
