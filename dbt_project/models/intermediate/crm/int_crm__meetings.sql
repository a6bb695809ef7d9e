with hubspot_meetings as (

    select *
    from {{ ref('stg_hubspot__engagements') }}
    where engagement_type in ('meeting', 'call')

),

hubspot_companies as (

    select distinct
        links.from_id as source_engagement_id,
        companies.source_customer_id
    from {{ ref('stg_hubspot__associations') }} as links
    inner join {{ ref('stg_hubspot__companies') }} as companies
        on links.to_id = companies.source_customer_id
    where links.from_type = 'engagements' and links.to_type = 'companies'

),

hubspot_first_companies as (

    select
        source_engagement_id,
        min(source_customer_id) as source_customer_id
    from hubspot_companies
    group by source_engagement_id

),

-- A person met stands for the company that they belong to, or else for the one that the meeting is linked to.
hubspot_people as (

    select distinct
        links.from_id as source_engagement_id,
        contacts.source_person_id,
        coalesce(contacts.source_customer_id, companies.source_customer_id) as source_customer_id
    from {{ ref('stg_hubspot__associations') }} as links
    inner join {{ ref('stg_hubspot__contacts') }} as contacts
        on links.to_id = contacts.source_person_id
    left join hubspot_first_companies as companies
        on links.from_id = companies.source_engagement_id
    where links.from_type = 'engagements' and links.to_type = 'contacts'

),

hubspot_parties as (

    select
        source_engagement_id,
        source_customer_id,
        source_person_id
    from hubspot_people
    union all by name
    select
        source_engagement_id,
        source_customer_id
    from hubspot_companies
    where
        (source_engagement_id, source_customer_id) not in (
            select (people.source_engagement_id, people.source_customer_id)
            from hubspot_people as people
        )

),

meetings as (

    select
        meetings.source,
        meetings.source_engagement_id as source_meeting_id,
        meetings.source as id_system,
        parties.source_customer_id,
        parties.source_person_id,
        meetings.source_owner_id,
        meetings.meeting_kind,
        -- Nobody has said yet how a meeting went that was last written down before it took place.
        coalesce(
            meetings.outcome,
            if(meetings.updated_at < meetings.held_at, 'scheduled', 'completed')
        ) as outcome,
        meetings.held_at,
        meetings.updated_at
    from hubspot_meetings as meetings
    left join hubspot_parties as parties
        on meetings.source_engagement_id = parties.source_engagement_id
    union all by name
    select * from {{ ref('stg_files__meetings') }}

)

select
    source,
    source_meeting_id,
    id_system,
    source_customer_id,
    source_person_id,
    source_owner_id,
    meeting_kind,
    outcome,
    held_at,
    updated_at
from meetings
