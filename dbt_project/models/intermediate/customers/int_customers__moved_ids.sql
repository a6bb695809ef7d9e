-- Ids that gained or lost records, since the last release, that another id had or nobody has any more.
with known_events as (

    select *
    from {{ ref('int_customers__last_events') }}
    where entity = 'customer'

)

select distinct unnest(list_filter([events.durable_id, events.other_id], id -> id is not null)) as customer_id
from {{ ref('fct_identity_events') }} as events
anti join known_events as last_events
    on
        events.entity = last_events.entity
        and events.durable_id = last_events.durable_id
        and events.event = last_events.event
        and coalesce(events.other_id, '') = coalesce(last_events.other_id, '')
        and events.known_date = last_events.known_date
where
    events.entity = 'customer'
    and events.event in ('merged', 'split', 'reinstated', 'retired', 'reduced')
    -- Where the last release's events can't be read, none is new.
    and (select count(*) from known_events) > 0
