"""The page `sources`: what is connected, what came of it, and what is missing."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from publishing.report import charts, health, source_tables
from publishing.report.health import MissingDay, SourceTable, StrayExport
from publishing.report.source import Release, Row
from publishing.report.words import count, day_name, listing, plural, sentence_case, share_of

CHART_DAYS = 56
# More names than these in a sentence, and nobody reads on; the list below has all of them.
MOST_NAMED = 3
MOST_DAYS_A_TABLE = 8
ROLES = {
    "crm": "CRM",
    "billing": "billing",
    "support": "support",
    "product": "product use",
    "feedback": "feedback",
    "messaging": "messaging",
    "commerce": "commerce",
    "loyalty": "loyalty",
    "interventions": "interventions",
    "success": "success milestones",
}


@dataclass(frozen=True)
class Finding:
    """Something that needs a look: what it is in one word, where, and a sentence on it."""

    severity: str
    kind: str
    table: str
    text: str


def context(release: Release) -> dict[str, Any]:
    """Everything that `templates/sources.html.j2` shows."""
    known = health.read_tables(release)
    missing_days, strays = health.read_missing_days(release), health.read_strays(release)
    connected = [table for table in known if table.is_connected]
    return {
        "sentences": _sentences(known, connected, missing_days, strays),
        "findings": _findings(connected, missing_days, strays),
        "role_table": source_tables.role_table(ROLES, known),
        "source_table": source_tables.source_table(connected) if connected else None,
        "account_table": source_tables.account_table(connected),
        "balance": _balance(connected),
        "delivery_table": source_tables.delivery_table(health.read_deliveries(release)),
        "not_connected": _not_connected(known),
        "least_rows": health.LEAST_DAILY_ROWS,
        **_coverage(release, missing_days),
    }


def _sentences(
    known: list[SourceTable], connected: list[SourceTable], missing_days: list[MissingDay], strays: list[StrayExport]
) -> list[str]:
    """What is connected, what is wrong with it, and how much was refused of what came."""
    if not connected:
        return ["No source is connected."]
    return [_connected(known, connected), _wrong(connected, missing_days, strays), _quarantine(connected)]


def _connected(known: list[SourceTable], connected: list[SourceTable]) -> str:
    systems, present = (list(dict.fromkeys(table.system for table in found)) for found in (known, connected))
    absent = [system for system in systems if system not in present]
    if not absent:
        sentence = f"All {plural(len(systems), 'source')} are connected"
    else:
        sentence = (
            f"{len(present)} of {plural(len(systems), 'source')} {'is' if len(present) == 1 else 'are'} connected"
        )
        sentence += f": {listing(present)}" if len(present) <= len(absent) else f", all but {listing(absent)}"
    through = health.newest(connected)
    sentence += f"; the newest record is of {day_name(through)}." if through else "; no record has come yet."
    filled = {table.role for table in connected if table.loaded_count}
    if lacking := [name for role, name in ROLES.items() if role not in filled]:
        sentence += f" Nothing has come for {listing(lacking)}, so no figure rests on it."
    return sentence


def _wrong(connected: list[SourceTable], missing_days: list[MissingDay], strays: list[StrayExport]) -> str:
    refused, stale, late = (_named(connected, status) for status in health.WRONG)
    parts = []
    if refused:
        parts.append(f"the last delivery of {refused} was refused")
    if stale:
        parts.append(f"{stale} may have stopped")
    if late:
        parts.append(f"late: {late}")
    if low := [table.name for table in connected if table.has_low_inflow]:
        parts.append(f"few new records came of {_shortened(low, 'table')}")
    if missing_days:
        parts.append(f"no rows came for {_named_days(missing_days)}")
    if strays:
        systems = list(dict.fromkeys(stray.system for stray in strays))
        parts.append(f"{listing(systems)} {'has' if len(systems) == 1 else 'have'} exports that belong to no table")
    if not parts:
        return "Everything that is connected came in time, and no day is missing."
    return f"{sentence_case('; '.join(parts))}."


def _quarantine(connected: list[SourceTable]) -> str:
    received, refused, waiting = (
        sum(getattr(table, f"{name}_count") for table in connected)
        for name in ("received", "quarantined", "open_quarantine")
    )
    if not refused:
        return f"None of the {plural(received, 'row')} received broke a rule."
    sentence = (
        f"Of the {plural(received, 'row')} received, {count(refused)} ({share_of(refused, received)}) broke a rule"
    )
    if not waiting:
        return f"{sentence}; all of them have been mended since."
    if waiting < refused:
        sentence += f"; {count(refused - waiting)} of them have been mended since, {count(waiting)}"
    else:
        sentence += " and"
    return f"{sentence} {'is' if waiting == 1 else 'are'} in quarantine, in no figure."


def _named(connected: list[SourceTable], status: str) -> str:
    """The tables of a status, and since when; several of one system are counted."""
    names = []
    for system, found in health.by_system(table for table in connected if table.status == status).items():
        through = health.newest(found)
        since = f" (newest record {day_name(through)})" if through and status != "refused" else ""
        names.append((found[0].name if len(found) == 1 else f"{plural(len(found), 'table')} of {system}") + since)
    return _shortened(names, "system")


def _named_days(missing_days: list[MissingDay]) -> str:
    """The newest missing days, each with its tables."""
    by_day: dict[date, list[str]] = {}
    for missing in missing_days:
        by_day.setdefault(missing.record_date, []).append(missing.name)
    names = [f"{_shortened(found, 'table')} on {day_name(day)}" for day, found in by_day.items()]
    return _shortened(names, "day")


def _shortened(names: list[str], of: str) -> str:
    if not names:
        return ""
    more = len(names) - MOST_NAMED
    return listing(names if more <= 1 else [*names[:MOST_NAMED], f"{plural(more, f'more {of}')}"])


def _findings(connected: list[SourceTable], missing_days: list[MissingDay], strays: list[StrayExport]) -> list[Finding]:
    """All that needs a look: refused, stopped and late tables, few new records, missing days, changed columns.

    And exports that belong to no table.
    """
    found = sorted(
        (table for table in connected if table.status in health.WRONG),
        key=lambda table: health.STATUSES.index(table.status),
    )
    findings = [
        Finding("warning" if table.status == "late" else "error", table.status, table.name, health.explain(table))
        for table in found
    ]
    findings += [Finding("warning", "no table", stray.system, stray.reason) for stray in strays]
    findings += [
        Finding("warning", "few", table.name, health.explain_inflow(table))
        for table in connected
        if table.has_low_inflow
    ]
    days: dict[str, list[date]] = {}
    for missing in missing_days:
        days.setdefault(missing.name, []).append(missing.record_date)
    for name, dates in days.items():
        listed = [day_name(day) for day in dates[:MOST_DAYS_A_TABLE]]
        if earlier := len(dates) - len(listed):
            listed.append(plural(earlier, "earlier day"))
        findings.append(Finding("warning", "missing", name, f"No rows on {listing(listed)}."))
    findings += [
        Finding("warning", "changed", table.name, f"Columns of its exports: {table.schema_change}.")
        for table in connected
        if table.schema_change
    ]
    return findings


def _balance(connected: list[SourceTable]) -> str:
    """received = loaded + quarantined + superseded, in total."""
    received, loaded, quarantined, superseded = (
        sum(getattr(table, f"{name}_count") for table in connected)
        for name in ("received", "loaded", "quarantined", "superseded")
    )
    return (
        f"Every row is accounted for: {count(received)} received = {count(loaded)} loaded + {count(quarantined)} "
        f"quarantined + {count(superseded)} superseded."
    )


def _not_connected(known: list[SourceTable]) -> str:
    """Tables that could be connected, by system."""
    found = health.by_system(table for table in known if not table.is_connected)
    return "; ".join(
        f"{system}: {', '.join(table.table_name.replace('_', ' ') for table in tables)}"
        for system, tables in found.items()
    )


def _coverage(release: Release, missing_days: list[MissingDay]) -> dict[str, Any]:
    days = _read_days(release)
    first, last = (f(row["record_date"] for row in days) if days else release.as_of_date for f in (min, max))
    missing = [f"{day.name} on {day_name(day.record_date)}" for day in missing_days if day.record_date >= first]
    return {
        "coverage_chart": charts.coverage_days(days),
        "coverage_alt": f"New records of those expected by table and day, {day_name(first)} to {day_name(last)}. "
        + (f"No rows: {'; '.join(missing)}." if missing else "No day is missing."),
    }


def _read_days(release: Release) -> list[Row]:
    """The eight weeks before the as-of date, which may not be over, of the tables with enough rows on a usual day."""
    return release.rows(
        """
        select
            health.source, health.system, health.table_name, health.record_date, health.new_count,
            health.expected_count, health.is_gap, health.record_date > health.newest_record_date as is_to_come
        from marts.rpt_source_health as health
        cross join marts.release_info as info
        where
            health.is_connected and health.record_date between info.as_of_date - $days and info.as_of_date - 1
        qualify avg(health.expected_count) over (partition by health.source, health.table_name) >= $least
        order by lower(health.system), health.table_name, health.record_date
        """,
        days=CHART_DAYS,
        least=health.LEAST_DAILY_ROWS,
    )
