"""Suites of the area run: how the sources stand."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from expectations.evidence import Check, Evidence, SourceTable, between, columns_check, no_rows
from ingestion.text import counted, listed, literal

# More sentences than these on one source, and nobody reads on.
MOST_STRAYS = 5


def rpt_source_health(evidence: Evidence) -> list[Check]:
    """Source health: whole accounts, and no connected source that was refused, has stopped or shrunk."""
    table = "rpt_source_health"
    columns_only = [columns_check(evidence, table)]
    return [
        *columns_only,
        between(table, "coverage_rate", 0, 1),
        between(table, "received_count", 0),
        no_rows(
            "received = loaded + quarantined + superseded",
            "error",
            "select 1 from {batch} where received_count != loaded_count + quarantined_count + superseded_count",
            "marts.rpt_source_health has {observed} days on which received rows are not accounted for.",
        ),
        *(check for source in evidence.sources if source.is_connected for check in _standing(evidence, source)),
        *_punctual(evidence),
        *_gaps(evidence),
        *_quarantine(evidence),
    ]


def _standing(evidence: Evidence, source: SourceTable) -> list[Check]:
    """Refused or shrunken: an error of a critical table, a warning of another."""
    where = f"source = {literal(source.source)} and table_name = {literal(source.table_name)}"
    severity = "error" if source.is_critical else "warning"
    kept = ", what was there stays" if source.has_data else ""
    checks = [
        no_rows(
            f"{source.name} was loaded",
            severity,
            f"select 1 from {{batch}} where is_as_of_date and status = 'refused' and {where}",
            f"{source.name} could not be loaded{kept}: {_as_it_is(source.refusal_reason or '')}",
        ),
    ]
    if source.schema_change and "added" in source.schema_change:
        checks.append(
            no_rows(
                f"{source.name} has its columns",
                "warning",
                f"select 1 from {{batch}} where is_as_of_date and schema_change is not null and {where}",
                f"The exports of {source.name} changed: {source.schema_change}.",
            )
        )
    checks += _inflow(evidence, source, where)
    held = evidence.last(f"select current_count from marts.rpt_source_health where is_as_of_date and {where}")
    if held:
        share = evidence.threshold("max_row_loss_rate")
        checks.append(
            no_rows(
                f"{source.name} has not shrunk",
                severity,
                f"select 1 from {{batch}} where is_as_of_date and {where} and current_count < {held * (1 - share)}",
                f"{source.name} holds {counted(source.current_count, 'record')} where the last release had {held:,}: "
                f"more than {share:.0%} are gone.",
            )
        )
    return checks


def _punctual(evidence: Evidence) -> list[Check]:
    """Stale, where nothing of a source's role moves: an error if any of its tables is critical. Late: a warning."""
    connected = [source for source in evidence.sources if source.is_connected]
    checks = []
    for source, role in dict.fromkeys((one.source, one.role) for one in connected):
        of_role = [one for one in connected if (one.source, one.role) == (source, role)]
        for status in ("stale", "late"):
            tables = [one for one in of_role if one.status == status]
            severity = "error" if status == "stale" and any(one.is_critical for one in tables) else "warning"
            where = f"is_as_of_date and status = '{status}' and source = {literal(source)} and role = {literal(role)}"
            checks.append(
                no_rows(
                    f"{of_role[0].system} {role} is not {status}",
                    severity,
                    f"select 1 from {{batch}} where {where}",
                    _behind(evidence, tables) if tables else "",
                )
            )
    return checks


def _behind(evidence: Evidence, tables: Sequence[SourceTable]) -> str:
    """One sentence for all tables of a source's role that are stale, or late."""
    first = tables[0]
    verb = "are" if len(tables) > 1 else "is"
    stands, limit = (
        ("may have stopped", f"limit {min(one.stale_days for one in tables)}")
        if first.status == "stale"
        else (f"{verb} late", f"target {min(one.freshness_days for one in tables)}")
    )
    dated = [one for one in tables if one.newest_record_date is not None]
    newest = max(dated, key=lambda one: one.newest_record_date or date.min, default=first)
    names = listed((one.name if one is first else one.table_name for one in tables), most=5)
    return (
        f"{names} {stands}: the newest record is of {newest.newest_record_date}, "
        f"{counted(newest.days_behind or 0, 'day')} before {evidence.as_of_date} ({limit})."
    )


