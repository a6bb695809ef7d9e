with job_titles as (

    select
        source,
        'person' as list_kind,
        source_person_id as source_record_id,
        job_title
    from {{ ref('int_crm__people') }}

),

records as (

    select
        record_ids.durable_id as person_id,
        records.*,
        job_titles.job_title,
        coalesce(records.last_seen_at, records.first_seen_at, timestamp '0001-01-01') as seen_at
    from {{ ref('int_customers__person_records') }} as records
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            record_ids.entity = 'person'
            and records.source = record_ids.source
            and records.list_kind = record_ids.list_kind
            and records.source_record_id = record_ids.source_record_id
    left join job_titles
        on
            records.source = job_titles.source
            and records.list_kind = job_titles.list_kind
            and records.source_record_id = job_titles.source_record_id

),

given as (

    select
        person_id,
        source,
        list_kind,
        source_record_id,
        country as record_country,
        seen_at,
        unnest(
            list_concat(
                list_transform(emails, value -> struct_pack(field := 'email', value := {{ email_key('value') }})),
                list_transform(phones, value -> struct_pack(field := 'phone', value := value)),
                [
                    struct_pack(field := 'full_name', value := full_name),
                    struct_pack(field := 'first_name', value := first_name),
                    struct_pack(field := 'last_name', value := last_name),
                    struct_pack(field := 'country', value := country),
                    struct_pack(field := 'job_title', value := job_title),
                    struct_pack(field := 'birth_date', value := cast(birth_date as varchar))
                ]
            ), recursive := true
        )
    from records

),

told as (

    select given.*
    from given
    anti join {{ ref('null_likes') }} as null_likes
        on lower(trim(given.value)) = null_likes.word
    where trim(given.value) <> ''

),

-- One row for each spelling; the newest record that has it speaks for it.
agreed as (

    select
        person_id,
        field,
        value,
        count(*) as record_count,
        max(
            struct_pack(
                seen_at := seen_at,
                source := source,
                list_kind := list_kind,
                source_record_id := source_record_id,
                record_country := record_country
            )
        ) as newest
    from told
    group by person_id, field, value

),

numbers as (

    select
        'phone' as field,
        phone as value,
        coalesce(country_as_written, '') as record_country,
        e164,
        is_valid
    from {{ ref('int_customers__phone_numbers') }}

),

country_codes as (

    select
        'country' as field,
        country_as_written as value,
        country_code
    from {{ ref('int_customers__countries') }}

),

-- Nobody's own: a mailbox that several people read, a test, what stands in many records.
demoted as (

    select distinct
        case id_type when 'email_canonical' then 'email' when 'name' then 'full_name' else id_type end as field,
        id_value as value_key
    from {{ ref('int_customers__generic_identifiers') }}
    where entity = 'person' and id_type in ('email_canonical', 'phone', 'name', 'birth_date')

),

keyed as (

    select
        agreed.person_id,
        agreed.field,
        agreed.value,
        coalesce(
            case agreed.field
                when 'email' then {{ email_canonical('agreed.value') }}
                when 'phone' then coalesce(numbers.e164, regexp_replace(agreed.value, '[^0-9]', '', 'g'))
                when 'country' then country_codes.country_code
                when 'birth_date' then agreed.value
                else {{ folded_words(plain_words('agreed.value')) }}
            end, lower(agreed.value)
        ) as value_key,
        struct_extract(agreed.newest, 'source') as source,
        struct_extract(agreed.newest, 'list_kind') as list_kind,
        struct_extract(agreed.newest, 'source_record_id') as source_record_id,
        case
            when agreed.field = 'phone' then coalesce(numbers.is_valid, false)
            -- A name of a user: thomas_124.
            when agreed.field in ('full_name', 'first_name', 'last_name')
                then not regexp_matches(agreed.value, '[0-9_@]')
            else true
        end as is_plausible,
        struct_extract(agreed.newest, 'seen_at') as seen_at,
        agreed.record_count
    from agreed
    left join numbers
        on
            agreed.field = numbers.field
            and agreed.value = numbers.value
            and coalesce(struct_extract(agreed.newest, 'record_country'), '') = numbers.record_country
    left join country_codes
        on
            agreed.field = country_codes.field
            and agreed.value = country_codes.value

),

judged as (

    select
        keyed.*,
        keyed.is_plausible and demoted.field is null as is_told
    from keyed
    left join demoted
        on
            keyed.field = demoted.field
            and keyed.value_key = demoted.value_key

),

full_names as (

    select
        person_id,
        value_key as full_name_key
    from judged
    where field = 'full_name'
    qualify
        row_number() over (
            partition by person_id
            order by is_told desc, seen_at desc, record_count desc, value desc
        ) = 1

),

-- A record that has first and last name in each other's place tells neither: both are to fit the name in one piece,
-- or what of it is written out.
final as (

    select
        judged.*,
        judged.is_told
        and case judged.field
            when 'first_name'
                then coalesce(
                        starts_with(full_names.full_name_key, judged.value_key)
                        or starts_with(judged.value_key, split_part(full_names.full_name_key, ' ', 1)), true
                    )
            when 'last_name'
                then coalesce(
                        ends_with(full_names.full_name_key, judged.value_key)
                        or starts_with(judged.value_key, split_part(full_names.full_name_key, ' ', -1)), true
                    )
            else true
        end as is_valid
    from judged
    left join full_names
        on judged.person_id = full_names.person_id

)

-- What is nobody's own reaches a person only where nothing else does. Of two addresses in the newest record, the one
-- that more records give.
select
    person_id,
    field,
    value,
    value_key,
    source,
    list_kind,
    source_record_id,
    is_valid,
    seen_at,
    record_count,
    row_number() over (
        partition by person_id, field
        order by is_valid desc, seen_at desc, record_count desc, value desc
    ) as survival_rank
from final
