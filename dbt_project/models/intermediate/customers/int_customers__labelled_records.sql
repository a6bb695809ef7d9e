with labels as (

    select *
    from {{ ref('stg_files__identity_labels') }}

),

records as (

    select *
    from {{ ref('int_customers__record_ids') }}

),

companies as (

    select
        source,
        source_record_id
    from {{ ref('int_customers__company_records') }}

),

final as (

    select
        records.entity,
        case
            when records.entity = 'person' then 'person'
            when companies.source is null then 'consumer'
            else 'company'
        end as kind,
        records.source || '/' || records.list_kind || '/' || records.source_record_id as record_id,
        records.durable_id as cluster_id,
        labels.entity_label as entity_id,
        labels.label_group
    from records
    inner join labels using (source, list_kind, source_record_id)
    left join companies
        on
            records.source = companies.source
            and records.source_record_id = companies.source_record_id
            and records.list_kind = 'customer'

)

select
    entity,
    kind,
    record_id,
    cluster_id,
    entity_id,
    label_group
from final
