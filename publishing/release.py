"""The publish step: judge the marts, write them as one release, and point readers at it in one atomic move."""

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations.gate import Baseline, CheckResult, GateResult, judge
from expectations.gate import load_library as load_judge
from ingestion.errors import UserError
from ingestion.home import Home, connect_warehouse, memory_limit
from ingestion.text import literal
from publishing.contract import PublicationContract, PublishedTable, read_contract
from publishing.manifest import (
    Manifest,
    built_from,
    combined_hash,
    data_through,
    loads_since,
    package_versions,
    table_figures,
)

log = logging.getLogger("tenure.publishing")

RELEASES_KEPT = 10
DATABASE = "tenure.duckdb"
RELEASE_INFO = {
    "release_id": "The release: when it was made, and the first digits of its content's hash.",
    "as_of_date": "The day that it describes.",
    "data_through": "Day of the newest record of all sources by then.",
    "known_until": "Of a look back, the last second (UTC) whose loads it knows; NULL of all others.",
    "created_at": "When it was made, in UTC.",
}
_BUILDING = ".building-"


class GateBlockedError(UserError):
    """The gate found errors: nothing was published, the last release stays."""

    def __init__(self, result: GateResult) -> None:
        self.result = result
        findings = "\n".join(f"- {check.finding}" for check in result.errors)
        super().__init__(
            f"The gate blocked publication; what readers see stays as it was.\n{findings}\n{_ways_on(result.errors)}"
        )


def _ways_on(errors: list[CheckResult]) -> str:
    """What can be done about these findings, from the best to the last resort."""
    ways = ["mend the data or the export at its source, and run again"]
    if any("--accept-shrink" in str(error.finding) for error in errors):
        ways.append("where an export that shrank, or lost a column, is right, run again with --accept-shrink")
    if any(error.table == "rpt_source_health" for error in errors):
        ways.append("take the source out of sources.yml: its records stay")
    ways.append(
        "where a threshold is too narrow for data that are right, change it in "
        "dbt_project/seeds/config/gate_thresholds.csv"
    )
    return f"Ways on: {'; or '.join(ways)}."


@dataclass(frozen=True)
class Release:
    """A published release and where it is."""

    path: Path
    manifest: dict[str, Any]

    @property
    def release_id(self) -> str:
        return self.path.name


def load_libraries() -> None:
    """Import what `publish` needs and takes seconds to load; safe to call early, from another thread."""
    load_judge()
    import publishing.report.pages  # noqa: F401


