-- Few calls say anything new, so what repeats is put together before the traits are read.
with segment_calls as (

    select
        source,
        event_kind,
        source_person_id,
        source_customer_id,
        anonymous_id,
        traits,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from {{ ref('stg_segment__events') }}
    where event_kind in ('identify', 'group')
    group by all

),

segment_traits as (

    select
        *,
        {{ json_text('traits', 'email') }} as email,
        {{ json_text('traits', 'name') }} as name,
        {{ json_text('traits', 'firstName') }} as first_name,
        {{ json_text('traits', 'lastName') }} as last_name
    from segment_calls

),

-- The name in an identify call is the person's, in a group call the company's.
named_calls as (

    select
        source,
        source_person_id,
        source_customer_id,
        anonymous_id,
        email,
        case when event_kind = 'identify' then coalesce(name, nullif(concat_ws(' ', first_name, last_name), '')) end
            as full_name,
        case when event_kind = 'group' then name end as customer_name,
        first_seen_at,
        last_seen_at
    from segment_traits

),

file_events as (

    select
        source,
        source_person_id,
        source_customer_id,
        anonymous_id,
        cast(null as varchar) as email,
        cast(null as varchar) as full_name,
        cast(null as varchar) as customer_name,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from {{ ref('stg_files__usage_events') }}
    where source_person_id is not null or source_customer_id is not null
    group by all

),

all_sightings as (

    select * from named_calls
    union all by name
    select * from file_events

),

final as (

    select
        source,
        source_person_id,
        source_customer_id,
        anonymous_id,
        email,
        full_name,
        customer_name,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from all_sightings
    group by all

)

select
    source,
    source_person_id,
    source_customer_id,
    anonymous_id,
    email,
    full_name,
    customer_name,
    first_seen_at,
    last_seen_at
from final
