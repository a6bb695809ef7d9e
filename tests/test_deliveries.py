"""Thirty days of the demo in any order, late, twice, cut off and corrected: the same rows as all of it at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.contracts import Contracts, read_contracts
from ingestion.home import PROJECT_ROOT
from ingestion.load import load_sources
from ingestion.sources import read_sources
from ingestion.text import ident
from tests.deliveries import FEEDS, Parcel, at_once, day_by_day, deliver, in_order, read_feeds
from tests.demo import write_small_demo

Rows = dict[str, list[tuple[Any, ...]]]
FIRST_RUN = datetime(2026, 7, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return read_contracts(PROJECT_ROOT / "dbt_project")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_demo(tmp_path_factory.mktemp("deliveries")).parent / "exports"


@pytest.fixture(scope="module")
def expected(exports: Path, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return current_rows(tmp_path_factory.mktemp("at_once"), exports, contracts, [at_once(read_feeds(exports))])


def current_rows(folder: Path, exports: Path, contracts: Contracts, parcels: list[Parcel]) -> Rows:
    """What is current in each raw table after the parcels have come, one load after the other."""
    written = yaml.safe_load((exports.parent / "sources.yml").read_text())["sources"]["files"]
    milestones = {**written["milestones"], "path": "exports/files/milestones*.csv"}
    systems = {feed.source: {"exports": f"exports/{feed.source}"} for feed in FEEDS if feed.source != "files"}
    with duckdb.connect(str(folder / "warehouse.duckdb"), config={"threads": 2}) as con:
        for number, parcel in enumerate(parcels):
            deliver([parcel], folder / "exports")
            here = {name: where for name, where in systems.items() if (folder / "exports" / name).exists()}
            if (folder / "exports" / "files").exists():
                here["files"] = {"milestones": milestones}
            (folder / "sources.yml").write_text(yaml.safe_dump({"sources": here}))
            load_sources(
                con,
                read_sources(folder / "sources.yml"),
                contracts,
                landing=folder / "landing",
                # A day that is cut off, or comes in parts, is no sign of a broken export here.
                accept_shrink=True,
                received_at=FIRST_RUN + timedelta(days=number),
            )
        assert not con.execute(
            "from ingestion.loads where received_count <> loaded_count + quarantined_count + superseded_count"
        ).fetchall()
        return {
            f"{feed.source}.{feed.table}": con.execute(
                f"select {', '.join(map(ident, contracts[feed.source, feed.table].column_names))} "
                f"from raw_{feed.source}.{feed.table} where _superseded_by is null and not _is_deleted order by all"
            ).fetchall()
            for feed in FEEDS
        }


def check_schedule(seed: int, folder: Path, exports: Path, contracts: Contracts, expected: Rows) -> None:
    parcels = day_by_day(read_feeds(exports), seed)
    Random(seed).shuffle(parcels)
    found = current_rows(folder, exports, contracts, in_order(parcels))
    for table, rows in expected.items():
        assert rows, table
        assert found[table] == rows, table


@pytest.mark.parametrize("seed", [1, 2])
def test_thirty_days_in_any_order(
    seed: int, tmp_path: Path, exports: Path, contracts: Contracts, expected: Rows
) -> None:
    check_schedule(seed, tmp_path, exports, contracts, expected)


@pytest.mark.wide
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_thirty_days_in_many_orders(
    seed: int, tmp_path_factory: pytest.TempPathFactory, exports: Path, contracts: Contracts, expected: Rows
) -> None:
    check_schedule(seed, tmp_path_factory.mktemp("schedule"), exports, contracts, expected)
