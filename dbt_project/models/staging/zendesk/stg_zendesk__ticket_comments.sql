select
    'zendesk' as source,
    id as source_comment_id,
    ticket_id as source_ticket_id,
    user_id as source_person_id,
    {{ channel_word('via_channel') }} as channel,
    coalesce(public, true) as is_public,
    created as created_at
from {{ known_rows(source('zendesk', 'ticket_comments'), key=['id'], dated_by='created') }}
