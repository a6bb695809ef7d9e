with named_in_files as (

    select source_owner_id from {{ ref('stg_files__customers') }}
    union
    select source_owner_id from {{ ref('stg_files__meetings') }}
    union
    select source_owner_id from {{ ref('stg_files__interventions') }}

),

owners as (

    select
        *,
        nullif(concat_ws(' ', first_name, last_name), '') as full_name,
        not is_archived as is_active
    from {{ ref('stg_hubspot__owners') }}
    union all by name
    select * from {{ ref('stg_salesforce__users') }}
    union all by name
    select
        'files' as source,
        source_owner_id,
        source_owner_id as full_name,
        true as is_active
    from named_in_files
    where source_owner_id is not null

)

select
    source,
    source_owner_id,
    full_name,
    email,
    team,
    is_active,
    created_at,
    updated_at
from owners
