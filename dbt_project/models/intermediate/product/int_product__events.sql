with segment_events as (

    select
        source,
        event_id,
        source_person_id,
        source_customer_id,
        anonymous_id,
        event_kind,
        event_name,
        properties,
        occurred_at,
        received_at
    from {{ ref('stg_segment__events') }}
    where event_kind in ('track', 'page', 'screen')

),

file_events as (

    select
        source,
        event_id,
        source_person_id,
        source_customer_id,
        anonymous_id,
        'track' as event_kind,
        event_name,
        properties,
        occurred_at,
        cast(null as timestamp) as received_at
    from {{ ref('stg_files__usage_events') }}

),

final as (

    select * from segment_events
    union all by name
    select * from file_events

)

select
    source,
    event_id,
    source_person_id,
    source_customer_id,
    anonymous_id,
    event_kind,
    event_name,
    properties,
    occurred_at,
    received_at
from final
