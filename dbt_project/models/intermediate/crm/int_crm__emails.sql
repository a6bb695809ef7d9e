with emails as (

    select
        source,
        source_engagement_id,
        source_owner_id,
        held_at
    from {{ ref('stg_hubspot__engagements') }}
    where engagement_type = 'email'

),

linked_people as (

    select distinct
        links.from_id as source_engagement_id,
        contacts.source_person_id,
        contacts.source_customer_id
    from {{ ref('stg_hubspot__associations') }} as links
    inner join {{ ref('stg_hubspot__contacts') }} as contacts
        on links.to_id = contacts.source_person_id
    where links.from_type = 'engagements' and links.to_type = 'contacts'

)

select
    emails.source,
    emails.source_engagement_id as source_email_id,
    linked_people.source_customer_id,
    linked_people.source_person_id,
    emails.source_owner_id,
    emails.held_at as sent_at
from emails
inner join linked_people
    on emails.source_engagement_id = linked_people.source_engagement_id
