with hubspot_contacts as (

    select *
    from {{ ref('stg_hubspot__contacts') }}
    where not is_archived

),

hubspot_buying_roles as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        unnest(string_split(buying_roles, ';')) as buying_role
    from hubspot_contacts

),

-- HubSpot's own label Primary marks a person's main company, which is no role there. A link has no date: it is known
-- once both of its ends are.
hubspot_labels as (

    select
        contacts.source,
        contacts.source as id_system,
        companies.source_customer_id,
        contacts.source_person_id,
        links.label
    from {{ ref('stg_hubspot__associations') }} as links
    inner join hubspot_contacts as contacts
        on links.from_id = contacts.source_person_id
    inner join {{ ref('stg_hubspot__companies') }} as companies
        on links.to_id = companies.source_customer_id
    where
        links.from_type = 'contacts'
        and links.to_type = 'companies'
        and lower(links.label) <> 'primary'

),

roles as (

    select
        * exclude (buying_role),
        {{ role_word('buying_role') }} as role
    from hubspot_buying_roles
    union all by name
    select
        * exclude (label),
        {{ role_word('label') }} as role
    from hubspot_labels
    union all by name
    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        role
    from {{ ref('stg_salesforce__contacts') }}
    where not is_deleted
    union all by name
    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        role
    from {{ ref('stg_files__people') }}
    union all by name
    select * from {{ ref('stg_files__contact_roles') }}

)

select
    source,
    id_system,
    source_customer_id,
    source_person_id,
    role,
    valid_from_date,
    -- Of two words for one role that begin together, the one that lasts counts.
    case when count(*) = count(valid_to_date) then max(valid_to_date) end as valid_to_date
from roles
where source_customer_id is not null and role is not null
group by all
