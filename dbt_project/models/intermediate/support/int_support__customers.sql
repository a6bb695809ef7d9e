with customers as (

    select
        *,
        trim(split_part(domain_names, ',', 1)) as domain,
        array_to_string(list_transform(string_split(domain_names, ',')[2:], name -> trim(name)), ';') as other_domains,
        true as is_listed
    from {{ ref('stg_zendesk__organizations') }}
    union all by name
    select distinct
        source,
        source_customer_id,
        false as is_listed
    from {{ ref('stg_files__tickets') }}
    where source_customer_id is not null

)

select
    source,
    source_customer_id,
    external_id,
    customer_name,
    domain,
    nullif(other_domains, '') as other_domains,
    is_listed,
    created_at,
    updated_at
from customers
