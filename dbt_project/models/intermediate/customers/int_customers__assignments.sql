with recursive records as (

    select
        clusters.entity,
        clusters.source,
        clusters.list_kind,
        clusters.source_record_id,
        clusters.source || '/' || clusters.list_kind || '/' || clusters.source_record_id as record_id,
        clusters.cluster_id,
        clusters.first_seen_at,
        known.durable_id as known_id,
        known.last_durable_id,
        known.change_count,
        known.first_ledger_number
    from {{ ref('int_customers__clusters') }} as clusters
    left join {{ ref('int_customers__known_records') }} as known
        on
            clusters.entity = known.entity
            and clusters.source = known.source
            and clusters.list_kind = known.list_kind
            and clusters.source_record_id = known.source_record_id

),

ledger as (

    select
        ledger.entity,
        ledger.source,
        ledger.list_kind,
        ledger.source_record_id,
        ledger.durable_id,
        ledger.known_date,
        ledger.ledger_number,
        ledger.known_date <= context.as_of_date as is_of_the_past
    from {{ ref('int_customers__known_ledger') }} as ledger
    cross join {{ ref('int_run__context') }} as context

),

known_ids as (

    select
        entity,
        durable_id,
        min(ledger_number) as minted_number
    from ledger
    where durable_id is not null
    group by entity, durable_id

),

held as (

    select
        entity,
        cluster_id,
        known_id as durable_id,
        count(*) as record_count,
        min(first_ledger_number) as first_ledger_number
    from records
    where known_id is not null
    group by entity, cluster_id, known_id

),

-- Records that come back, with the id that they had.
coming_back as (

    select
        records.entity,
        records.cluster_id,
        records.last_durable_id as durable_id,
        records.first_ledger_number
    from records
    anti join held
        on
            records.entity = held.entity
            and records.last_durable_id = held.durable_id
    where records.known_id is null and records.last_durable_id is not null

),

members_of_their_ids as (

    select distinct
        ledger.entity,
        ledger.source,
        ledger.list_kind,
        ledger.source_record_id
    from ledger
    semi join coming_back
        on
            ledger.entity = coming_back.entity
            and ledger.durable_id = coming_back.durable_id

),

departures as (

    select
        ledger.entity,
        lag(ledger.durable_id) over record_history as durable_id,
        ledger.durable_id as next_id,
        ledger.known_date
    from ledger
    semi join members_of_their_ids as members
        on
            ledger.entity = members.entity
            and ledger.source = members.source
            and ledger.list_kind = members.list_kind
            and ledger.source_record_id = members.source_record_id
    where ledger.is_of_the_past
    window
        record_history as (
            partition by ledger.entity, ledger.source, ledger.list_kind, ledger.source_record_id
            order by ledger.known_date, ledger.ledger_number
        )

),

-- The last that left such an id went over to another one: whoever asks for it is sent there.
merged_ids as (

    select
        entity,
        durable_id
    from departures
    where durable_id is not null and next_id is distinct from durable_id
    group by entity, durable_id
    having max(known_date) filter (where next_id is not null) = max(known_date)

),

taken_back as (

    select
        coming_back.entity,
        coming_back.cluster_id,
        coming_back.durable_id,
        count(*) as record_count,
        min(coming_back.first_ledger_number) as first_ledger_number
    from coming_back
    anti join merged_ids
        on
            coming_back.entity = merged_ids.entity
            and coming_back.durable_id = merged_ids.durable_id
    group by coming_back.entity, coming_back.cluster_id, coming_back.durable_id

),

-- Clusters that may end without an id of their records, though these are known.
loose_clusters as (

    select distinct
        entity,
        cluster_id
    from (
        select
            entity,
            cluster_id,
            count(*) over (partition by entity, durable_id) as cluster_count
        from held
    ) as counted
    where cluster_count > 1
    union
    select distinct
        records.entity,
        records.cluster_id
    from records
    anti join held
        on
            records.entity = held.entity
            and records.cluster_id = held.cluster_id
    where records.change_count is not null

),

loose_ids as (

    select distinct
        ledger.entity,
        ledger.durable_id
    from records
    semi join loose_clusters
        on
            records.entity = loose_clusters.entity
            and records.cluster_id = loose_clusters.cluster_id
    inner join ledger
        on
            records.entity = ledger.entity
            and records.source = ledger.source
            and records.list_kind = ledger.list_kind
            and records.source_record_id = ledger.source_record_id
    anti join held
        on
            ledger.entity = held.entity
            and ledger.durable_id = held.durable_id
    where ledger.is_of_the_past and ledger.durable_id is not null and records.change_count > 1

),

