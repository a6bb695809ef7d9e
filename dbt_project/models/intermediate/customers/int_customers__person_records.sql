-- A record that several lists of one system hold (a contact who also answers surveys) is one record.
with null_likes as (

    select list(word) as null_words
    from {{ ref('null_likes') }}

),

listed as (

    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        full_name,
        first_name,
        last_name,
        list_concat([email], string_split(other_emails, ';')) as emails,
        [phone, mobile_phone] as phones,
        address,
        city,
        postal_code,
        region,
        country,
        birth_date,
        national_id,
        created_at as first_seen_at,
        updated_at as last_seen_at,
        'person' as list_kind
    from {{ ref('int_crm__people') }}
    union all by name
    -- Agents and admins are the team's own.
    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        external_id,
        full_name,
        [email] as emails,
        [phone, whatsapp_number] as phones,
        created_at as first_seen_at,
        updated_at as last_seen_at,
        'person' as list_kind
    from {{ ref('int_support__people') }}
    where user_kind = 'end_user'
    union all by name
    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        full_name,
        [email] as emails,
        first_seen_at,
        last_seen_at,
        'person' as list_kind
    from {{ ref('int_product__identities') }}
    where source_person_id is not null
    union all by name
    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        external_id,
        first_name,
        last_name,
        [email] as emails,
        [phone] as phones,
        city,
        postal_code,
        country,
        created_at as first_seen_at,
        updated_at as last_seen_at,
        'person' as list_kind
    from {{ ref('int_messaging__people') }}
    union all by name
    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        full_name,
        [email] as emails,
        sent_at as first_seen_at,
        sent_at as last_seen_at,
        'person' as list_kind
    from {{ ref('int_feedback__invitations') }}
    where source_person_id is not null
    union all by name
    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        [email] as emails,
        responded_at as first_seen_at,
        responded_at as last_seen_at,
        'person' as list_kind
    from {{ ref('int_feedback__responses') }}
    where source_person_id is not null
    union all by name
    select
        source,
        source_customer_id as source_record_id,
        customer_name as full_name,
        [email] as emails,
        [phone] as phones,
        address,
        city,
        postal_code,
        country,
        birth_date,
        signed_up_at as first_seen_at,
        updated_at as last_seen_at,
        'customer' as list_kind
    from {{ ref('int_commerce__customers') }}
    where source <> 'files' or birth_date is not null
    union all by name
    select
        source,
        source_customer_id as source_record_id,
        first_name,
        last_name,
        [email] as emails,
        birth_date,
        joined_at as first_seen_at,
        updated_at as last_seen_at,
        'customer' as list_kind
    from {{ ref('int_loyalty__members') }}
    union all by name
    -- What was merged away is still named by others.
    select
        source,
        merged_id as source_record_id,
        known_at as first_seen_at,
        'person' as list_kind
    from {{ ref('int_crm__merges') }}
    where entity = 'person'
    union all by name
    select
        source,
        merged_id as source_record_id,
        known_at as first_seen_at,
        'customer' as list_kind
    from {{ ref('int_commerce__merges') }}
    union all by name
    -- Who asks on behalf of a company belongs to it.
    select
        source,
        source_person_id as source_record_id,
        source_customer_id,
        created_at as first_seen_at,
        created_at as last_seen_at,
        'person' as list_kind
    from {{ ref('int_support__tickets') }}
    where source_person_id in (
            select source_person_id from {{ ref('int_support__people') }}
            where user_kind = 'end_user'
        )
    union all by name
    -- Who bought, whether the shop lists them or not.
    select
        source,
        source_customer_id as source_record_id,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at,
        'customer' as list_kind
    from {{ ref('int_commerce__order_lines') }}
    where source_customer_id is not null and source <> 'files'
    group by source, source_customer_id

),

-- What people type into a field that they can't fill says nothing.
said as (

    select
        listed.* replace (
            {{ unless_null_like('external_id') }} as external_id,
            {{ unless_null_like('full_name') }} as full_name,
            {{ unless_null_like('first_name') }} as first_name,
            {{ unless_null_like('last_name') }} as last_name,
            {{ unless_null_like('address') }} as address,
            {{ unless_null_like('city') }} as city,
            {{ unless_null_like('postal_code') }} as postal_code,
            {{ unless_null_like('region') }} as region,
            {{ unless_null_like('country') }} as country,
            {{ unless_null_like('national_id') }} as national_id,
            list_filter(emails, value -> {{ unless_null_like('value') }} is not null) as emails,
            list_filter(phones, value -> {{ unless_null_like('value') }} is not null) as phones
        )
    from listed
    cross join null_likes

)

select
    source,
    list_kind,
    source_record_id,
    {{ newest_of('source_customer_id') }} as source_customer_id,
    {{ newest_of('external_id') }} as external_id,
    coalesce(
        {{ newest_of('full_name') }},
        nullif(concat_ws(' ', {{ newest_of('first_name') }}, {{ newest_of('last_name') }}), '')
    ) as full_name,
    {{ newest_of('first_name') }} as first_name,
    {{ newest_of('last_name') }} as last_name,
    {{ newest_of('address') }} as address,
    {{ newest_of('city') }} as city,
    {{ newest_of('postal_code') }} as postal_code,
    {{ newest_of('region') }} as region,
    {{ newest_of('country') }} as country,
    {{ newest_of('birth_date') }} as birth_date,
    {{ newest_of('national_id') }} as national_id,
    list_sort(list_distinct(flatten(list(emails)))) as emails,
    list_sort(list_distinct(flatten(list(phones)))) as phones,
    min(first_seen_at) as first_seen_at,
    max(coalesce(last_seen_at, first_seen_at)) as last_seen_at
from said
group by source, list_kind, source_record_id
