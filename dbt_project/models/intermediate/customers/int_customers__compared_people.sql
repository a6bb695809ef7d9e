-- The model weighs a mailbox of several names together with the name: most are one person's, written with slips.
with usable as (

    select
        told.record_id,
        told.id_type,
        told.id_value
    from {{ ref('int_customers__identifiers') }} as told
    anti join {{ ref('int_customers__generic_identifiers') }} as generic
        on
            told.entity = generic.entity
            and told.id_type = generic.id_type
            and told.id_value = generic.id_value
            and not coalesce(generic.counts_with_name and generic.id_type = 'email_canonical', false)
    where
        told.entity = 'person'
        and told.id_type in ('name', 'email_canonical', 'phone', 'national_id', 'birth_date')

),

-- Of several values the smallest, so that it is the same one whatever the order.
chosen as (

    select
        record_id,
        min(id_value) filter (where id_type = 'name') as full_name,
        min(id_value) filter (where id_type = 'email_canonical') as email_canonical,
        min(id_value) filter (where id_type = 'phone') as phone,
        min(id_value) filter (where id_type = 'national_id') as national_id,
        min(id_value) filter (where id_type = 'birth_date') as birth_date
    from usable
    group by record_id

),

people as (

    select
        source || '/' || list_kind || '/' || source_record_id as record_id,
        source,
        list_kind,
        {{ plain_name('first_name') }} as first_name,
        {{ plain_name('last_name') }} as last_name,
        {{ plain_words('address') }} as address,
        {{ plain_words('city') }} as city,
        {{ plain_words('postal_code') }} as postal_code,
        {{ plain_words('region') }} as region
    from {{ ref('int_customers__person_records') }}

),

final as (

    select
        people.record_id,
        people.source,
        lists.duplicate_free_list,
        case when chosen.full_name is not null then coalesce(short_names.first_name, people.first_name) end
            as first_name,
        case when chosen.full_name is not null then people.last_name end as last_name,
        chosen.full_name,
        chosen.email_canonical,
        chosen.phone,
        chosen.birth_date,
        chosen.national_id,
        people.address,
        people.city,
        people.postal_code,
        people.region
    from people
    left join {{ ref('int_customers__duplicate_free_lists') }} as lists
        on people.source = lists.source and people.list_kind = lists.list_kind
    left join chosen on people.record_id = chosen.record_id
    left join {{ ref('short_names') }} as short_names on people.first_name = short_names.short_name

)

select
    record_id,
    source,
    duplicate_free_list,
    first_name,
    last_name,
    full_name,
    email_canonical,
    phone,
    birth_date,
    national_id,
    address,
    city,
    postal_code,
    region
from final
