with meetings as (

    select
        source,
        id_system,
        source_customer_id,
        source_person_id,
        source_meeting_id as source_record_id,
        source_meeting_id as source_event_id,
        'meeting' as channel,
        if(outcome = 'completed', 'both', 'outbound') as direction,
        if(outcome = 'completed', 'meeting held', 'meeting missed') as kind,
        meeting_kind as subject,
        outcome as status,
        held_at as contacted_at
    from {{ ref('int_crm__meetings') }}
    where outcome in ('completed', 'no_show')

),

emails as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        source_email_id as source_record_id,
        source_email_id as source_event_id,
        'email' as channel,
        'both' as direction,
        'email' as kind,
        sent_at as contacted_at
    from {{ ref('int_crm__emails') }}

),

tickets as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        source_ticket_id as source_record_id,
        source_ticket_id as source_event_id,
        coalesce(channel, 'other') as channel,
        'inbound' as direction,
        'ticket opened' as kind,
        category as subject,
        status,
        coalesce(status not in ('solved', 'closed'), false) as is_open_conversation,
        created_at as contacted_at
    from {{ ref('int_support__tickets') }}
    where not is_deleted

),

-- What the team notes for itself reaches nobody; what opens a ticket is the ticket; a reply goes to who asked.
comments as (

    select
        comments.source,
        comments.source as id_system,
        tickets.source_customer_id,
        if(comments.is_by_agent, tickets.source_person_id, comments.source_person_id) as source_person_id,
        comments.source_ticket_id as source_record_id,
        comments.source_comment_id as source_event_id,
        coalesce(comments.channel, tickets.channel) as channel,
        if(comments.is_by_agent, 'outbound', 'inbound') as direction,
        if(comments.is_by_agent, 'ticket reply', 'ticket comment') as kind,
        tickets.subject,
        tickets.status,
        tickets.is_open_conversation,
        comments.created_at as contacted_at
    from {{ ref('int_support__comments') }} as comments
    inner join tickets
        on
            comments.source = tickets.source
            and comments.source_ticket_id = tickets.source_record_id
    where comments.is_public and comments.created_at > tickets.contacted_at

),

-- Whether a message was opened, mail programs say more often than people.
messages as (

    select
        events.source,
        events.source as id_system,
        events.source_customer_id,
        events.source_person_id,
        events.message_id as source_record_id,
        events.event_id as source_event_id,
        coalesce(events.channel, 'other') as channel,
        if(events.event_type = 'sent', 'outbound', 'inbound') as direction,
        'message ' || events.event_type as kind,
        campaigns.campaign_name as subject,
        events.occurred_at as contacted_at
    from {{ ref('int_messaging__events') }} as events
    left join {{ ref('int_messaging__campaigns') }} as campaigns
        on
            events.source = campaigns.source
            and events.campaign_id = campaigns.campaign_id
    cross join {{ ref('int_run__context') }} as context
    where
        events.event_type in ('clicked', 'replied')
        or (
            events.event_type = 'sent'
            and events.occurred_at >= context.as_of_date - interval ({{ var('mailing_contact_days') }}) day
        )

),

invitations as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        invitation_id as source_record_id,
        invitation_id as source_event_id,
        'survey' as channel,
        'outbound' as direction,
        'survey sent' as kind,
        survey_type as subject,
        sent_at as contacted_at
    from {{ ref('int_feedback__invitations') }}

),

responses as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        response_id as source_record_id,
        response_id as source_event_id,
        'survey' as channel,
        'inbound' as direction,
        'survey answered' as kind,
        survey_type as subject,
        nps_class as status,
        responded_at as contacted_at
    from {{ ref('int_feedback__responses') }}

),

contacts as (

    select * from meetings
    union all by name
    select * from emails
    union all by name
    select * from tickets
    union all by name
    select * from comments
    union all by name
    select * from messages
    union all by name
    select * from invitations
    union all by name
    select * from responses

),

known_ids as (

    select * from {{ ref('int_customers__record_ids') }}

),

-- Who belongs to one customer alone speaks for it, also where the contact doesn't say so.
only_customers as (

    select
        person_id,
        min(customer_id) as customer_id
    from {{ ref('int_customers__person_roles') }}
    group by person_id
    having count(distinct customer_id) = 1

),

resolved as (

    select
        people.durable_id as person_id,
        coalesce(customers.durable_id, only_customers.customer_id) as customer_id,
        contacts.source,
        contacts.source_record_id,
        contacts.source_event_id,
        contacts.channel,
        contacts.direction,
        contacts.kind,
        contacts.subject,
        contacts.status,
        coalesce(contacts.is_open_conversation, false) as is_open_conversation,
        contacts.contacted_at
    from contacts
    cross join {{ ref('int_run__context') }} as context
    -- A contact that names a customer alone is of a person where the customer is one.
    inner join known_ids as people
        on
            people.entity = 'person'
            and people.list_kind = if(contacts.source_person_id is null, 'customer', 'person')
            and contacts.id_system = people.source
            and coalesce(contacts.source_person_id, contacts.source_customer_id) = people.source_record_id
    left join known_ids as customers
        on
            customers.entity = 'customer'
            and customers.list_kind = 'customer'
            and contacts.id_system = customers.source
            and contacts.source_customer_id = customers.source_record_id
    left join only_customers
        on people.durable_id = only_customers.person_id
    where cast(contacts.contacted_at as date) <= context.as_of_date

)

-- Two records of one person at one meeting are one contact.
select
    person_id,
    customer_id,
    source,
    source_record_id,
    source_event_id,
    channel,
    direction,
    kind,
    subject,
    status,
    is_open_conversation,
    kind not in ('message sent', 'survey sent', 'meeting missed') as is_personal,
    contacted_at
from resolved
group by all
