select
    'klaviyo' as source,
    id as event_id,
    profile_id as source_person_id,
    campaign_id,
    message_id,
    case
        when metric_name in ('Received Email', 'Received SMS') then 'sent'
        when metric_name = 'Opened Email' then 'opened'
        when metric_name in ('Clicked Email', 'Clicked SMS') then 'clicked'
        when metric_name = 'Bounced Email' then 'bounced'
        when metric_name = 'Unsubscribed' then 'unsubscribed'
        when metric_name = 'Marked Email as Spam' then 'complained'
    end as event_type,
    case
        when contains(metric_name, 'Email') then 'email'
        when contains(metric_name, 'SMS') then 'sms'
    end as channel,
    datetime as occurred_at
from {{ known_rows(source('klaviyo', 'events'), key=['id'], dated_by='datetime') }}
