"""What `tenure status` prints."""

from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console

from ingestion.errors import UserError
from ingestion.home import Home, connect_warehouse, lock_home
from ingestion.tables import quarantine_summary
from orchestration.rows import print_rows
from publishing.journal import read_last_run
from publishing.release import current_release
from publishing.report import health
from publishing.report.source import open_release
from publishing.report.words import plural

MISSING_DAYS_SHOWN = 30


def print_status(console: Console, home: Home) -> None:
    """Print the current release and how its sources stand, what the last run did, and what is in quarantine."""
    current = current_release(home)
    if current is None:
        console.print("No release has been published yet: tenure run publishes one.")
    else:
        manifest = current.manifest
        console.print(f"Current release  {current.release_id}  ({_age(manifest['created_at'])})")
        through = max(manifest["data_through"].values(), default="no day")
        console.print(f"  as of {manifest['as_of_date']}, data through {through}")
        console.print(f"  {current.path}")
        _print_sources(console, current.path)
    last_run = read_last_run(home)
    if last_run:
        verdict = (
            f"published {last_run.release_id}" if last_run.outcome == "published" else f"could not {last_run.stage}"
        )
        console.print(f"Last run  {_age(last_run.ended_at)}: {verdict}")
        if last_run.reason:
            console.print(last_run.reason, style="red")
        for warning in last_run.warnings:
            console.print(f"  warning: {warning}", style="yellow")
    _print_quarantine(console, home)


def _print_sources(console: Console, release_path: Path) -> None:
    """The connected systems of a release, then what is wrong with their tables, and days that are missing."""
    with open_release(release_path) as release:
        if not health.is_known(release):
            return
        tables = [table for table in health.read_tables(release) if table.is_connected]
        since = release.as_of_date - timedelta(days=MISSING_DAYS_SHOWN)
        strays = health.read_strays(release)
        missing_days = [day for day in health.read_missing_days(release) if day.record_date >= since]
    rows: list[tuple[object, ...]] = [
        (system, found[0].connection, len(found), health.newest(found), health.worst(found))
        for system, found in health.by_system(tables).items()
    ]
    print_rows(["System", "Connection", "Tables", "Newest record", "Status"], rows)
    for table in tables:
        if table.status in health.WRONG:
            console.print(f"  {table.status}  {table.name}: {health.explain(table)}", style="yellow")
        if table.has_low_inflow:
            console.print(f"  few  {table.name}: {health.explain_inflow(table)}", style="yellow")
    for stray in strays:
        console.print(f"  refused  {stray.system}: {stray.reason}", style="yellow")
    for day in missing_days:
        console.print(f"  missing  {day.name}: no rows on {day.record_date}", style="yellow")


def _print_quarantine(console: Console, home: Home) -> None:
    if not home.warehouse.exists():
        return
    try:
        with lock_home(home), connect_warehouse(home, read_only=True) as warehouse:
            rows = quarantine_summary(warehouse)
    except UserError:
        console.print("Quarantine  not known while a run is under way")
        return
    if not rows:
        console.print("Quarantine  empty")
        return
    console.print("Quarantine")
    for table, reason, count in rows:
        console.print(f"  {count:,}  {table}: {reason}")


def _age(timestamp: str) -> str:
    then = datetime.fromisoformat(timestamp)
    minutes = int((datetime.now(then.tzinfo) - then).total_seconds() // 60)
    if minutes < 120:
        return f"{plural(minutes, 'minute')} ago"
    return f"{minutes // 60} hours ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
