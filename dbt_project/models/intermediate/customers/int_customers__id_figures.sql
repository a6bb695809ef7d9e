with records as (

    select *
    from {{ ref('int_customers__record_ids') }}

),

-- The day before counts, not the run before: a day that is run again has the same figures.
known_before as (

    select
        spells.entity,
        spells.source,
        spells.list_kind,
        spells.source_record_id,
        spells.durable_id
    from {{ ref('int_customers__id_spells') }} as spells
    inner join {{ ref('int_run__context') }} as context
        on
            spells.valid_from_date < context.as_of_date
            and coalesce(spells.valid_to_date >= context.as_of_date, true)

),

-- What the ledger tells of the day.
written as (

    select distinct
        ledger.entity,
        ledger.source,
        ledger.list_kind,
        ledger.source_record_id,
        ledger.durable_id
    from {{ ref('int_customers__ledger') }} as ledger
    inner join {{ ref('int_run__context') }} as context on ledger.known_date = context.as_of_date

),

ids as (

    select
        entity,
        durable_id,
        count(*) as record_count
    from records
    group by entity, durable_id

),

sizes as (

    select
        entity,
        count(*) as id_count,
        sum(record_count) as record_count,
        quantile_disc(record_count, 0.5) as size_p50,
        quantile_disc(record_count, 0.99) as size_p99,
        max(record_count) as size_max
    from ids
    group by entity

),

-- A record that its source has deleted is no change of an id.
known_again as (

    select
        records.entity,
        records.durable_id = known_before.durable_id as is_same,
        written.durable_id is not null as is_written
    from records
    inner join known_before using (entity, source, list_kind, source_record_id)
    left join written
        on
            records.entity = written.entity
            and records.source = written.source
            and records.list_kind = written.list_kind
            and records.source_record_id = written.source_record_id
            and records.durable_id = written.durable_id

),

stability as (

    select
        entity,
        count(*) filter (where is_same) as same_count,
        count(*) filter (where not is_same and not is_written) as unwritten_count,
        count(*) as known_count
    from known_again
    group by entity

),

final as (

    select
        entity,
        'record_count' as metric,
        record_count as num,
        null as den
    from sizes
    union all by name
    select
        entity,
        'id_count' as metric,
        id_count as num
    from sizes
    union all by name
    select
        entity,
        'records_per_id' as metric,
        record_count as num,
        id_count as den
    from sizes
    union all by name
    select
        entity,
        'cluster_size_p50' as metric,
        size_p50 as num
    from sizes
    union all by name
    select
        entity,
        'cluster_size_p99' as metric,
        size_p99 as num
    from sizes
    union all by name
    select
        entity,
        'cluster_size_max' as metric,
        size_max as num
    from sizes
    union all by name
    select
        entity,
        'id_stability' as metric,
        same_count as num,
        known_count as den
    from stability
    union all by name
    select
        entity,
        'changed_without_event' as metric,
        unwritten_count as num
    from stability

)

select
    entity,
    metric,
    'all' as segment,
    num / coalesce(den, 1) as value,
    case when den is not null then num end as num,
    den
from final
