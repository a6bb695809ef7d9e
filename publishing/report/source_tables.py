"""The tables of the page `sources`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from markupsafe import Markup

from publishing.report import health
from publishing.report.health import Delivery, SourceTable
from publishing.report.tables import styled_table
from publishing.report.words import MISSING, count, listing, moment, percent, sentence_case, short_day

# Counts of a table, and of what a run loaded, with their labels.
STANDING = {
    "current": "Records",
    "deleted": "Deleted",
    "open_quarantine": "In quarantine",
    "orphan": "Orphans",
}
ACCOUNT = {
    "received": "Received",
    "loaded": "Loaded",
    "quarantined": "Quarantined",
    "superseded": "Superseded",
    "late": "Came late",
}
BROUGHT = {
    "file": "Files",
    "received": "Received",
    "loaded": "Loaded",
    "quarantined": "Quarantined",
    "superseded": "Superseded",
    "replaced": "Replaced",
    "deleted": "Deleted",
}
ALL_TABLES = {"system": "Together", "table": "all tables"}
CONNECTIONS = {"api": "API", "exports": "exports", "files": "own files"}


def role_table(roles: Mapping[str, str], known: list[SourceTable]) -> Markup:
    """One line per role: what is connected for it, or could be."""
    lines = []
    for role, name in roles.items():
        of_role = [table for table in known if table.role == role]
        connected = [table for table in of_role if table.is_connected]
        lines.append(
            {
                "role": sentence_case(name),
                "systems": _systems(connected) if connected else f"none; possible: {_systems(of_role)}",
                "tables": count(len(connected)),
                "loaded": count(sum(table.loaded_count for table in connected)),
                "newest": _day(health.newest(connected)),
                "status": str(_status(health.worst(connected))),
            }
        )
    labels = {
        "role": "Role",
        "systems": "Connected",
        "tables": "Tables",
        "loaded": "Rows loaded",
        "newest": "Newest record",
        "status": "Status",
    }
    return styled_table("roles", lines, labels, left=["systems"], drawn="status")


def source_table(connected: list[SourceTable]) -> Markup:
    """One line per connected table, under its system: what it holds and how it stands; the last line is of all."""
    lines = [
        _named(table)
        | _summed([table], STANDING)
        | {
            "newest": _day(table.newest_record_date),
            "behind": MISSING if table.days_behind is None else f"{count(table.days_behind)} / {table.freshness_days}",
            "coverage": percent(table.coverage_rate, 0),
            "changes": count(len(table.schema_change.split(", ")) if table.schema_change else 0),
            "status": str(_status(table.status)),
        }
        for table in connected
    ]
    together = {"newest": _day(health.newest(connected)), "behind": "", "coverage": "", "changes": ""}
    status = {"status": str(_status(health.worst(connected)))}
    lines.append(ALL_TABLES | _summed(connected, STANDING) | together | status)
    labels = {
        "table": "Table",
        **STANDING,
        "newest": "Newest record",
        "behind": "Days behind / target",
        "coverage": f"Coverage, {health.COVERAGE_DAYS} days",
        "changes": "Columns changed",
        "status": "Status",
    }
    return styled_table("sources", lines, labels, drawn="status", group="system")


def account_table(connected: list[SourceTable]) -> Markup:
    """One line per connected table, under its system: what became of each row; the last line adds them up."""
    lines = [_named(table) | _summed([table], ACCOUNT) for table in connected]
    lines.append(ALL_TABLES | _summed(connected, ACCOUNT))
    return styled_table("account", lines, {"table": "Table", **ACCOUNT}, group="system")


def delivery_table(deliveries: list[Delivery]) -> Markup:
    """One line per run and system: what was loaded, newest first."""
    lines = [{"run": moment(one.received_at), "system": one.system} | _summed([one], BROUGHT) for one in deliveries]
    return styled_table("deliveries", lines, {"system": "Source", **BROUGHT}, group="run")


def _named(table: SourceTable) -> dict[str, str]:
    system = f"{table.system} · {CONNECTIONS[table.connection or 'files']}"
    return {"system": system, "table": table.table_name.replace("_", " ")}


def _summed(counted: Sequence[SourceTable | Delivery], names: Collection[str]) -> dict[str, str]:
    return {name: count(sum(getattr(one, f"{name}_count") for one in counted)) for name in names}


def _systems(tables: Sequence[SourceTable]) -> str:
    return listing(list(dict.fromkeys(table.system for table in tables)) or [MISSING])


def _day(day: date | None) -> str:
    return short_day(day) if day else MISSING


def _status(status: str) -> Markup:
    return Markup('<span class="status {}">{}</span>').format(status.replace(" ", "-"), status)
