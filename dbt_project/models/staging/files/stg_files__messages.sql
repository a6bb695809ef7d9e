select
    'files' as source,
    message_id,
    person_id as source_person_id,
    customer_id as source_customer_id,
    email,
    campaign as campaign_name,
    event_type,
    {{ channel_word('channel') }} as channel,
    occurred_at
from {{ known_rows(source('files', 'messages'), key=['message_id', 'event_type'], dated_by='occurred_at') }}