def _inflow(evidence: Evidence, source: SourceTable, where: str) -> list[Check]:
    """Far fewer new records than usual; what was refused or has stopped is told as that."""
    came, expected = source.recent_new_count, source.recent_expected_count
    if came is None or not expected or source.status in ("refused", "stale"):
        return []
    few, collapsed = evidence.threshold("min_inflow_rate"), evidence.threshold("min_critical_inflow_rate")
    finding = (
        f"Of the {expected:,.0f} new records of {source.name} that are expected of the 7 days before "
        f"{evidence.as_of_date}, {came:,} came ({came / expected:.0%}): check that its export holds everything, and "
        "deliver it again."
    )
    rate = "recent_new_count / recent_expected_count"
    query = f"select 1 from {{batch}} where is_as_of_date and {where} and {rate}"
    # What blocks is not told a second time.
    bearable = f"{query} >= {collapsed} and {rate}" if source.is_critical else query
    checks = [no_rows(f"{source.name} brings what is expected", "warning", f"{bearable} < {few}", finding)]
    if source.is_critical:
        checks.append(no_rows(f"{source.name} goes on", "error", f"{query} < {collapsed}", finding))
    return checks


def _gaps(evidence: Evidence) -> list[Check]:
    days = listed(evidence.missing_days, most=5)
    return [
        no_rows(
            "no missing day",
            "warning",
            "select 1 from {batch} where is_gap and is_connected",
            f"Days without new records in tables that have some every day: {days}.",
        )
    ]


def _quarantine(evidence: Evidence) -> list[Check]:
    share = evidence.threshold("max_quarantined_share")
    over = [
        f"{table.name} {table.open_quarantine_count:,} of {total:,} ({table.open_quarantine_count / total:.1%})"
        for table in evidence.sources
        if (total := table.current_count + table.open_quarantine_count)
        and table.is_connected
        and table.open_quarantine_count > share * total
    ]
    return [
        no_rows(
            "quarantine",
            "warning",
            "select 1 from {batch} where is_as_of_date and is_connected "
            f"and open_quarantine_count > {share} * (current_count + open_quarantine_count)",
            f"More than {share:.0%} of their rows are in quarantine: {listed(over, most=5)}; tenure status says why. "
            "Mend them at the source and deliver them again.",
        )
    ]


def rpt_source_refusals(evidence: Evidence) -> list[Check]:
    """Refusals: those of a table are judged with its health, the others here."""
    table = "rpt_source_refusals"
    columns_only = [columns_check(evidence, table)]
    strays = {system: list(found) for system, found in groupby(evidence.stray_exports, key=lambda stray: stray[0])}
    return [*columns_only, *(_stray(system, [reason for _, reason in found]) for system, found in strays.items())]


def _stray(system: str, reasons: list[str]) -> Check:
    more = len(reasons) - MOST_STRAYS
    told = " ".join(reasons[:MOST_STRAYS]) + (f" And {more} more: tenure status names them." if more > 0 else "")
    return no_rows(
        f"{system} has no export without a table",
        "warning",
        f"select 1 from {{batch}} where table_name is null and system = {literal(system)}",
        f"{system}: {_as_it_is(told)}",
    )


def _as_it_is(text: str) -> str:
    """Text of a file's own, in which braces mean nothing."""
    return text.replace("{", "{{").replace("}", "}}")


def dim_dates(evidence: Evidence) -> list[Check]:
    """The calendar: no day is left out."""
    table = "dim_dates"
    return [
        columns_check(evidence, table),
        no_rows(
            "every day",
            "error",
            "select 1 from {batch} qualify date_day - lag(date_day) over (order by date_day) != 1",
            f"marts.{table} leaves days out before {{observed}} of its days.",
        ),
    ]


SUITES = {
    "dim_dates": dim_dates,
    "rpt_source_health": rpt_source_health,
    "rpt_source_refusals": rpt_source_refusals,
}
