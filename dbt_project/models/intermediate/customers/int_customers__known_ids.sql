-- A list may go on naming a record by the id that it had before its system merged it away.
with recursive merged_records as (

    select
        source,
        entity as list_kind,
        merged_id,
        kept_id
    from {{ ref('int_crm__merges') }}
    union
    select
        source,
        entity as list_kind,
        merged_id,
        kept_id
    from {{ ref('int_commerce__merges') }}

),

redirects as (

    select
        source,
        list_kind,
        merged_id,
        kept_id
    from merged_records
    union
    select
        redirects.source,
        redirects.list_kind,
        redirects.merged_id,
        merged_records.kept_id
    from redirects
    inner join merged_records
        on
            redirects.source = merged_records.source
            and redirects.list_kind = merged_records.list_kind
            and redirects.kept_id = merged_records.merged_id

),

record_ids as (

    select * from {{ ref('int_customers__record_ids') }}

),

merged_ids as (

    select
        record_ids.entity,
        redirects.source,
        redirects.list_kind,
        redirects.merged_id as source_record_id,
        min(record_ids.durable_id) as durable_id
    from redirects
    inner join record_ids
        on
            redirects.source = record_ids.source
            and redirects.list_kind = record_ids.list_kind
            and redirects.kept_id = record_ids.source_record_id
    group by all

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id
from record_ids
union all
select
    merged_ids.entity,
    merged_ids.source,
    merged_ids.list_kind,
    merged_ids.source_record_id,
    merged_ids.durable_id
from merged_ids
anti join record_ids
    on
        merged_ids.entity = record_ids.entity
        and merged_ids.source = record_ids.source
        and merged_ids.list_kind = record_ids.list_kind
        and merged_ids.source_record_id = record_ids.source_record_id
