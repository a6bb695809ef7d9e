-- What a record has once (a name, a date of birth) is read as it is; only what it may have several times, or write in
-- several ways, is grouped. Records are not materialised: each step takes the few columns that it needs.
with people as not materialized (

    select
        'person' as entity,
        *
    from {{ ref('int_customers__person_records') }}

),

companies as not materialized (

    select
        'company' as entity,
        'customer' as list_kind,
        *
    from {{ ref('int_customers__company_records') }}

),

records as not materialized (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        full_name as name,
        address,
        city,
        postal_code,
        country,
        birth_date,
        national_id,
        cast(null as varchar) as tax_id,
        external_id,
        emails,
        phones,
        cast([] as varchar[]) as domains,
        first_seen_at,
        last_seen_at
    from people
    union all by name
    select
        entity,
        source,
        list_kind,
        source_record_id,
        company_name as name,
        address,
        city,
        postal_code,
        country,
        tax_id,
        external_id,
        emails,
        phones,
        domains,
        first_seen_at,
        last_seen_at
    from companies

),

written_emails as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        first_seen_at,
        last_seen_at,
        unnest(emails) as raw_value
    from records

),

-- Materialised, for else each filter on a value would read it anew.
emails as materialized (

    select
        *,
        {{ email_key('raw_value') }} as email
    from written_emails
    where {{ email_key('raw_value') }} is not null

),

written_phones as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        first_seen_at,
        last_seen_at,
        coalesce(country, '') as country,
        unnest(phones) as raw_value
    from records

),

-- Of an invalid number nobody can be reached, so nobody is known by it.
phones as (

    select
        written.*,
        read.e164 as phone
    from written_phones as written
    inner join {{ ref('int_customers__phone_numbers') }} as read
        on written.raw_value = read.phone and written.country = coalesce(read.country_as_written, '')
    where read.is_valid

),

written_domains as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        first_seen_at,
        last_seen_at,
        unnest(domains) as raw_value
    from records

),

people_at_domains as (

    select
        people.source,
        people.source_customer_id,
        split_part(emails.email, '@', 2) as domain,
        count(distinct row(people.list_kind, people.source_record_id)) as person_count
    from people
    inner join emails
        on
            people.entity = emails.entity
            and people.source = emails.source
            and people.list_kind = emails.list_kind
            and people.source_record_id = emails.source_record_id
    anti join {{ ref('free_mail_domains') }} as free_mail on split_part(emails.email, '@', 2) = free_mail.domain
    where people.source_customer_id is not null
    group by all

),

-- A company that gives no domain has the one at which most of its people write.
domains_of_people as (

    select
        source,
        source_customer_id,
        domain
    from people_at_domains
    qualify 2 * person_count > sum(person_count) over (partition by source, source_customer_id)

),

legal_forms as (

    select list(form) as forms
    from {{ ref('legal_forms') }}

),

short_forms as (

    select map_from_entries(list((short_name, first_name))) as first_names
    from {{ ref('short_names') }}

),

worded as (

    select
        *,
        string_split({{ plain_name('name') }}, ' ') as words
    from records

),

-- A company's name up to its legal form, but for one that is nothing else. Of people, Bob is Robert; a short form of
-- several names stays.
name_words as (

    select
        worded.* exclude (words),
        if(
            entity = 'company',
            list_slice(
                words, 1, greatest(
                    1,
                    len(words) + 1 - coalesce(
                        list_position(list_transform(list_reverse(words), word -> list_contains(forms, word)), false),
                        len(words)
                    )
                )
            ),
            list_transform(
                list_filter(words, word -> not regexp_full_match(word, '\d+')),
                word -> coalesce(first_names[word], word)
            )
        ) as words
    from worded
    cross join legal_forms
    cross join short_forms

),

named as (

    select
        *,
        nullif(array_to_string(words, ' '), '') as compared_name
    from name_words

),

generic_names as (

    select coalesce(list(word), []) as generic_names
    from {{ ref('generic_values') }}
    where part = 'name'

),

