with ledger as (

    select ledger.*
    from {{ ref('int_customers__ledger') }} as ledger
    inner join {{ ref('int_run__context') }} as context
        on ledger.known_date <= context.as_of_date

),

named_rows as (

    select
        *,
        struct_pack(entity, source, list_kind, source_record_id) as record
    from ledger

),

following_rows as (

    select
        *,
        lag(known_date) over (order by known_date, ledger_number) as earlier_date,
        lag(record) over (order by known_date, ledger_number) as earlier_record
    from named_rows

),

-- A run writes each record once, in order: where the order begins anew, another run of the same day wrote.
stepped_rows as (

    select
        *,
        coalesce(known_date != earlier_date or record <= earlier_record, true) as is_new_step
    from following_rows

),

numbered_rows as (

    select
        *,
        cast(sum(if(is_new_step, 1, 0)) over (order by known_date, ledger_number) as bigint) as step_number
    from stepped_rows

),

changes as (

    select
        entity,
        step_number,
        known_date,
        cause,
        lag(durable_id) over (
            partition by entity, source, list_kind, source_record_id
            order by step_number
        ) as from_id,
        durable_id as to_id
    from numbered_rows

),

moves as (

    select
        entity,
        step_number,
        known_date,
        from_id,
        to_id,
        -- A reason of our own tells more than that data changed as well.
        coalesce(min(cause) filter (where cause != 'data'), 'data') as cause,
        count(*) as record_count
    from changes
    where from_id is distinct from to_id
    group by entity, step_number, known_date, from_id, to_id

),

differences as (

    select
        entity,
        step_number,
        from_id as durable_id,
        -record_count as difference
    from moves
    where from_id is not null
    union all
    select
        entity,
        step_number,
        to_id as durable_id,
        record_count as difference
    from moves
    where to_id is not null

),

step_differences as (

    select
        entity,
        step_number,
        durable_id,
        sum(difference) as difference
    from differences
    group by entity, step_number, durable_id

),

sizes as (

    select
        entity,
        step_number,
        durable_id,
        cast(sum(difference) over id_history as bigint) as size_after,
        cast(sum(difference) over id_history - difference as bigint) as size_before,
        row_number() over id_history = 1 as is_first
    from step_differences
    window id_history as (partition by entity, durable_id order by step_number)

),

final as (

    select
        moves.step_number,
        moves.entity,
        moves.from_id,
        moves.to_id,
        moves.cause,
        moves.record_count,
        sizes_from.size_before as from_size_before,
        sizes_from.size_after as from_size_after,
        sizes_to.size_before as to_size_before,
        sizes_to.size_after as to_size_after,
        coalesce(sizes_to.is_first, false) as is_first_of_to,
        moves.known_date
    from moves
    left join sizes as sizes_from
        on
            moves.entity = sizes_from.entity
            and moves.step_number = sizes_from.step_number
            and moves.from_id = sizes_from.durable_id
    left join sizes as sizes_to
        on
            moves.entity = sizes_to.entity
            and moves.step_number = sizes_to.step_number
            and moves.to_id = sizes_to.durable_id

)

select
    step_number,
    entity,
    from_id,
    to_id,
    cause,
    record_count,
    from_size_before,
    from_size_after,
    to_size_before,
    to_size_after,
    is_first_of_to,
    known_date
from final