-- An id that was merged comes back where the merge is undone: most of the records that ever had it are there again.
unmerged as (

    select
        records.entity,
        records.cluster_id,
        ledger.durable_id,
        count(distinct records.record_id) as record_count,
        min(records.first_ledger_number) as first_ledger_number
    from ledger
    semi join loose_ids
        on
            ledger.entity = loose_ids.entity
            and ledger.durable_id = loose_ids.durable_id
    inner join records
        on
            ledger.entity = records.entity
            and ledger.source = records.source
            and ledger.list_kind = records.list_kind
            and ledger.source_record_id = records.source_record_id
    where ledger.is_of_the_past
    group by records.entity, records.cluster_id, ledger.durable_id
    qualify
        rank() over (partition by records.entity, ledger.durable_id order by count(distinct records.record_id) desc) = 1
        and count(*) over (partition by records.entity, ledger.durable_id, count(distinct records.record_id)) = 1

),

pairs as (

    select
        1 as tier,
        *
    from held
    union all by name
    select
        2 as tier,
        *
    from taken_back
    union all by name
    select
        3 as tier,
        *
    from unmerged

),

-- Nearly every pair is alone: a cluster with one known id, which is in no other cluster.
counted_pairs as (

    select
        *,
        count(*) over (partition by entity, cluster_id) = 1 and count(*) over (partition by entity, durable_id) = 1
            as is_alone
    from pairs

),

ranked_pairs as (

    select
        pairs.entity,
        pairs.cluster_id,
        pairs.durable_id,
        row_number() over (
            order by
                pairs.tier asc,
                pairs.record_count desc,
                known_ids.minted_number asc,
                pairs.durable_id asc,
                pairs.first_ledger_number asc,
                pairs.cluster_id asc
        ) as place
    from counted_pairs as pairs
    inner join known_ids
        on
            pairs.entity = known_ids.entity
            and pairs.durable_id = known_ids.durable_id
    where not pairs.is_alone

),

-- The pair that shares most records is a match; its cluster and its id are gone from the list; and so on. An id that
-- lost its largest part to a larger one thus stays with the next, and as few records as possible change their id.
-- All pairs that are first of both their cluster and their id are matched at once; one always is, so this ends.
rounds as (

    select
        entity,
        cluster_id,
        durable_id,
        place,
        false as is_match
    from ranked_pairs
    union all
    select
        entity,
        cluster_id,
        durable_id,
        place,
        is_match
    from (
        select
            *,
            bool_or(is_match) over (partition by entity, cluster_id) as is_cluster_matched,
            bool_or(is_match) over (partition by entity, durable_id) as is_id_matched
        from (
            select
                entity,
                cluster_id,
                durable_id,
                place,
                place = min(place) over (partition by entity, cluster_id)
                and place = min(place) over (partition by entity, durable_id) as is_match
            from rounds
            where not is_match
        ) as left_pairs
    ) as round_pairs
    where is_match or not (is_cluster_matched or is_id_matched)

),

matches as (

    select
        entity,
        cluster_id,
        durable_id
    from counted_pairs
    where is_alone
    union all
    select
        entity,
        cluster_id,
        durable_id
    from rounds
    where is_match

),

founders as (

    select
        records.entity,
        records.cluster_id,
        records.change_count,
        if(records.entity = 'customer', 'cus_', 'per_') as prefix,
        -- A source's people and its customers have ids of their own, which may be alike. A customer's id has been made
        -- of these two from the beginning.
        if(
            records.entity = 'customer' and records.list_kind = 'customer',
            records.source || '/' || records.source_record_id,
            records.record_id
        ) as origin
    from records
    anti join matches
        on
            records.entity = matches.entity
            and records.cluster_id = matches.cluster_id
    qualify
        row_number() over (
            partition by records.entity, records.cluster_id
            order by records.first_seen_at nulls last, records.record_id
        ) = 1

),

minted as (

    select
        founders.entity,
        founders.cluster_id,
        -- The id of a founder that founded before is taken. How often the founder has changed its id by now, it never
        -- had before.
        founders.prefix || left(
            if(
                known_ids.durable_id is null,
                md5(founders.origin),
                md5(md5(founders.origin) || '/' || coalesce(founders.change_count, 0))
            ), 20
        ) as durable_id
    from founders
    left join known_ids
        on
            founders.entity = known_ids.entity
            and founders.prefix || left(md5(founders.origin), 20) = known_ids.durable_id

),

ids as (

    select *
    from matches
    union all by name
    select *
    from minted

),

final as (

    select
        records.entity,
        records.source,
        records.list_kind,
        records.source_record_id,
        ids.durable_id,
        -- That a record is new is data, whatever else changed.
        if(records.change_count is null, 'data', cause.cause) as cause
    from records
    cross join {{ ref('int_customers__cause') }} as cause
    inner join ids
        on
            records.entity = ids.entity
            and records.cluster_id = ids.cluster_id

)

select
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    cause
from final
