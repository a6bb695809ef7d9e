"""How the sources stand, read from `marts.rpt_source_health`.

`tenure status` reads it, too: nothing that takes long to import is imported here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from publishing.report.source import Release
from publishing.report.words import count, day_name, plural

COVERAGE_DAYS = 28
# Of how many runs the page shows what they loaded.
RUNS_SHOWN = 3
# A table with fewer rows on a usual day varies too much by itself: what is missing of one day says nothing.
LEAST_DAILY_ROWS = 20
# A table with less than this share of a usual week's new records is said to bring few.
LOW_INFLOW = 0.5
# From worst to best. A table without rows is rarely a fault, so it counts only where nothing else has rows either.
STATUSES = ("refused", "stale", "late", "ok", "empty", "not connected")
WRONG = STATUSES[:3]


@dataclass(frozen=True)
class SourceTable:
    """One raw table: what came of it over all loads, and how it stands on the as-of date.

    `coverage_rate`: share of each day's expected new records that came, over the 28 days before it, as that day itself
    may not be over; None where too few a day are expected. `recent_new_count`: new records of the last seven of these
    days, as far as they are due, and likewise what is expected of them.
    """

    source: str
    system: str
    table_name: str
    role: str
    connection: str | None
    is_connected: bool
    status: str
    newest_record_date: date | None
    days_behind: int | None
    freshness_days: int
    stale_days: int
    recent_new_count: int | None
    recent_expected_count: float | None
    refusal_reason: str | None
    schema_change: str | None
    orphan_count: int
    received_count: int
    loaded_count: int
    quarantined_count: int
    superseded_count: int
    late_count: int
    current_count: int
    deleted_count: int
    open_quarantine_count: int
    coverage_rate: float | None

    @property
    def name(self) -> str:
        return table_label(self.source, self.system, self.table_name)

    @property
    def has_low_inflow(self) -> bool:
        """Whether far fewer new records came than usual. What was refused or has stopped is told as that."""
        if self.recent_new_count is None or not self.recent_expected_count or self.status in ("refused", "stale"):
            return False
        return self.recent_new_count < LOW_INFLOW * self.recent_expected_count


@dataclass(frozen=True)
class MissingDay:
    """A day without rows in a table that has some every day."""

    source: str
    system: str
    table_name: str
    record_date: date
    expected_count: float

    @property
    def name(self) -> str:
        return table_label(self.source, self.system, self.table_name)


@dataclass(frozen=True)
class StrayExport:
    """An export that belongs to no table of its system, and what to do with it."""

    system: str
    reason: str


@dataclass(frozen=True)
class Delivery:
    """What one run loaded of a system's files. `replaced_count`: rows that were current until then."""

    received_at: datetime
    system: str
    file_count: int
    received_count: int
    loaded_count: int
    quarantined_count: int
    superseded_count: int
    replaced_count: int
    deleted_count: int


def table_label(source: str, system: str, table_name: str) -> str:
    """Zendesk ticket comments; a table of one's own files by its name alone."""
    table = table_name.replace("_", " ")
    return table if source == "files" else f"{system} {table}"


def is_known(release: Release) -> bool:
    """Whether the release says how its sources stand, in all that is asked here: those of earlier versions don't."""
    return "rpt_source_refusals" in release.manifest["tables"]


def read_tables(release: Release) -> list[SourceTable]:
    """Every table that a source can fill, connected or not, by system and name."""
    rows = release.rows(
        """
        with counted as (
            select
                health.source, health.table_name,
                sum(health.received_count)::bigint as received_count,
                sum(health.loaded_count)::bigint as loaded_count,
                sum(health.quarantined_count)::bigint as quarantined_count,
                sum(health.superseded_count)::bigint as superseded_count,
                sum(health.late_count)::bigint as late_count,
                sum(least(health.new_count, health.expected_count)) filter (is_recent) as came,
                sum(health.expected_count) filter (is_recent) as expected,
                count(health.expected_count) filter (is_recent) as day_count
            from (
                select
                    r.*,
                    coalesce(
                        r.record_date between info.as_of_date - $days and info.as_of_date - 1, false
                    ) as is_recent
                from marts.rpt_source_health as r
                cross join marts.release_info as info
            ) as health
            group by health.source, health.table_name
        )

        select
            health.source, health.system, health.table_name, health.role, health.connection, health.is_connected,
            health.status, health.newest_record_date, health.days_behind, health.freshness_days, health.stale_days,
            health.recent_new_count, health.recent_expected_count,
            health.refusal_reason, health.schema_change, health.orphan_count,
            counted.received_count, counted.loaded_count, counted.quarantined_count, counted.superseded_count,
            counted.late_count, health.current_count, health.deleted_count, health.open_quarantine_count,
            case when counted.expected >= $least * counted.day_count then counted.came / counted.expected end
                as coverage_rate
        from marts.rpt_source_health as health
        inner join counted on health.source = counted.source and health.table_name = counted.table_name
        where health.is_as_of_date
        order by lower(health.system), health.source, health.table_name
        """,
        days=COVERAGE_DAYS,
        least=LEAST_DAILY_ROWS,
    )
    return [SourceTable(**row) for row in rows]


