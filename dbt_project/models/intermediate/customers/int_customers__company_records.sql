-- A record that several lists of one system hold is one record.
with null_likes as (

    select list(word) as null_words
    from {{ ref('null_likes') }}

),

listed as (

    select
        source,
        source_customer_id as source_record_id,
        customer_name as company_name,
        [domain] as domains,
        [email] as emails,
        [phone] as phones,
        address,
        city,
        postal_code,
        country,
        tax_id,
        created_at as first_seen_at,
        updated_at as last_seen_at
    from {{ ref('int_crm__customers') }}
    union all by name
    select
        source,
        source_customer_id as source_record_id,
        external_id,
        customer_name as company_name,
        [email] as emails,
        [phone] as phones,
        address,
        city,
        postal_code,
        country,
        tax_id,
        created_at as first_seen_at,
        updated_at as last_seen_at
    from {{ ref('int_billing__customers') }}
    union all by name
    select
        source,
        source_customer_id as source_record_id,
        external_id,
        customer_name as company_name,
        list_concat([domain], string_split(other_domains, ';')) as domains,
        created_at as first_seen_at,
        updated_at as last_seen_at
    from {{ ref('int_support__customers') }}
    union all by name
    select
        source,
        source_customer_id as source_record_id,
        customer_name as company_name,
        first_seen_at,
        last_seen_at
    from {{ ref('int_product__identities') }}
    where source_customer_id is not null
    union all by name
    -- What was merged away is still named by others.
    select
        source,
        merged_id as source_record_id,
        known_at as first_seen_at
    from {{ ref('int_crm__merges') }}
    where entity = 'customer'
    union all by name
    -- Who bought, whether a file lists them or not; a shop's customers are people.
    select
        source,
        source_customer_id as source_record_id,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at
    from {{ ref('int_commerce__order_lines') }}
    where source_customer_id is not null and source = 'files'
    group by source, source_customer_id

),

-- What people type into a field that they can't fill says nothing.
said as (

    select
        listed.* replace (
            {{ unless_null_like('external_id') }} as external_id,
            {{ unless_null_like('company_name') }} as company_name,
            {{ unless_null_like('address') }} as address,
            {{ unless_null_like('city') }} as city,
            {{ unless_null_like('postal_code') }} as postal_code,
            {{ unless_null_like('country') }} as country,
            {{ unless_null_like('tax_id') }} as tax_id,
            list_filter(domains, value -> {{ unless_null_like('value') }} is not null) as domains,
            list_filter(emails, value -> {{ unless_null_like('value') }} is not null) as emails,
            list_filter(phones, value -> {{ unless_null_like('value') }} is not null) as phones
        )
    from listed
    cross join null_likes

)

select
    source,
    source_record_id,
    {{ newest_of('external_id') }} as external_id,
    {{ newest_of('company_name') }} as company_name,
    {{ newest_of('address') }} as address,
    {{ newest_of('city') }} as city,
    {{ newest_of('postal_code') }} as postal_code,
    {{ newest_of('country') }} as country,
    {{ newest_of('tax_id') }} as tax_id,
    list_sort(list_distinct(flatten(list(domains)))) as domains,
    list_sort(list_distinct(flatten(list(emails)))) as emails,
    list_sort(list_distinct(flatten(list(phones)))) as phones,
    min(first_seen_at) as first_seen_at,
    max(coalesce(last_seen_at, first_seen_at)) as last_seen_at
from said
-- A customer of a file who has a date of birth is a person.
anti join {{ ref('int_customers__person_records') }} as people
    on
        said.source = people.source
        and said.source_record_id = people.source_record_id
        and people.list_kind = 'customer'
group by source, source_record_id
