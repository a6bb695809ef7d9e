-- Who belongs to a company may have its address, so home is what a record says that belongs to none.
with addresses as (

    select
        record_ids.durable_id as person_id,
        arg_max(
            {{ plain_words("records.address || ' ' || records.postal_code") }},
            row(
                coalesce(records.last_seen_at, records.first_seen_at, timestamp '0001-01-01'),
                records.source,
                records.source_record_id
            )
        ) as home
    from {{ ref('int_customers__person_records') }} as records
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            record_ids.entity = 'person'
            and records.source = record_ids.source
            and records.list_kind = record_ids.list_kind
            and records.source_record_id = record_ids.source_record_id
    where records.source_customer_id is null and records.address is not null and records.postal_code is not null
    group by record_ids.durable_id

),

-- Some lists have a name in one piece, a few with the last name first.
last_names as (

    select
        person_id,
        arg_min(
            case
                when field = 'full_name' and contains(value, ',') then {{ plain_words("split_part(value, ',', 1)") }}
                else {{ plain_words('value') }}
            end, if(field = 'last_name', 1, 2)
        ) as last_name
    from {{ ref('int_customers__person_values') }}
    where survival_rank = 1 and field in ('last_name', 'full_name')
    group by person_id

),

homes as (

    select
        addresses.person_id,
        addresses.home || '/' || split_part(last_names.last_name, ' ', -1) as household
    from addresses
    inner join last_names
        on addresses.person_id = last_names.person_id
    where addresses.home is not null and last_names.last_name is not null

)

select
    person_id,
    'hou_' || left(md5(household), 20) as household_id,
    count(*) over (partition by household) as person_count
from homes
qualify count(*) over (partition by household) between 2 and {{ var('max_household_size') }}
