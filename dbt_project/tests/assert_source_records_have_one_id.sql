-- Each record that the run sees has exactly one id now, and had never two on one day; no other record has one. What
-- the ledger says last of a day is what holds on it. Without a day there are no ids.
with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

clusters as (

    select
        entity,
        source,
        list_kind,
        source_record_id
    from {{ ref('int_customers__clusters') }}
    where (select context.as_of_date from context) is not null

),

spells as (

    select *
    from {{ ref('map_source_records') }}

),

current_spells as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        count(*) as id_count
    from spells
    where is_current
    group by entity, source, list_kind, source_record_id

),

seen as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        count(*) as cluster_count
    from clusters
    group by entity, source, list_kind, source_record_id

),

overlapping as (

    select
        *,
        lag(coalesce(valid_to_date, date 'infinity')) over (
            partition by entity, source, list_kind, source_record_id
            order by valid_from_date
        ) as earlier_to_date
    from spells

),

told as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        known_date,
        arg_max(struct_pack(id := durable_id), ledger_number).id as durable_id
    from {{ ref('int_customers__ledger') }}
    where known_date <= (select context.as_of_date from context)
    group by entity, source, list_kind, source_record_id, known_date

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    'not one id now' as finding
from seen
full join current_spells using (entity, source, list_kind, source_record_id)
where seen.cluster_count is distinct from 1 or current_spells.id_count is distinct from 1

union all

select
    entity,
    source,
    list_kind,
    source_record_id,
    'two ids on one day' as finding
from overlapping
where valid_from_date < earlier_to_date or valid_from_date >= valid_to_date

union all

select
    told.entity,
    told.source,
    told.list_kind,
    told.source_record_id,
    'not what the ledger says' as finding
from told
left join spells
    on
        told.entity = spells.entity
        and told.source = spells.source
        and told.list_kind = spells.list_kind
        and told.source_record_id = spells.source_record_id
        and told.known_date >= spells.valid_from_date
        and told.known_date < coalesce(spells.valid_to_date, date 'infinity')
where told.durable_id is distinct from spells.durable_id