def publish(
    home: Home, dbt_manifest: Path, *, is_as_of_given: bool = False, known_until: datetime | None = None
) -> tuple[Release, GateResult]:
    """Run the gate over every mart and, only if no error was found, publish them.

    `is_as_of_given`: the run was asked for a date, rather than for the newest data; `known_until`: and for what was
    known of it at that time (UTC).

    Raises:
        GateBlockedError: the gate found errors; nothing was published.
        UserError: there is nothing to publish, or the marts are not whole.
    """
    contract = read_contract(dbt_manifest)
    _refuse_half_built(home)
    built = built_from(home)
    as_of_date = built.as_of_date
    previous = current_release(home)
    baseline = _baseline(home, as_of_date if is_as_of_given else date.max, known_until)
    log.info("judging %d marts", len(contract.marts))
    result = judge(
        home.warehouse, {name: list(table.columns) for name, table in contract.marts.items()}, as_of_date, baseline
    )
    if not result.passed:
        raise GateBlockedError(result)

    _remove_unfinished(home)
    created_at = datetime.now(UTC)
    building = home.releases / f"{_BUILDING}{created_at:%Y%m%dT%H%M%S%fZ}"
    (building / "parquet").mkdir(parents=True)
    with connect_warehouse(home, read_only=True) as warehouse:
        tables = table_figures(warehouse, contract.marts)
        content_hash = combined_hash(tables)
        manifest = Manifest(
            release_id=f"{created_at:%Y%m%dT%H%M%S}.{created_at.microsecond // 1000:03}Z-{content_hash[:8]}",
            created_at=created_at.isoformat(timespec="milliseconds"),
            as_of_date=as_of_date.isoformat(),
            data_through=data_through(warehouse),
            known_until=known_until.isoformat() if known_until else None,
            previous_release_id=previous.release_id if previous else None,
            is_changed=previous is None or previous.manifest["content_hash"] != content_hash,
            last_load_id=built.last_load_id,
            loads=loads_since(warehouse, _newest_load_id(home), built.last_load_id),
            tables=tables,
            state_tables=table_figures(warehouse, contract.state),
            content_hash=content_hash,
            contract_hash=contract.content_hash,
            versions=package_versions(),
        )
    log.info("writing release %s", manifest.release_id)
    _write_database(home, building, contract, manifest)
    (building / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    (building / "gate.json").write_text(result.to_json())
    _write_report(building)
    _flush(building)
    path = home.releases / manifest.release_id
    building.rename(path)
    _point_readers_at(home, path)
    _prune(home)
    return Release(path, asdict(manifest)), result


def current_release(home: Home) -> Release | None:
    """The release that readers see, or None where nothing was published yet."""
    return read_release(home.current.resolve()) if home.current.exists() else None


@contextmanager
def open_current(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The current release in its marts: it is read only, and no file beside it is read or written.

    Raises:
        UserError: no release was published yet.
    """
    current = current_release(home)
    if current is None:
        raise UserError("No release has been published yet: tenure run publishes one.")
    with duckdb.connect(str(current.path / DATABASE), read_only=True) as connection:
        connection.execute("set schema = 'marts'")
        connection.execute("set enable_external_access = false")
        yield connection


def list_releases(home: Home) -> list[Release]:
    """All releases that are kept, oldest first."""
    paths = sorted(path for path in home.releases.iterdir() if not path.name.startswith("."))
    return [read_release(path) for path in paths if (path / "manifest.json").exists()]


def read_release(path: Path) -> Release:
    """The release in a folder."""
    return Release(path, json.loads((path / "manifest.json").read_text()))


def rollback(home: Home, release_id: str | None = None) -> Release:
    """Point readers at an earlier release: the one named, or the one before the current.

    Raises:
        UserError: there is no such release.
    """
    releases = list_releases(home)
    current = current_release(home)
    if release_id is None:
        earlier = [r for r in releases if current and r.release_id < current.release_id]
        if not earlier:
            raise UserError(f"There is no release before the current one in {home.releases}.")
        target = earlier[-1]
    else:
        known = {release.release_id: release for release in releases}
        if release_id not in known:
            raise UserError(f"Release {release_id} is not kept in {home.releases}; there are: {', '.join(known)}.")
        target = known[release_id]
    _point_readers_at(home, target.path)
    return target


def restore_state(home: Home) -> bool:
    """Fill an empty warehouse's `state` from the current release, so that a rebuild gives the same ids.

    Returns whether anything was restored.
    """
    current = current_release(home)
    if current is None:
        return False
    with connect_warehouse(home) as warehouse:
        if warehouse.sql("select 1 from duckdb_tables() where schema_name = 'state'").fetchone():
            return False
        warehouse.execute(f"attach {literal(str(current.path / DATABASE))} as release (read_only)")
        warehouse.execute("create schema if not exists state")
        for name in current.manifest["state_tables"]:
            warehouse.execute(f'create table state."{name}" as from release.state."{name}"')
        warehouse.execute("detach release")
    log.info("state restored from release %s", current.release_id)
    return True


def lend_last_release(
    home: Home, dbt_manifest: Path, *, until: date | None, known_until: datetime | None = None
) -> None:
    """Show the warehouse what the last release says, as views of the schema `published`, for the marts to compare with.

    `until` is the as-of date that the run was given: of later days nothing is compared; nor, where it tells what was
    known at a time (`known_until`, UTC), with what was published later. A table that had other columns then is left
    out; where nothing was published, so is the whole schema.
    """
    baseline = _baseline(home, until or date.max, known_until)
    with connect_warehouse(home) as warehouse:
        warehouse.execute("drop schema if exists published cascade")
        if baseline is None:
            return
        release = read_release(baseline.database.parent)
        warehouse.execute("create schema published")
        warehouse.execute(
            "create table published.release as "
            "select ? as release_id, ?::date as as_of_date, coalesce(?, '')::varchar as last_load_id",
            [release.release_id, release.manifest["as_of_date"], release.manifest["last_load_id"]],
        )
        for table in read_contract(dbt_manifest).marts.values():
            file = release.path / "parquet" / f"{table.name}.parquet"
            if not file.exists():
                continue
            relation = warehouse.sql(f"from read_parquet({literal(str(file))})")
            if relation.columns == list(table.columns):
                warehouse.execute(f'create view published."{table.name}" as from read_parquet({literal(str(file))})')


def _refuse_half_built(home: Home) -> None:
    results = home.dbt_results
    ends = [node["status"] for node in json.loads(results.read_text())["results"]] if results.exists() else ["missing"]
    if {"error", "fail", "missing"} & set(ends):
        raise UserError("The marts are not whole: the last dbt build failed or was cut off; run the whole job again.")


def _baseline(home: Home, until: date, known_until: datetime | None = None) -> Baseline | None:
    """The release of the latest date up to `until`, none newer than the current or than `known_until`, nor a look back.

    A backfill is thus not compared with its future, nor the next run with the backfill.
    """
    current = current_release(home)
    candidates = [
        release
        for release in list_releases(home)
        if release.manifest["as_of_date"] <= until.isoformat() and current and release.release_id <= current.release_id
        if not release.manifest.get("known_until") and (known_until is None or _made_at(release) <= known_until)
    ]
    if not candidates:
        return None
    last = max(candidates, key=lambda release: (release.manifest["as_of_date"], release.release_id))
    return Baseline(last.release_id, last.path / DATABASE)


def _made_at(release: Release) -> datetime:
    """When it was made, in UTC, to the second."""
    return datetime.fromisoformat(release.manifest["created_at"]).replace(tzinfo=None, microsecond=0)


def _newest_load_id(home: Home) -> str | None:
    """The last load of the newest release."""
    releases = list_releases(home)
    return releases[-1].manifest["last_load_id"] if releases else None


def _write_database(home: Home, folder: Path, contract: PublicationContract, manifest: Manifest) -> None:
    with duckdb.connect(
        str(folder / DATABASE), config={"memory_limit": memory_limit(), "temp_directory": str(home.temp)}
    ) as release:
        release.execute(f"attach {literal(str(home.warehouse))} as warehouse (read_only)")
        for table in (*contract.marts.values(), *contract.state.values()):
            log.info("writing %s.%s", table.schema, table.name)
            _write_table(release, table)
            if table.schema == "marts":
                target = literal(str(folder / "parquet" / f"{table.name}.parquet"))
                release.execute(f'copy marts."{table.name}" to {target} (format parquet, compression zstd)')
        release.execute(
            """create table marts.release_info as
            select
                ? as release_id, ?::date as as_of_date, ?::date as data_through,
                ?::timestamp as known_until, ?::timestamptz::timestamp as created_at""",
            [
                manifest.release_id,
                manifest.as_of_date,
                max(manifest.data_through.values(), default=None),
                manifest.known_until,
                manifest.created_at,
            ],
        )
        release.execute("comment on table marts.release_info is 'One row: the release that this database is.'")
        for column, comment in RELEASE_INFO.items():
            release.execute(f"comment on column marts.release_info.{column} is {literal(comment)}")
        release.execute("detach warehouse")
        release.execute("checkpoint")


def _write_table(release: duckdb.DuckDBPyConnection, table: PublishedTable) -> None:
    name = f'"{table.schema}"."{table.name}"'
    # Reports are read by eye, so their rows come in order; sorting the large tables would only cost time.
    order = "order by all" if table.name.startswith("rpt_") else ""
    release.execute(f'create schema if not exists "{table.schema}"')
    release.execute(f"create table {name} as select * from warehouse.{name} {order}")
    release.execute(f"comment on table {name} is {literal(table.description)}")
    for column, (_, description) in table.columns.items():
        release.execute(f'comment on column {name}."{column}" is {literal(description)}')


def _write_report(folder: Path) -> None:
    log.info("writing the report")
    from publishing.report import write_report

    write_report(folder)


def _flush(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _point_readers_at(home: Home, path: Path) -> None:
    pointer = home.published / f".current-{os.getpid()}"
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(path.relative_to(home.published))
    pointer.replace(home.current)


def _remove_unfinished(home: Home) -> None:
    for path in home.releases.glob(f"{_BUILDING}*"):
        shutil.rmtree(path)
    for pointer in home.published.glob(".current-*"):
        pointer.unlink()


def _prune(home: Home) -> None:
    for release in list_releases(home)[:-RELEASES_KEPT]:
        shutil.rmtree(release.path)
