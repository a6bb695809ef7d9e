with klaviyo_events as (

    select
        events.source,
        events.event_id,
        events.message_id,
        events.campaign_id,
        events.source_person_id,
        cast(null as varchar) as source_customer_id,
        cast(null as varchar) as email,
        events.event_type,
        coalesce(events.channel, campaigns.channel) as channel,
        events.occurred_at
    from {{ ref('stg_klaviyo__events') }} as events
    left join {{ ref('stg_klaviyo__campaigns') }} as campaigns
        on events.campaign_id = campaigns.campaign_id

),

file_events as (

    select
        source,
        message_id || '/' || event_type as event_id,
        message_id,
        campaign_name as campaign_id,
        source_person_id,
        source_customer_id,
        email,
        event_type,
        channel,
        occurred_at
    from {{ ref('stg_files__messages') }}

),

final as (

    select * from klaviyo_events
    union all by name
    select * from file_events

)

select
    source,
    event_id,
    message_id,
    campaign_id,
    source_person_id,
    source_customer_id,
    email,
    event_type,
    channel,
    occurred_at
from final
