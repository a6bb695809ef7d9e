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
    where told.entity = 'company'

),

-- Of several values the smallest, so that it is the same one whatever the order.
chosen as (

    select
        record_id,
        min(id_value) filter (where id_type = 'name') as name,
        min(id_value) filter (where id_type = 'domain') as domain,
        min(id_value) filter (where id_type = 'email_canonical') as email,
        min(id_value) filter (where id_type = 'phone') as phone,
        min(id_value) filter (where id_type = 'tax_id') as tax_id
    from usable
    group by record_id

),

final as (

    select
        companies.source || '/customer/' || companies.source_record_id as record_id,
        companies.source,
        lists.duplicate_free_list,
        chosen.name,
        chosen.domain,
        chosen.email,
        chosen.phone,
        {{ plain_words('companies.address') }} as address,
        {{ plain_words('companies.city') }} as city,
        {{ plain_words('companies.postal_code') }} as postal_code,
        chosen.tax_id
    from {{ ref('int_customers__company_records') }} as companies
    left join {{ ref('int_customers__duplicate_free_lists') }} as lists
        on companies.source = lists.source and lists.list_kind = 'customer'
    left join chosen on companies.source || '/customer/' || companies.source_record_id = chosen.record_id

)

select
    record_id,
    source,
    duplicate_free_list,
    name,
    domain,
    email,
    phone,
    address,
    city,
    postal_code,
    tax_id
from final
