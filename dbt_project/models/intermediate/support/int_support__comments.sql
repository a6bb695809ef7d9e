select
    comments.source,
    comments.source_comment_id,
    comments.source_ticket_id,
    comments.source_person_id,
    comments.channel,
    comments.is_public,
    coalesce(users.user_kind in ('agent', 'admin'), false) as is_by_agent,
    comments.created_at
from {{ ref('stg_zendesk__ticket_comments') }} as comments
left join {{ ref('stg_zendesk__users') }} as users
    on comments.source_person_id = users.source_person_id