single_values as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        first_seen_at,
        last_seen_at,
        unnest(
            [
                struct_pack(id_type := 'name', id_value := compared_name, raw_value := name),
                struct_pack(
                    id_type := 'first_name',
                    id_value := case when entity = 'person' and not list_contains(generic_names, compared_name)
                            then split_part(compared_name, ' ', 1)
                    end,
                    raw_value := name
                ),
                struct_pack(id_type := 'tax_id', id_value := {{ number_key('tax_id') }}, raw_value := tax_id),
                struct_pack(
                    id_type := 'national_id', id_value := {{ number_key('national_id') }}, raw_value := national_id
                ),
                struct_pack(
                    id_type := 'birth_date',
                    id_value := cast(birth_date as varchar),
                    raw_value := cast(birth_date as varchar)
                ),
                struct_pack(
                    id_type := 'address',
                    id_value := case when address is not null
                            then {{ plain_words("concat_ws(', ', address, postal_code, city)") }}
                    end,
                    raw_value := concat_ws(', ', address, postal_code, city)
                ),
                struct_pack(
                    id_type := 'external_id',
                    id_value := source || '/' || list_kind || '/' || source_record_id,
                    raw_value := source_record_id
                )
            ], recursive := true
        )
    from named
    cross join generic_names

),

devices as (

    select
        source,
        source_person_id as source_record_id,
        anonymous_id as device,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from {{ ref('int_product__identities') }}
    where source_person_id is not null and anonymous_id is not null
    group by all

),

several_values as (

    select
        * exclude (email),
        'email' as id_type,
        email as id_value
    from emails
    union all by name
    -- Two ways to write one mailbox.
    select
        * exclude (email),
        'email_canonical' as id_type,
        {{ email_canonical('email') }} as id_value
    from emails
    union all by name
    select
        * exclude (country, phone),
        'phone' as id_type,
        phone as id_value
    from phones
    union all by name
    select
        *,
        'domain' as id_type,
        {{ web_domain('raw_value') }} as id_value
    from written_domains
    where raw_value is not null
    union all by name
    select
        * exclude (email),
        'domain' as id_type,
        split_part(email, '@', 2) as id_value
    from emails
    where entity = 'company'
    union all by name
    select
        companies.entity,
        companies.source,
        companies.list_kind,
        companies.source_record_id,
        companies.first_seen_at,
        companies.last_seen_at,
        found.domain as raw_value,
        'domain' as id_type,
        found.domain as id_value
    from domains_of_people as found
    inner join companies
        on found.source = companies.source and found.source_customer_id = companies.source_record_id
    union all by name
    -- The ids by which others may name a record, beside its own.
    select
        records.entity,
        records.source,
        records.list_kind,
        records.source_record_id,
        records.first_seen_at,
        records.last_seen_at,
        records.external_id as raw_value,
        'external_id' as id_type,
        owners.owner || '/' || owners.owner_list_kind || '/' || trim(records.external_id) as id_value
    from records
    inner join {{ ref('external_ids') }} as owners
        on records.source = owners.source and records.list_kind = owners.list_kind
    where
        owners.owner || '/' || owners.owner_list_kind || '/' || trim(records.external_id)
        <> records.source || '/' || records.list_kind || '/' || records.source_record_id
    union all by name
    select
        people.entity,
        people.source,
        people.list_kind,
        people.source_record_id,
        coalesce(devices.first_seen_at, people.first_seen_at) as first_seen_at,
        coalesce(devices.last_seen_at, people.last_seen_at) as last_seen_at,
        devices.device as raw_value,
        'device' as id_type,
        devices.device as id_value
    from devices
    inner join people
        on
            people.list_kind = 'person'
            and devices.source = people.source
            and devices.source_record_id = people.source_record_id

),

final as (

    select *
    from single_values
    where id_value is not null
    union all by name
    select
        entity,
        source,
        list_kind,
        source_record_id,
        id_type,
        id_value,
        min(raw_value) as raw_value,
        any_value(first_seen_at) as first_seen_at,
        any_value(last_seen_at) as last_seen_at
    from several_values
    group by entity, source, list_kind, source_record_id, id_type, id_value

)

select
    entity,
    source || '/' || list_kind || '/' || source_record_id as record_id,
    source,
    list_kind,
    source_record_id,
    id_type,
    id_value,
    raw_value,
    first_seen_at,
    last_seen_at
from final
