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

agreed as (

    select
        person_id,
        field,
        value,
        max(seen_at) as seen_at,
        arg_max(source, row(seen_at, source)) as source,
        count(*) as record_count
    from told
    group by person_id, field, value

),

-- A mailbox that several people read reaches a person only where no other does. Of two addresses in the newest record,
-- the one that more records give.
chosen as (

    select
        agreed.person_id,
        agreed.field,
        max(
            struct_pack(
                is_own := generic_values.word is null,
                seen_at := agreed.seen_at,
                record_count := agreed.record_count,
                given := agreed.value,
                source := agreed.source
            )
        ) as best
    from agreed
    left join {{ ref('generic_values') }} as generic_values
        on
            case when agreed.field = 'email' then split_part(agreed.value, '@', 1) end = generic_values.word
            and generic_values.part = 'mailbox'
    group by agreed.person_id, agreed.field

)

select
    person_id,
    field,
    struct_extract(best, 'given') as value,
    struct_extract(best, 'source') as source,
    struct_extract(best, 'seen_at') as seen_at
from chosen
