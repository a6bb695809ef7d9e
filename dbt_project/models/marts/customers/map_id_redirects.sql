with recursive last_events as (

    select
        entity,
        durable_id,
        arg_max(event, event_number) as event,
        arg_max(struct_pack(id := other_id), event_number).id as other_id
    from {{ ref('fct_identity_events') }}
    where event in ('created', 'reinstated', 'merged', 'retired')
    group by entity, durable_id

),

-- From the ids that stand for themselves to those that were merged into them, and so on. An id is merged into one that
-- outlives it, so no chain of merges comes back to where it began.
redirects as (

    select
        entity,
        durable_id,
        if(event = 'retired', null, durable_id) as current_id
    from last_events
    where event != 'merged'
    union all
    select
        last_events.entity,
        last_events.durable_id,
        redirects.current_id
    from last_events
    inner join redirects
        on
            last_events.entity = redirects.entity
            and last_events.other_id = redirects.durable_id
    where last_events.event = 'merged'

)

select
    entity,
    durable_id,
    current_id
from redirects
