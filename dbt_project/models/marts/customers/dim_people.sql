with records as (

    select
        record_ids.durable_id as person_id,
        count(*) as record_count,
        count(distinct records.source) as source_count,
        cast(min(records.first_seen_at) as date) as first_seen_date
    from {{ ref('int_customers__person_records') }} as records
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            record_ids.entity = 'person'
            and records.source = record_ids.source
            and records.list_kind = record_ids.list_kind
            and records.source_record_id = record_ids.source_record_id
    group by record_ids.durable_id

),

fields as (

    select
        person_id,
        max(value) filter (where field = 'full_name') as full_name,
        max(value) filter (where field = 'first_name') as first_name,
        max(value) filter (where field = 'last_name') as last_name,
        max(value) filter (where field = 'email') as email,
        max(value) filter (where field = 'phone') as phone,
        max(value) filter (where field = 'country') as country,
        max(value) filter (where field = 'job_title') as job_title,
        cast(max(value) filter (where field = 'birth_date') as date) as birth_date,
        max(source) filter (where field = 'full_name') as full_name_source,
        max(source) filter (where field = 'email') as email_source,
        max(source) filter (where field = 'phone') as phone_source
    from {{ ref('int_customers__person_values') }}
    where survival_rank = 1
    group by person_id

),

roles as (

    select
        person_id,
        bool_or(role = 'buyer') as is_consumer,
        bool_or(role <> 'buyer') as is_contact
    from {{ ref('int_customers__person_roles') }}
    group by person_id

),

contacts as (

    select
        person_id,
        cast(max(contacted_at) filter (where is_personal) as date) as last_contact_date
    from {{ ref('int_customers__contacts') }}
    group by person_id

)

select
    records.person_id,
    fields.full_name,
    fields.first_name,
    fields.last_name,
    fields.email,
    fields.phone,
    fields.country,
    fields.job_title,
    households.household_id,
    fields.full_name_source,
    fields.email_source,
    fields.phone_source,
    records.record_count,
    records.source_count,
    coalesce(roles.is_consumer, false) as is_consumer,
    coalesce(roles.is_contact, false) as is_contact,
    consents.has_marketing_consent,
    consents.is_suppressed,
    fields.birth_date,
    records.first_seen_date,
    contacts.last_contact_date
from records
left join fields
    on records.person_id = fields.person_id
left join roles
    on records.person_id = roles.person_id
left join contacts
    on records.person_id = contacts.person_id
left join {{ ref('int_customers__households') }} as households
    on records.person_id = households.person_id
left join {{ ref('int_customers__consents') }} as consents
    on records.person_id = consents.person_id
