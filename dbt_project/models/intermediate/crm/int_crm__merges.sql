with hubspot_customers as (

    select
        source,
        'customer' as entity,
        trim(unnest(string_split(merged_customer_ids, ';'))) as merged_id,
        source_customer_id as kept_id,
        updated_at as known_at
    from {{ ref('stg_hubspot__companies') }}

),

hubspot_people as (

    select
        source,
        'person' as entity,
        trim(unnest(string_split(merged_person_ids, ';'))) as merged_id,
        source_person_id as kept_id,
        updated_at as known_at
    from {{ ref('stg_hubspot__contacts') }}

),

salesforce_customers as (

    select
        source,
        'customer' as entity,
        source_customer_id as merged_id,
        source_merged_into_customer_id as kept_id,
        updated_at as known_at
    from {{ ref('stg_salesforce__accounts') }}

),

salesforce_people as (

    select
        source,
        'person' as entity,
        source_person_id as merged_id,
        source_merged_into_person_id as kept_id,
        updated_at as known_at
    from {{ ref('stg_salesforce__contacts') }}

),

merge_records as (

    select * from hubspot_customers
    union all by name
    select * from hubspot_people
    union all by name
    select * from salesforce_customers
    union all by name
    select * from salesforce_people

)

select
    source,
    entity,
    merged_id,
    kept_id,
    min(known_at) as known_at
from merge_records
where merged_id <> '' and merged_id <> kept_id
group by all
