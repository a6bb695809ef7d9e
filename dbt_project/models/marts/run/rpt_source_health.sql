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
        is_connected,
        has_data,
        newest_record_date,
        days_behind,
        freshness_days,
        stale_days,
        refusal_count,
        refusal_reason,
        schema_change,
        orphan_count,
        current_count,
        deleted_count,
        open_quarantine_count,
        status
    from {{ ref('int_run__source_tables') }}

),

days as (

    select
        days.source,
        days.table_name,
        days.record_date,
        days.received_count,
        days.loaded_count,
        days.quarantined_count,
        days.superseded_count,
        days.new_count,
        days.late_count
    from {{ ref('int_run__source_days') }} as days
    cross join context
    inner join tables
        on
            days.source = tables.source
            and days.table_name = tables.table_name
    where days.record_date is null or days.record_date <= context.as_of_date or not tables.is_dated

),

first_days as (

    select
        source,
        table_name,
        min(record_date) as first_record_date
    from days
    where loaded_count > 0
    group by source, table_name

),

-- Every day from a table's first record to the as-of date, so that a day without any has a row, too.
calendar as (

    select
        tables.source,
        tables.table_name,
        cast(day.day_at as date) as record_date
    from tables
    cross join context
    left join first_days
        on
            tables.source = first_days.source
            and tables.table_name = first_days.table_name
    cross join
        lateral unnest(
            generate_series(
                cast(
                    case
                        when tables.is_dated
                            then coalesce(first_days.first_record_date, context.as_of_date)
                        else context.as_of_date
                    end as timestamp
                ),
                cast(context.as_of_date as timestamp),
                interval 1 day
            )
        ) as day (day_at)

),

all_days as (

    select
        source,
        table_name,
        record_date
    from calendar
    union
    select
        source,
        table_name,
        record_date
    from days

),

counted as (

    select
        all_days.source,
        all_days.table_name,
        all_days.record_date,
        coalesce(days.received_count, 0) as received_count,
        coalesce(days.loaded_count, 0) as loaded_count,
        coalesce(days.quarantined_count, 0) as quarantined_count,
        coalesce(days.superseded_count, 0) as superseded_count,
        coalesce(days.new_count, 0) as new_count,
        coalesce(days.late_count, 0) as late_count
    from all_days
    left join days
        on
            all_days.source = days.source
            and all_days.table_name = days.table_name
            and all_days.record_date is not distinct from days.record_date

),

expected as (

    select
        source,
        table_name,
        record_date,
        median(new_count) over same_weekdays as expected_count,
        count(*) over same_weekdays as weekday_count,
        -- A table that skips days by itself, or jumps, says nothing by skipping one more.
        min(new_count) over same_weekdays * 2 >= median(new_count) over same_weekdays
        and min(new_count) over last_days > 0 as is_steady
    from counted
    where record_date is not null
    window
        same_weekdays as (
            partition by source, table_name, isodow(record_date)
            order by record_date
            rows between {{ var('expected_volume_weeks') }} preceding and 1 preceding
        ),
        last_days as (
            partition by source, table_name
            order by record_date
            rows between {{ var('steady_days') }} preceding and 1 preceding
        )

),

daily as (

    select
        counted.source,
        counted.table_name,
        counted.record_date,
        counted.received_count,
        counted.loaded_count,
        counted.quarantined_count,
        counted.superseded_count,
        counted.new_count,
        counted.late_count,
        case
            when tables.is_dated and expected.weekday_count = {{ var('expected_volume_weeks') }}
                then cast(expected.expected_count as double)
        end as expected_count,
        coalesce(expected.is_steady, false) as is_steady
    from counted
    inner join tables
        on
            counted.source = tables.source
            and counted.table_name = tables.table_name
    left join expected
        on
            counted.source = expected.source
            and counted.table_name = expected.table_name
            and counted.record_date = expected.record_date

),

-- A day can be judged once a newer one has come, or once it is past the target; the as-of date may not be over.
last_week as (

    select
        daily.source,
        daily.table_name,
        cast(sum(daily.new_count) as bigint) as recent_new_count,
        sum(daily.expected_count) as recent_expected_count
    from daily
    cross join context
    inner join tables
        on
            daily.source = tables.source
            and daily.table_name = tables.table_name
    where
        daily.record_date between context.as_of_date - 7 and context.as_of_date - 1
        and daily.record_date < greatest(tables.newest_record_date, context.as_of_date - tables.freshness_days)
        and daily.expected_count is not null
    group by daily.source, daily.table_name
    having avg(daily.expected_count) >= {{ var('least_expected_volume') }}

),

final as (

    select
        tables.source,
        tables.system,
        tables.table_name,
        tables.role,
        tables.owner,
        tables.connection,
        tables.is_connected,
        tables.is_critical,
        daily.record_date,
        daily.received_count,
        daily.loaded_count,
        daily.quarantined_count,
        daily.superseded_count,
        daily.new_count,
        daily.late_count,
        daily.expected_count,
        daily.is_steady,
        tables.newest_record_date,
        tables.days_behind,
        tables.freshness_days,
        tables.stale_days,
        last_week.recent_new_count,
        last_week.recent_expected_count,
        tables.refusal_count,
        tables.refusal_reason,
        tables.schema_change,
        tables.orphan_count,
        tables.current_count,
        tables.deleted_count,
        tables.open_quarantine_count,
        tables.status,
        daily.record_date = context.as_of_date as is_as_of_date
    from daily
    cross join context
    inner join tables
        on
            daily.source = tables.source
            and daily.table_name = tables.table_name
    left join last_week
        on
            daily.source = last_week.source
            and daily.table_name = last_week.table_name

)

select
    source,
    system,
    table_name,
    role,
    owner,
    connection,
    is_connected,
    is_critical,
    record_date,
    coalesce(is_as_of_date, false) as is_as_of_date,
    received_count,
    loaded_count,
    quarantined_count,
    superseded_count,
    new_count,
    late_count,
    expected_count,
    coalesce(
        new_count = 0
        and is_steady
        and expected_count >= {{ var('least_expected_volume') }}
        and record_date < newest_record_date,
        false
    ) as is_gap,
    case when expected_count > 0 then least(1.0, new_count / expected_count) end as coverage_rate,
    newest_record_date,
    cast(days_behind as integer) as days_behind,
    freshness_days,
    stale_days,
    recent_new_count,
    recent_expected_count,
    refusal_count,
    refusal_reason,
    schema_change,
    orphan_count,
    current_count,
    deleted_count,
    open_quarantine_count,
    status
from final
