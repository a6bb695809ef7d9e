with comments as (

    select * from {{ ref('int_support__comments') }}

),

zendesk_tickets as (

    select
        tickets.* replace (coalesce(tickets.source_customer_id, users.source_customer_id) as source_customer_id),
        users.email as requester_email
    from {{ ref('stg_zendesk__tickets') }} as tickets
    left join {{ ref('stg_zendesk__users') }} as users
        on tickets.source_person_id = users.source_person_id

),

-- The comment that opens a ticket is no reply to it, even where an agent wrote it down for somebody.
zendesk_replies as (

    select
        comments.source_ticket_id,
        min(comments.created_at) as first_replied_at,
        count(*) as agent_reply_count
    from comments
    inner join zendesk_tickets as tickets
        on
            comments.source = tickets.source
            and comments.source_ticket_id = tickets.source_ticket_id
    where
        comments.is_by_agent
        and comments.is_public
        and comments.created_at > tickets.created_at
        and comments.source_person_id is distinct from tickets.source_person_id
    group by comments.source_ticket_id

),

zendesk_status_changes as (

    select
        source_ticket_id,
        new_value,
        lag(new_value) over (partition by source_ticket_id order by changed_at) as old_value
    from {{ ref('stg_zendesk__ticket_field_history') }}
    where field = 'status'

),

zendesk_reopenings as (

    select
        source_ticket_id,
        count(*) as reopen_count
    from zendesk_status_changes
    where old_value = 'solved' and new_value in ('new', 'open', 'pending', 'hold')
    group by source_ticket_id

),

zendesk_breaches as (

    select distinct source_ticket_id
    from {{ ref('stg_zendesk__sla_events') }}
    where event_type = 'breach'

),

zendesk_targets as (

    select distinct source_ticket_id
    from {{ ref('stg_zendesk__sla_events') }}

),

tickets as (

    select
        tickets.*,
        coalesce(reopenings.reopen_count, 0) as reopen_count,
        coalesce(replies.agent_reply_count, 0) as agent_reply_count,
        replies.first_replied_at,
        case when targets.source_ticket_id is not null then breaches.source_ticket_id is not null end
            as is_sla_breached
    from zendesk_tickets as tickets
    left join zendesk_replies as replies
        on tickets.source_ticket_id = replies.source_ticket_id
    left join zendesk_reopenings as reopenings
        on tickets.source_ticket_id = reopenings.source_ticket_id
    left join zendesk_targets as targets
        on tickets.source_ticket_id = targets.source_ticket_id
    left join zendesk_breaches as breaches
        on tickets.source_ticket_id = breaches.source_ticket_id
    union all by name
    select
        *,
        false as is_deleted
    from {{ ref('stg_files__tickets') }}

)

select
    source,
    source_ticket_id,
    source_customer_id,
    source_person_id,
    source_agent_id,
    requester_email,
    channel,
    status,
    priority,
    ticket_kind,
    category,
    tags,
    reopen_count,
    agent_reply_count,
    is_escalated,
    is_sla_breached,
    is_deleted,
    created_at,
    first_replied_at,
    solved_at,
    updated_at
from tickets
