"""What is read from an API, in the raw tables of one home from run to run."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from ingestion.contracts import Contracts
from tests.ingestion.connectors.deploying import VARIABLE, api_of, load, raw_rows
from tests.ingestion.connectors.reading import Bench, connected
from tests.ingestion.connectors.server import SECRET, Fault
from tests.ingestion.connectors.test_both_ways import write_exports

TABLES = ["organizations", "users", "tickets"]


@pytest.fixture
def bench(contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv(VARIABLE, SECRET)
    with connected("zendesk", contracts, tmp_path) as bench:
        connect(bench, tmp_path, api_of(bench))
        yield bench


def connect(bench: Bench, folder: Path, how: object) -> None:
    (folder / "sources.yml").write_text(yaml.safe_dump({"sources": {bench.source: how}}))


def ticket_count(bench: Bench, home: Path) -> int:
    return len(raw_rows(home / "warehouse.duckdb", {"tickets": bench.contracts["tickets"]})["tickets"])


def test_the_first_reading_by_api_is_whole_whatever_exports_brought(bench: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    tickets = bench.system.rows["tickets"]
    bench.system.rows["tickets"] = tickets[-3:]
    write_exports(bench, tmp_path / "exports", TABLES)
    bench.system.rows["tickets"] = tickets
    connect(bench, tmp_path, {"exports": "exports"})
    load(home, sources)
    assert ticket_count(bench, home) == 3
    connect(bench, tmp_path, api_of(bench))
    load(home, sources)
    assert ticket_count(bench, home) == 40
    # From then on only what is new is asked for.
    bench.server.given.clear()
    load(home, sources)
    assert not [asked for asked in bench.server.given if '"start_time": "0"' in asked]


def test_a_warehouse_that_is_lost_is_filled_from_the_start(bench: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    load(home, sources)
    newest = max(row["updated_at"] for row in bench.system.rows["tickets"])
    for number, row in enumerate(bench.system.rows["tickets"][:30]):
        row["updated_at"] = newest + timedelta(minutes=number)
    # The tickets' second page, of what has changed since: its beginning is left in the landing folder.
    landing = home / "landing" / "zendesk"
    with connected("zendesk", bench.all_contracts, tmp_path / "other") as other:
        other.system.rows = bench.system.rows
        other.server.fault = Fault("500", at=2)
        (left,) = other.read("tickets", since={"tickets": newest}).values()
        assert left.path is not None
        assert left.path.name == "tickets.news.partial.jsonl"
        shutil.copy(left.path, landing / left.path.name)
    for path in home.glob("warehouse.duckdb*"):
        path.unlink()
    load(home, sources)
    assert ticket_count(bench, home) == 40
    assert not list(landing.iterdir())


def test_what_is_left_of_a_system_goes_when_its_api_is_connected_no_longer(bench: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    load(home, sources)
    (home / "landing" / "zendesk" / "satisfaction_ratings.journal").write_text("[]")
    write_exports(bench, tmp_path / "exports", TABLES)
    connect(bench, tmp_path, {"exports": "exports"})
    load(home, sources)
    assert not (home / "landing" / "zendesk").exists()
