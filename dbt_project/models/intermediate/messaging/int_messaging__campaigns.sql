with listed_campaigns as (

    select
        source,
        campaign_id,
        campaign_name,
        campaign_kind,
        channel,
        created_at
    from {{ ref('stg_klaviyo__campaigns') }}

),

-- Files list no campaigns: those that messages name; a name is its own id.
file_campaigns as (

    select
        source,
        campaign_name as campaign_id,
        campaign_name,
        cast(null as varchar) as campaign_kind,
        case when min(channel) = max(channel) then min(channel) end as channel,
        min(occurred_at) as created_at
    from {{ ref('stg_files__messages') }}
    where campaign_name is not null
    group by source, campaign_name

),

final as (

    select * from listed_campaigns
    union all by name
    select * from file_campaigns

)

select
    source,
    campaign_id,
    campaign_name,
    campaign_kind,
    channel,
    created_at
from final
