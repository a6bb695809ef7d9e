select
    'hubspot' as source,
    id as source_engagement_id,
    hubspot_owner_id as source_owner_id,
    lower(type) as engagement_type,
    {{ meeting_kind_word('hs_activity_type') }} as meeting_kind,
    -- A meeting that was moved did not take place when it says.
    case lower(hs_meeting_outcome)
        when 'rescheduled' then 'canceled'
        else lower(hs_meeting_outcome)
    end as outcome,
    hs_timestamp as held_at,
    hs_lastmodifieddate as updated_at
from {{ known_rows(source('hubspot', 'engagements'), key=['id'], dated_by='hs_timestamp') }}
where archived is not true
