with moves as (

    select *
    from {{ ref('int_customers__id_moves') }}

),

-- An id whose records all left, some of them to others, lives on in the one that got most of them.
merged as (

    select
        step_number,
        entity,
        from_id,
        to_id
    from moves
    where from_size_after = 0 and to_id is not null
    qualify row_number() over (partition by step_number, entity, from_id order by record_count desc, to_id asc) = 1

),

begun as (

    select
        step_number,
        entity,
        to_id as durable_id,
        if(bool_or(is_first_of_to), 'created', 'reinstated') as event,
        cast(null as varchar) as other_id,
        max(to_size_after) as record_count,
        coalesce(min(cause) filter (where cause != 'data'), 'data') as cause,
        known_date
    from moves
    where to_size_before = 0 and to_size_after > 0
    group by step_number, entity, to_id, known_date

),

extended as (

    select
        step_number,
        entity,
        to_id as durable_id,
        'extended' as event,
        cast(null as varchar) as other_id,
        record_count,
        cause,
        known_date
    from moves
    where from_id is null and to_size_before > 0

),

moved as (

    select
        moves.step_number,
        moves.entity,
        if(merged.to_id is null, moves.to_id, moves.from_id) as durable_id,
        if(merged.to_id is null, 'split', 'merged') as event,
        if(merged.to_id is null, moves.from_id, moves.to_id) as other_id,
        moves.record_count,
        moves.cause,
        moves.known_date
    from moves
    left join merged
        on
            moves.step_number = merged.step_number
            and moves.entity = merged.entity
            and moves.from_id = merged.from_id
            and moves.to_id = merged.to_id
    where moves.from_id is not null and moves.to_id is not null

),

gone as (

    select
        moves.step_number,
        moves.entity,
        moves.from_id as durable_id,
        if(moves.from_size_after = 0 and merged.to_id is null, 'retired', 'reduced') as event,
        cast(null as varchar) as other_id,
        moves.record_count,
        moves.cause,
        moves.known_date
    from moves
    left join merged
        on
            moves.step_number = merged.step_number
            and moves.entity = merged.entity
            and moves.from_id = merged.from_id
    where moves.to_id is null

),

events as (

    select *
    from begun
    union all by name
    select *
    from extended
    union all by name
    select *
    from moved
    union all by name
    select *
    from gone

),

final as (

    select
        row_number() over (
            order by
                step_number,
                -- What begins goes before what refers to it.
                if(event in ('created', 'reinstated'), 0, 1),
                entity,
                durable_id,
                event,
                other_id
        ) as event_number,
        *
    from events

)

select
    event_number,
    entity,
    durable_id,
    event,
    other_id,
    record_count,
    cause,
    known_date
from final
