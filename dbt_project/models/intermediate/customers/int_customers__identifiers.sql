with people as (

    select
        'person' as entity,
        source || '/' || list_kind || '/' || source_record_id as record_id,
        *
    from {{ ref('int_customers__person_records') }}

),

companies as (

    select
        'company' as entity,
        source || '/customer/' || source_record_id as record_id,
        'customer' as list_kind,
        *
    from {{ ref('int_customers__company_records') }}

),

records as (

    select
        entity,
        record_id,
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
        record_id,
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
        record_id,
        unnest(emails) as raw_value
    from records

),

written_phones as (

    select
        entity,
        record_id,
        coalesce(country, '') as country,
        unnest(phones) as raw_value
    from records

),

-- Materialised, for else each filter on a value would read it anew.
emails as materialized (

    select
        entity,
        record_id,
        raw_value,
        {{ email_key('raw_value') }} as email
    from written_emails

),

-- Of an invalid number nobody can be reached, so nobody is known by it.
phones as (

    select
        written.entity,
        written.record_id,
        written.raw_value,
        read.e164 as phone
    from written_phones as written
    inner join {{ ref('int_customers__phone_numbers') }} as read
        on written.raw_value = read.phone and written.country = coalesce(read.country_as_written, '')
    where read.is_valid

),

written_domains as (

    select
        entity,
        record_id,
        unnest(domains) as raw_value
    from records

),

people_at_domains as (

    select
        people.source,
        people.source_customer_id,
        split_part(emails.email, '@', 2) as domain,
        count(distinct people.record_id) as person_count
    from people
    inner join emails on people.entity = emails.entity and people.record_id = emails.record_id
    anti join {{ ref('free_mail_domains') }} as free_mail on split_part(emails.email, '@', 2) = free_mail.domain
    where people.source_customer_id is not null and emails.email is not null
    group by all

),

-- A company that gives no domain has the one at which most of its people write.
domains_of_people as (

    select
        'company' as entity,
        source || '/customer/' || source_customer_id as record_id,
        domain as raw_value,
        domain
    from people_at_domains
    qualify 2 * person_count > sum(person_count) over (partition by source, source_customer_id)

),

company_words as (

    select
        entity,
        record_id,
        name as raw_value,
        string_split({{ plain_name('name') }}, ' ') as words
    from records
    where entity = 'company' and name is not null

),

legal_forms as (

    select list(form) as forms
    from {{ ref('legal_forms') }}

),

-- Up to its legal form, but for a name that is nothing else.
company_names as (

    select
        entity,
        record_id,
        raw_value,
        array_to_string(
            list_slice(
                words, 1, greatest(
                    1,
                    len(words) + 1 - coalesce(
                        list_position(list_transform(list_reverse(words), word -> list_contains(forms, word)), false),
                        len(words)
                    )
                )
            ), ' '
        ) as name
    from company_words
    cross join legal_forms

),

person_words as materialized (

    select
        entity,
        record_id,
        name as raw_value,
        list_filter(string_split({{ plain_name('name') }}, ' '), word -> not regexp_full_match(word, '\d+')) as words
    from records
    where entity = 'person' and name is not null

),

placed_words as (

    select
        *,
        unnest(words) as word,
        unnest(range(len(words))) as place
    from person_words

),

-- Bob is Robert; a short form of several names stays.
person_names as (

    select
        entity,
        record_id,
        any_value(raw_value) as raw_value,
        string_agg(coalesce(short_names.first_name, word), ' ' order by place) as name
    from placed_words
    left join {{ ref('short_names') }} as short_names on word = short_names.short_name
    group by entity, record_id

),

-- The own id of a record, and the ids by which others may name it.
external_ids as (

    select
        records.entity,
        records.record_id,
        records.external_id as raw_value,
        owners.owner || '/' || owners.owner_list_kind || '/' || trim(records.external_id) as external_id
    from records
    inner join {{ ref('external_ids') }} as owners
        on records.source = owners.source and records.list_kind = owners.list_kind
    where records.external_id is not null
    union all
    select
        entity,
        record_id,
        source_record_id as raw_value,
        record_id as external_id
    from records

),

devices as (

    select
        'person' as entity,
        source || '/person/' || source_person_id as record_id,
        anonymous_id as raw_value,
        anonymous_id as device,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from {{ ref('int_product__identities') }}
    where source_person_id is not null and anonymous_id is not null
    group by all

),

values_of_records as materialized (

    select
        entity,
        record_id,
        'email' as id_type,
        email as id_value,
        raw_value
    from emails
    union all
    -- Two ways to write one mailbox.
    select
        entity,
        record_id,
        'email_canonical' as id_type,
        {{ email_canonical('email') }} as id_value,
        raw_value
    from emails
    union all
    select
        entity,
        record_id,
        'phone' as id_type,
        phone as id_value,
        raw_value
    from phones
    union all
    select
        entity,
        record_id,
        'domain' as id_type,
        {{ web_domain('raw_value') }} as id_value,
        raw_value
    from written_domains
    union all
    select
        entity,
        record_id,
        'domain' as id_type,
        split_part(email, '@', 2) as id_value,
        raw_value
    from emails
    where entity = 'company'
    union all
    select
        entity,
        record_id,
        'domain' as id_type,
        domain as id_value,
        raw_value
    from domains_of_people
    union all
    select
        entity,
        record_id,
        'name' as id_type,
        name as id_value,
        raw_value
    from company_names
    union all
    select
        entity,
        record_id,
        'name' as id_type,
        name as id_value,
        raw_value
    from person_names
    union all
    select
        entity,
        record_id,
        'first_name' as id_type,
        split_part(name, ' ', 1) as id_value,
        raw_value
    from person_names
    where name not in (
            select word from {{ ref('generic_values') }}
            where part = 'name'
        )
    union all
    select
        entity,
        record_id,
        'external_id' as id_type,
        external_id as id_value,
        raw_value
    from external_ids
    union all
    select
        entity,
        record_id,
        'device' as id_type,
        device as id_value,
        raw_value
    from devices
    union all
    select
        entity,
        record_id,
        'tax_id' as id_type,
        {{ number_key('tax_id') }} as id_value,
        tax_id as raw_value
    from records
    union all
    select
        entity,
        record_id,
        'national_id' as id_type,
        {{ number_key('national_id') }} as id_value,
        national_id as raw_value
    from records
    union all
    select
        entity,
        record_id,
        'birth_date' as id_type,
        cast(birth_date as varchar) as id_value,
        cast(birth_date as varchar) as raw_value
    from records
    union all
    select
        entity,
        record_id,
        'address' as id_type,
        {{ plain_words("concat_ws(', ', address, postal_code, city)") }} as id_value,
        concat_ws(', ', address, postal_code, city) as raw_value
    from records
    where address is not null

),

final as (

    select
        entity,
        record_id,
        records.source,
        records.list_kind,
        records.source_record_id,
        found.id_type,
        found.id_value,
        min(found.raw_value) as raw_value,
        any_value(coalesce(devices.first_seen_at, records.first_seen_at)) as first_seen_at,
        any_value(coalesce(devices.last_seen_at, records.last_seen_at)) as last_seen_at
    from values_of_records as found
    inner join records using (entity, record_id)
    left join devices
        on
            found.record_id = devices.record_id
            and case when found.id_type = 'device' then found.id_value end = devices.device
    where found.id_value is not null
    group by all

)

select
    entity,
    record_id,
    source,
    list_kind,
    source_record_id,
    id_type,
    id_value,
    raw_value,
    first_seen_at,
    last_seen_at
from final
