"""Thirty days of the demo in any order, late, twice, cut off and corrected: the same marts as all of it at once."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.contracts import Contracts, read_contracts
from ingestion.home import PROJECT_ROOT, Home, connect_warehouse, open_home
from ingestion.load import load_sources
from ingestion.sources import read_sources
from ingestion.text import ident
from tests.deliveries import DAYS, FEEDS, Feed, Parcel, at_once, day_by_day, deliver, in_order, read_feeds
from tests.marts import build, contents

Rows = dict[str, list[tuple[Any, ...]]]
Feeds = dict[Feed, pl.DataFrame]
# Versions, rows that are only added, a list that comes whole, and files of a company's own.
FEW = ("files", "hubspot", "zendesk")
FIRST_RUN = datetime(2026, 7, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return read_contracts(PROJECT_ROOT / "dbt_project")


@pytest.fixture(scope="module")
def exports(demo: Path) -> Path:
    return demo.parent / "exports"


@pytest.fixture(scope="module")
def at_once_home(exports: Path, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return delivered(tmp_path_factory.mktemp("at_once"), exports, contracts, [at_once(read_feeds(exports))])


@pytest.fixture(scope="module")
def expected(at_once_home: Home, contracts: Contracts) -> Rows:
    return current_rows(at_once_home, contracts)


@pytest.fixture(scope="module")
def expected_marts(at_once_home: Home) -> dict[str, str]:
    return marts(at_once_home)


def delivered(folder: Path, exports: Path, contracts: Contracts, parcels: list[Parcel]) -> Home:
    """A home whose warehouse has taken the parcels, one load after the other."""
    written = yaml.safe_load((exports.parent / "sources.yml").read_text())["sources"]["files"]
    milestones = {**written["milestones"], "path": "exports/files/milestones*.csv"}
    systems: dict[str, Any] = {
        feed.source: {"exports": f"exports/{feed.source}"} for feed in FEEDS if feed.source != "files"
    }
    home = open_home(folder)
    with connect_warehouse(home) as con:
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
                landing=home.landing,
                # A day that is cut off, or comes in parts, is no sign of a broken export here.
                accept_shrink=True,
                received_at=FIRST_RUN + timedelta(days=number),
            )
        assert not con.execute(
            "from ingestion.loads where received_count <> loaded_count + quarantined_count + superseded_count"
        ).fetchall()
    return home


def current_rows(home: Home, contracts: Contracts, feeds: Iterable[Feed] = FEEDS) -> Rows:
    """What is current in each raw table."""
    with connect_warehouse(home, read_only=True) as con:
        return {
            f"{feed.source}.{feed.table}": con.execute(
                f"select {', '.join(map(ident, contracts[feed.source, feed.table].column_names))} "
                f"from raw_{feed.source}.{feed.table} where _superseded_by is null and not _is_deleted order by all"
            ).fetchall()
            for feed in feeds
        }


def marts(home: Home) -> dict[str, str]:
    """What the marts hold, but for what they tell of the deliveries themselves."""
    build(home)
    found = contents(home.warehouse)
    return {mart: held for mart, held in found.items() if "source" not in mart}


def same(found: Rows, expected: Rows) -> None:
    assert found.keys() == expected.keys()
    for table, rows in expected.items():
        assert rows, table
        assert found[table] == rows, table


def shuffled(feeds: Feeds, seed: int, first_day: int = 0) -> list[Parcel]:
    """A schedule: the daily parcels in an order that may be, each at its own time."""
    parcels = day_by_day(feeds, seed, first_day)
    Random(seed).shuffle(parcels)
    return in_order(parcels)


def test_days_in_any_order_end_in_the_same_rows(tmp_path: Path, exports: Path, contracts: Contracts) -> None:
    """Some systems' last days. That all of them, and after thirty days, end in the same marts is a wide test."""
    feeds = {feed: rows for feed, rows in read_feeds(exports).items() if feed.source in FEW}
    parcels = shuffled(feeds, 77, DAYS - 4)
    for ways in ("second part", "again", "whole"):
        assert [parcel for parcel in parcels if parcel.name.endswith(ways)], ways
    ends = [
        current_rows(delivered(tmp_path / name, exports, contracts, delivery), contracts, feeds)
        for name, delivery in (("shuffled", parcels), ("at once", [at_once(feeds)]))
    ]
    same(*ends)


@pytest.mark.wide
@pytest.mark.whole_run
@pytest.mark.parametrize("seed", range(1, 6))
def test_thirty_days_in_any_order_end_in_the_same_marts(
    seed: int, tmp_path: Path, exports: Path, contracts: Contracts, expected: Rows, expected_marts: dict[str, str]
) -> None:
    home = delivered(tmp_path, exports, contracts, shuffled(read_feeds(exports), seed))
    same(current_rows(home, contracts), expected)
    assert marts(home) == expected_marts


@pytest.mark.wide
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_thirty_days_in_many_orders(
    seed: int, tmp_path_factory: pytest.TempPathFactory, exports: Path, contracts: Contracts, expected: Rows
) -> None:
    home = delivered(tmp_path_factory.mktemp("schedule"), exports, contracts, shuffled(read_feeds(exports), seed))
    same(current_rows(home, contracts), expected)
    shutil.rmtree(home.root)
