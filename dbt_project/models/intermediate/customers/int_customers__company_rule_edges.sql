with identifiers as (

    select
        entity,
        record_id,
        id_type,
        id_value
    from {{ ref('int_customers__identifiers') }}

),

merged_records as (

    select
        source,
        'customer' as list_kind,
        merged_id,
        kept_id
    from {{ ref('int_crm__merges') }}
    where entity = 'customer'

),

{{ rule_edges('company', 'identifiers', 'merged_records') }}
