with identifiers as (

    select
        entity,
        record_id,
        id_type,
        id_value
    from {{ ref('int_customers__identifiers') }}
    union all
    -- The company that a source puts a person into, whichever of its records that is.
    select
        'person' as entity,
        people.source || '/' || people.list_kind || '/' || people.source_record_id as record_id,
        'customer' as id_type,
        companies.cluster_id as id_value
    from {{ ref('int_customers__person_records') }} as people
    inner join {{ ref('int_customers__company_clusters') }} as companies
        on people.source || '/customer/' || people.source_customer_id = companies.record_id

),

merged_records as (

    select
        source,
        'person' as list_kind,
        merged_id,
        kept_id
    from {{ ref('int_crm__merges') }}
    where entity = 'person'
    union all
    select
        source,
        'customer' as list_kind,
        merged_id,
        kept_id
    from {{ ref('int_commerce__merges') }}

),

{{ rule_edges('person', 'identifiers', 'merged_records') }}