def read_missing_days(release: Release) -> list[MissingDay]:
    """The days that are missing of connected tables, newest first."""
    rows = release.rows(
        """
        select source, system, table_name, record_date, expected_count
        from marts.rpt_source_health
        where is_gap and is_connected
        order by record_date desc, lower(system), table_name
        """
    )
    return [MissingDay(**row) for row in rows]


def read_strays(release: Release) -> list[StrayExport]:
    """What came and belongs to no table, by system."""
    rows = release.rows(
        """
        select system, reason
        from marts.rpt_source_refusals
        where table_name is null
        order by lower(system), reason
        """
    )
    return [StrayExport(**row) for row in rows]


def read_deliveries(release: Release) -> list[Delivery]:
    """What the last runs that loaded anything brought, newest first, then by system."""
    rows = release.rows(
        """
        with systems as (select distinct source, system from marts.rpt_source_health)

        select
            loads.received_at, systems.system, count(*)::bigint as file_count,
            sum(loads.received_count)::bigint as received_count,
            sum(loads.loaded_count)::bigint as loaded_count,
            sum(loads.quarantined_count)::bigint as quarantined_count,
            sum(loads.superseded_count)::bigint as superseded_count,
            sum(loads.replaced_count)::bigint as replaced_count,
            sum(loads.deleted_count)::bigint as deleted_count
        from state.source_loads as loads
        inner join systems on loads.source = systems.source
        group by loads.received_at, systems.system
        qualify dense_rank() over (order by loads.received_at desc) <= $runs
        order by loads.received_at desc, lower(systems.system)
        """,
        runs=RUNS_SHOWN,
    )
    return [Delivery(**row) for row in rows]


def by_system(tables: Iterable[SourceTable]) -> dict[str, list[SourceTable]]:
    """The tables by the system that they come from, in their order."""
    found: dict[str, list[SourceTable]] = {}
    for table in tables:
        found.setdefault(table.system, []).append(table)
    return found


def worst(tables: Iterable[SourceTable]) -> str:
    """The worst status among the connected ones of some tables."""
    statuses = [table.status for table in tables if table.is_connected]
    return min(statuses, key=STATUSES.index, default=STATUSES[-1])


def newest(tables: Iterable[SourceTable]) -> date | None:
    """The date of the newest record of some tables."""
    return max((table.newest_record_date for table in tables if table.newest_record_date), default=None)


def explain(table: SourceTable) -> str:
    """What is wrong with a table that is refused, stale or late."""
    if table.status == "refused":
        reason = table.refusal_reason or "Its last delivery was not loaded."
        return f"{reason} What had come before stays." if table.loaded_count else reason
    if table.newest_record_date is None or table.days_behind is None:
        return "It has no record with a date."
    since = f"Its newest record is of {day_name(table.newest_record_date)}, {plural(table.days_behind, 'day')} before"
    if table.status == "stale":
        return f"{since} the as-of date: it may have stopped (limit {plural(table.stale_days, 'day')})."
    return f"{since} the as-of date (target {plural(table.freshness_days, 'day')})."


def explain_inflow(table: SourceTable) -> str:
    """How many new records came of a table's last week, and how many usually do."""
    return (
        f"{plural(table.recent_new_count or 0, 'new record')} in the last seven days, where "
        f"{count(table.recent_expected_count)} are expected: its export may not hold everything."
    )
