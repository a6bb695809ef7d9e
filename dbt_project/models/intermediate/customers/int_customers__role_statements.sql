with crm_people as (

    select * from {{ ref('int_crm__people') }}

),

-- What a merged record says, the kept one says.
crm_merges as (

    select
        source,
        merged_id
    from {{ ref('int_crm__merges') }}
    where entity = 'person'

),

crm_roles as (

    select
        roles.source,
        roles.id_system,
        roles.source_customer_id,
        roles.source_person_id,
        roles.role,
        'crm role' as evidence,
        roles.valid_from_date is not null or roles.valid_to_date is not null as is_dated,
        coalesce(roles.valid_from_date, cast(people.created_at as date)) as valid_from_date,
        cast(roles.valid_to_date + interval 1 day as date) as valid_to_date
    from {{ ref('int_crm__customer_roles') }} as roles
    left join crm_people as people
        on
            roles.id_system = people.source
            and roles.source_person_id = people.source_person_id

),

crm_contacts as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        role,
        is_deleted,
        cast(created_at as date) as valid_from_date,
        case when is_deleted then cast(updated_at + interval 1 day as date) end as valid_to_date
    from crm_people
    anti join crm_merges
        on
            crm_people.source = crm_merges.source
            and crm_people.source_person_id = crm_merges.merged_id

),

crm_associations as (

    select
        * exclude (role, is_deleted),
        'contact' as role,
        'crm association' as evidence,
        false as is_dated
    from crm_contacts

),

-- What those in the bin were, nobody else tells.
crm_past_roles as (

    select
        * exclude (is_deleted),
        'crm role' as evidence,
        false as is_dated
    from crm_contacts
    where is_deleted and role is not null

),

product_groups as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        'user' as role,
        'product group' as evidence,
        true as is_dated,
        cast(min(first_seen_at) as date) as valid_from_date,
        cast(null as date) as valid_to_date,
        cast(max(last_seen_at) as date) as last_seen_date
    from {{ ref('int_product__identities') }}
    group by all

),

help_desk as (

    select
        source,
        source as id_system,
        source_customer_id,
        source_person_id,
        'contact' as role,
        'help desk' as evidence,
        false as is_dated,
        cast(created_at as date) as valid_from_date
    from {{ ref('int_support__people') }}
    where user_kind = 'end_user'

),

statements as (

    select * from crm_roles
    union all by name
    select * from crm_associations
    union all by name
    select * from crm_past_roles
    union all by name
    select * from product_groups
    union all by name
    select * from help_desk

),

known_ids as (

    select * from {{ ref('int_customers__record_ids') }}

),

of_companies as (

    select
        customers.durable_id as customer_id,
        people.durable_id as person_id,
        statements.role,
        statements.evidence,
        statements.source,
        statements.is_dated,
        statements.valid_from_date,
        statements.valid_to_date,
        statements.last_seen_date
    from statements
    inner join known_ids as customers
        on
            customers.entity = 'customer'
            and customers.list_kind = 'customer'
            and statements.id_system = customers.source
            and statements.source_customer_id = customers.source_record_id
    inner join known_ids as people
        on
            people.entity = 'person'
            and people.list_kind = 'person'
            and statements.id_system = people.source
            and statements.source_person_id = people.source_record_id

),

-- A consumer is both.
of_consumers as (

    select
        customers.durable_id as customer_id,
        people.durable_id as person_id,
        'buyer' as role,
        'self' as evidence,
        records.source,
        false as is_dated,
        cast(records.first_seen_at as date) as valid_from_date
    from {{ ref('int_customers__person_records') }} as records
    inner join known_ids as customers
        on
            customers.entity = 'customer'
            and records.list_kind = customers.list_kind
            and records.source = customers.source
            and records.source_record_id = customers.source_record_id
    inner join known_ids as people
        on
            people.entity = 'person'
            and records.list_kind = people.list_kind
            and records.source = people.source
            and records.source_record_id = people.source_record_id
    where records.list_kind = 'customer'

),

all_statements as (

    select * from of_companies
    union all by name
    select * from of_consumers

)

select
    customer_id,
    person_id,
    role,
    evidence,
    source,
    is_dated,
    valid_from_date,
    valid_to_date,
    max(last_seen_date) as last_seen_date
from all_statements
group by all
