with people as (

    select
        'person' as entity,
        source,
        list_kind,
        source_record_id,
        country,
        first_seen_at,
        last_seen_at,
        unnest(
            list_concat(
                list_transform(emails, value -> struct_pack(id_type := 'email', raw_value := value)),
                list_transform(phones, value -> struct_pack(id_type := 'phone', raw_value := value)),
                [
                    struct_pack(id_type := 'external_id', raw_value := external_id),
                    struct_pack(id_type := 'birth_date', raw_value := cast(birth_date as varchar)),
                    struct_pack(id_type := 'name', raw_value := full_name),
                    struct_pack(id_type := 'address', raw_value := concat_ws(', ', address, postal_code, city))
                ]
            )
        ) as given
    from {{ ref('int_customers__person_records') }}

),

companies as (

    select
        'company' as entity,
        source,
        'customer' as list_kind,
        source_record_id,
        country,
        first_seen_at,
        last_seen_at,
        unnest(
            list_concat(
                list_transform(emails, value -> struct_pack(id_type := 'email', raw_value := value)),
                list_transform(phones, value -> struct_pack(id_type := 'phone', raw_value := value)),
                list_transform(domains, value -> struct_pack(id_type := 'domain', raw_value := value)),
                [
                    struct_pack(id_type := 'external_id', raw_value := external_id),
                    struct_pack(id_type := 'tax_id', raw_value := tax_id),
                    struct_pack(id_type := 'name', raw_value := company_name),
                    struct_pack(id_type := 'address', raw_value := concat_ws(', ', address, postal_code, city))
                ]
            )
        ) as given
    from {{ ref('int_customers__company_records') }}

),

written as (

    select
        * exclude (given),
        struct_extract(given, 'id_type') as id_type,
        struct_extract(given, 'raw_value') as raw_value
    from people
    union all
    select
        * exclude (given),
        struct_extract(given, 'id_type') as id_type,
        struct_extract(given, 'raw_value') as raw_value
    from companies

),

told as (

    select written.*
    from written
    anti join {{ ref('null_likes') }} as null_likes
        on lower(trim(written.raw_value)) = null_likes.word
    where trim(written.raw_value) <> ''

),

legal_forms as (

    select list(form) as forms
    from {{ ref('legal_forms') }}

),

company_words as (

    select distinct
        raw_value,
        string_split({{ plain_name('raw_value') }}, ' ') as words
    from told
    where entity = 'company' and id_type = 'name'

),

-- Up to its legal form, but for a name that is nothing else.
company_names as (

    select
        raw_value,
        array_to_string(
            list_slice(
                words, 1, greatest(
                    1,
                    len(words) + 1 - coalesce(
                        list_position(
                            list_transform(list_reverse(words), word -> list_contains(forms, word)), false
                        ),
                        len(words)
                    )
                )
            ), ' '
        ) as company_name
    from company_words
    cross join legal_forms

),

-- Of an invalid number nobody can be reached, so nobody is known by it.
phone_numbers as (

    select
        phone,
        country_as_written,
        e164
    from {{ ref('int_customers__phone_numbers') }}
    where is_valid

),

compared as (

    select
        told.*,
        case told.id_type
            when 'email' then {{ email_key('told.raw_value') }}
            when 'phone' then phone_numbers.e164
            when 'domain' then {{ web_domain('told.raw_value') }}
            when 'tax_id' then nullif(upper(regexp_replace(told.raw_value, '[^\p{L}\p{N}]', '', 'g')), '')
            when 'name' then coalesce(company_names.company_name, {{ plain_name('told.raw_value') }})
            when 'address' then {{ plain_words('told.raw_value') }}
            else trim(told.raw_value)
        end as id_value
    from told
    left join phone_numbers
        on
            told.id_type = 'phone'
            and told.raw_value = phone_numbers.phone
            and told.country is not distinct from phone_numbers.country_as_written
    left join company_names
        on
            told.entity = 'company'
            and told.id_type = 'name'
            and told.raw_value = company_names.raw_value

),

-- Two ways to write one mailbox; and the domain of a company's mailbox is the company's own, unless anybody gets it.
derived as (

    select
        * exclude (id_type, id_value),
        'email_canonical' as id_type,
        {{ email_canonical('id_value') }} as id_value
    from compared
    where id_type = 'email' and id_value is not null
    union all by name
    select
        compared.* exclude (id_type, id_value),
        'domain' as id_type,
        split_part(compared.id_value, '@', 2) as id_value
    from compared
    anti join {{ ref('free_mail_domains') }} as free_mail
        on split_part(compared.id_value, '@', 2) = free_mail.domain
    where compared.entity = 'company' and compared.id_type = 'email' and compared.id_value is not null

),

final as (

    select * from compared
    union all by name
    select * from derived

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    id_type,
    id_value,
    min(raw_value) as raw_value,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
from final
where id_value is not null
group by entity, source, list_kind, source_record_id, id_type, id_value
