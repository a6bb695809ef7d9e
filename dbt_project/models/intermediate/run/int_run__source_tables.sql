with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

tables as (

    select
        source,
        system,
        table_name,
        role,
        owner,
        connection,
        is_critical,
        is_dated,
        freshness_days,
        stale_days,
        current_count,
        deleted_count,
        open_quarantine_count
    from {{ ref('stg_ingestion__tables') }}

),

received as (

    select
        days.source,
        days.table_name,
        -- A record that changes is news, too: subscriptions are alive although nobody subscribed today.
        greatest(
            max(days.record_date) filter (where days.has_records and days.record_date <= context.as_of_date),
            max(days.newest_version_date) filter (where days.newest_version_date <= context.as_of_date)
        ) as newest_record_date,
        coalesce(bool_or(days.loaded_count > 0), false) as has_data,
        sum(days.quarantined_count) as quarantined_count
    from {{ ref('int_run__source_days') }} as days
    cross join context
    group by days.source, days.table_name

),

-- The tables are counted as they are now. What is dated after the as-of date that the run was given is taken off.
later_records as (

    select
        source,
        table_name,
        sum(new_count) as new_count
    from {{ ref('stg_ingestion__load_days') }}
    where {{ is_later('coalesce(version_date, record_date)') }}
    group by source, table_name

),

later_deletions as (

    select
        source,
        table_name,
        sum(deleted_count) as deleted_count
    from (
        -- Who is missing from an export was there until the newest version that the table had by then.
        select
            source,
            table_name,
            deleted_count,
            max(newest_version_at) over (partition by source, table_name order by load_id) as deleted_at
        from {{ ref('stg_ingestion__loads') }}
    )
    where {{ is_later('deleted_at') }}
    group by source, table_name

),

refusals as (

    select
        source,
        table_name,
        count(*) as refusal_count,
        string_agg(distinct reason, ' ' order by reason) as refusal_reason
    from {{ ref('stg_ingestion__refusals') }}
    group by source, table_name

),

schema_changes as (

    select
        source,
        table_name,
        string_agg(distinct change || ' ' || column_name, ', ' order by change || ' ' || column_name) as schema_change
    from {{ ref('stg_ingestion__schema_changes') }}
    group by source, table_name

),

orphans as (

    select
        source,
        table_name,
        cast(sum(orphan_count) as bigint) as orphan_count
    from {{ ref('stg_ingestion__orphans') }}
    group by source, table_name

),

measured as (

    select
        tables.source,
        tables.system,
        tables.table_name,
        tables.role,
        tables.owner,
        tables.connection,
        tables.is_critical,
        tables.is_dated,
        tables.connection is not null as is_connected,
        coalesce(received.has_data, false) as has_data,
        received.newest_record_date,
        case when tables.is_dated then context.as_of_date - received.newest_record_date end as days_behind,
        tables.freshness_days,
        tables.stale_days,
        tables.current_count
        - coalesce(later_records.new_count, 0)
        + coalesce(later_deletions.deleted_count, 0) as current_count,
        tables.deleted_count - coalesce(later_deletions.deleted_count, 0) as deleted_count,
        least(tables.open_quarantine_count, received.quarantined_count) as open_quarantine_count,
        coalesce(refusals.refusal_count, 0) as refusal_count,
        refusals.refusal_reason,
        schema_changes.schema_change,
        coalesce(orphans.orphan_count, 0) as orphan_count
    from tables
    cross join context
    left join received
        on
            tables.source = received.source
            and tables.table_name = received.table_name
    left join later_records
        on
            tables.source = later_records.source
            and tables.table_name = later_records.table_name
    left join later_deletions
        on
            tables.source = later_deletions.source
            and tables.table_name = later_deletions.table_name
    left join refusals
        on
            tables.source = refusals.source
            and tables.table_name = refusals.table_name
    left join schema_changes
        on
            tables.source = schema_changes.source
            and tables.table_name = schema_changes.table_name
    left join orphans
        on
            tables.source = orphans.source
            and tables.table_name = orphans.table_name

),

-- A quiet table is no sign: a shop without refunds this week has not stopped. It has if nothing of its kind moves.
sources as (

    select
        source,
        role,
        min(days_behind) as source_days_behind
    from measured
    group by source, role

),

final as (

    select
        measured.source,
        measured.system,
        measured.table_name,
        measured.role,
        measured.owner,
        measured.connection,
        measured.is_critical,
        measured.is_dated,
        measured.is_connected,
        measured.has_data,
        measured.newest_record_date,
        measured.days_behind,
        measured.freshness_days,
        measured.stale_days,
        -- A record that was deleted after the as-of date and came back is there, and counts as deleted: never below 0.
        cast(greatest(measured.current_count, 0) as bigint) as current_count,
        cast(greatest(measured.deleted_count, 0) as bigint) as deleted_count,
        cast(coalesce(measured.open_quarantine_count, 0) as bigint) as open_quarantine_count,
        measured.refusal_count,
        measured.refusal_reason,
        measured.schema_change,
        measured.orphan_count,
        case
            when not measured.is_connected then 'not connected'
            when measured.refusal_count > 0 then 'refused'
            when not measured.has_data then 'empty'
            when sources.source_days_behind > measured.stale_days then 'stale'
            when
                measured.days_behind > measured.freshness_days
                and (measured.is_critical or sources.source_days_behind > measured.freshness_days)
                then 'late'
            else 'ok'
        end as status
    from measured
    left join sources
        on
            measured.source = sources.source
            and measured.role = sources.role

)

select
    source,
    system,
    table_name,
    role,
    owner,
    connection,
    is_critical,
    is_dated,
    is_connected,
    has_data,
    newest_record_date,
    days_behind,
    freshness_days,
    stale_days,
    current_count,
    deleted_count,
    open_quarantine_count,
    refusal_count,
    refusal_reason,
    schema_change,
    orphan_count,
    status
from final
