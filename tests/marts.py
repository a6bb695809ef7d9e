"""Marts built from files without the rest of a run, and compared by their content."""

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from expectations.gate import CheckResult, GateResult
from ingestion.contracts import Contracts, read_contracts
from ingestion.home import PROJECT_ROOT, Home, connect_warehouse, open_home
from ingestion.load import LoadReport, load_sources
from ingestion.sources import read_sources
from ingestion.tables import set_as_of
from ingestion.text import ident
from orchestration.dbt_project import DBT_MANIFEST, PARSED, dbt_manifest
from publishing.release import Release, lend_last_release, publish

PROJECT = PROJECT_ROOT / "dbt_project"


def load(home: Home, sources: Path, contracts: Contracts, received_at: datetime) -> LoadReport:
    """Load what the sources have into the home's warehouse, as a run does."""
    with connect_warehouse(home) as warehouse:
        return load_sources(
            warehouse,
            read_sources(sources),
            contracts,
            landing=home.landing,
            accept_shrink=False,
            received_at=received_at,
        )


def invoke_dbt(home: Home, *arguments: str) -> Any:
    """Call dbt in this process; the project is parsed anew only where it was changed since it was parsed last."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from orchestration.dbt_cli import lighten

    lighten()
    if not (home.dbt_target / PARSED).exists():
        dbt_manifest()
        home.dbt_target.mkdir(exist_ok=True)
        shutil.copyfile(DBT_MANIFEST.with_name(PARSED), home.dbt_target / PARSED)
    paths = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(home.dbt_target)]
    try:
        return dbtRunner().invoke(["--quiet", "--log-path", str(home.dbt_target), *arguments, *paths])
    finally:
        # The adapter holds the warehouse open for as long as its process lives.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def build(home: Home, *wanted: str) -> None:
    """Build the home's marts with dbt in this process, or those that are wanted and what they are made of.

    Their data tests judge each whole run.
    """
    places = {"DBT_ENV_SECRET_WAREHOUSE": str(home.warehouse), "DBT_ENV_SECRET_TEMP": str(home.temp)}
    before = {name: os.environ.get(name) for name in places}
    os.environ.update(places)
    try:
        chosen = ["--select", *(f"+{mart}" for mart in wanted)] if wanted else []
        result: Any = invoke_dbt(home, "build", "--exclude-resource-type", "unit_test", "test", *chosen).result
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    failed = {outcome.node.name: outcome.message for outcome in result if outcome.status in ("error", "fail")}
    assert not failed


def made(root: Path, sources: Path, *wanted: str, as_of: date | None = None) -> Home:
    """A home in `root` with what the sources have, and the marts of it: what a whole run does before its gate."""
    home = open_home(root)
    _load_for(home, sources, as_of)
    build(home, *wanted)
    return home


def published(home: Home, sources: Path, as_of: date | None = None) -> Release:
    """A release of what the sources have, and the home's earlier releases say, without a gate and a report."""
    _load_for(home, sources, as_of)
    lend_last_release(home, dbt_manifest(), until=as_of)
    build(home)
    with pytest.MonkeyPatch.context() as patch:
        leave_out_gate_and_report(patch)
        release, _ = publish(home, dbt_manifest(), is_as_of_given=as_of is not None)
    return release


def build_only(patch: pytest.MonkeyPatch, *wanted: str) -> None:
    """What a run in this process builds with dbt, of a home that has had a whole run: these marts alone."""
    # Most that comes here needs no Dagster, which takes seconds to import.
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.transform import DbtCli

    def build_some(*_: Any, context: Any, target_path: Path, **__: Any) -> SimpleNamespace:
        build(Home(target_path.parent), *wanted)
        keys = [key for key in defs.resolve_asset_graph().toposorted_asset_keys if key in context.selected_asset_keys]
        told = [dg.MaterializeResult(asset_key=key) for key in keys]
        return SimpleNamespace(stream=lambda: iter(told), process=SimpleNamespace(returncode=0))

    patch.setattr(DbtCli, "cli", build_some)


def _load_for(home: Home, sources: Path, as_of: date | None) -> None:
    """What a run does before dbt: load, and say as of which date."""
    assert not load(home, sources, read_contracts(PROJECT), datetime.now(UTC).replace(microsecond=0)).refusals
    with connect_warehouse(home) as warehouse:
        set_as_of(warehouse, as_of, None)


def leave_out_gate_and_report(patch: pytest.MonkeyPatch) -> None:
    """What takes seconds of a publish, and is tested elsewhere: the suites, and the drawing of the report."""

    def write_stand_in(folder: Path) -> None:
        (folder / "report").mkdir()
        (folder / "report" / "cohorts.html").write_text("report")

    passed = GateResult(None, [CheckResult("fct_orders", "volume", "error", True, None)])
    patch.setattr("publishing.release.judge", lambda *_: passed)
    patch.setattr("publishing.release._write_report", write_stand_in)


def ask(home: Home, query: str) -> list[tuple[Any, ...]]:
    """Ask the home's marts, published or not."""
    with connect_warehouse(home, read_only=True) as warehouse:
        return warehouse.sql(query).fetchall()


def contents(
    database: Path, schema: str = "marts", without: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Relation → its number of rows and a hash of them, whatever their order. `without`: relation → columns left out.

    `*` leaves columns out of every relation.
    """
    without = without or {}
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        relations = connection.sql(
            f"select table_name from information_schema.tables where table_schema = '{schema}' order by all"
        ).fetchall()
        for (name,) in relations:
            left_out = {*without.get("*", ()), *without.get(name, ())}
            columns = [column for column, *_ in connection.sql(f"describe {schema}.{ident(name)}").fetchall()]
            kept = ", ".join(ident(column) for column in columns if column not in left_out)
            row = connection.sql(f"select count(*), sum(hash({kept})) from {schema}.{ident(name)}").fetchone()
            assert row
            found[name] = f"{row[0]} rows, {row[1]}"
    return found
