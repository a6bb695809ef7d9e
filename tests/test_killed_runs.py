"""kill -9 of a run that reads an API: while it reads, before it loads, while it loads, and after.

The next run ends in the raw tables of one that nobody killed: nothing is lost, and nothing is there twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ingestion.contracts import Contracts, read_contracts
from ingestion.home import PROJECT_ROOT, open_home
from publishing.release import current_release
from tests.ingestion.connectors.deploying import VARIABLE, api_of, load, lost, raw_rows, said, start
from tests.ingestion.connectors.reading import Bench, connected
from tests.ingestion.connectors.rows import START
from tests.ingestion.connectors.server import SECRET, Fault

# The third table of Zendesk is its tickets; two have come before, and four follow.
MOMENTS = {
    "it has read all and loads nothing yet": "ingestion.load._load_file",
    "it loads": "ingestion.load._write_quarantine",
    "it has loaded and the landing file is there": "ingestion.load._outcome",
}
WHILE_IT_READS = "it reads"
# A page of tickets that isn't the first: the tables before them fill six pages each.
PAGE_OF_TICKETS = 14


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return read_contracts(PROJECT_ROOT / "dbt_project")


@pytest.fixture
def bench(contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv(VARIABLE, SECRET)
    with connected("zendesk", contracts, tmp_path) as bench:
        (tmp_path / "sources.yml").write_text(yaml.safe_dump({"sources": {"zendesk": api_of(bench)}}))
        yield bench


def kill(how: str, moment: str, bench: Bench, home: Path, sources: Path) -> None:
    if moment != WHILE_IT_READS:
        said(start(how, home, sources, MOMENTS[moment], nth=3), killed=True)
        return
    process = start(how, home, sources)
    bench.server.fault = Fault("act", bench.server.page_requests + PAGE_OF_TICKETS, times=1, act=process.kill)
    said(process, killed=True)
    bench.server.fault = None
    assert (home / "landing" / "zendesk" / "tickets.part").stat().st_size


def test_loads_that_are_killed_one_after_the_other(bench: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    for moment in (WHILE_IT_READS, *MOMENTS):
        kill("load", moment, bench, home, sources)
    load(home, sources)
    check(bench, home, sources)


@pytest.mark.wide
@pytest.mark.parametrize("moment", [WHILE_IT_READS, *MOMENTS])
def test_a_whole_run_that_is_killed(moment: str, bench: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    kill("run", moment, bench, home, sources)
    assert current_release(open_home(home)) is None
    said(start("run", home, sources), killed=False)
    assert current_release(open_home(home))
    check(bench, home, sources)


# Stripe's subscriptions and their items are the fourth and fifth file of a run.
NAMING = [
    pytest.param(*at, marks=pytest.mark.wide)
    for at in (("os.fsync", 5), ("os.rename", 4), ("os.rename", 5), ("os.rename", 6))
]
FORGETTING = [pytest.param("os.unlink", nth, marks=pytest.mark.wide) for nth in range(2, 56, 3)]


@pytest.fixture
def stripe(contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A Stripe account all of whose records are of the last weeks, so that a second run asks for its events alone."""
    monkeypatch.setenv(VARIABLE, SECRET)
    with connected("stripe", contracts, tmp_path) as bench:
        later = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - START - timedelta(days=20)
        for row in (row for rows in bench.system.rows.values() for row in rows):
            row.update({name: value + later for name, value in row.items() if isinstance(value, datetime)})
        (tmp_path / "sources.yml").write_text(yaml.safe_dump({"sources": {"stripe": api_of(bench)}}))
        yield bench


@pytest.mark.parametrize(("function", "nth"), [*NAMING, *FORGETTING])
def test_a_kill_while_the_landing_files_get_their_names(function: str, nth: int, stripe: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    said(start("load", home, sources, function, nth), killed=True)
    load(home, sources)
    load(home, sources)
    check(stripe, home, sources)


def test_a_table_that_was_refused_before_a_kill_is_read_again(stripe: Bench, tmp_path: Path) -> None:
    home, sources = tmp_path / "home", tmp_path / "sources.yml"
    lines = stripe.system.rows["invoice_lines"]
    amounts = [row["amount"] for row in lines]
    for row in lines:
        row["amount"] = "five"
    # The sixth table is the invoices, the seventh their lines: both are done when the eighth is loaded.
    said(start("load", home, sources, "ingestion.load._write_quarantine", 7), killed=True)
    for row, amount in zip(lines, amounts, strict=True):
        row["amount"] = amount
    load(home, sources)
    check(stripe, home, sources)


def check(bench: Bench, home: Path, sources: Path) -> None:
    """The home holds what one holds whose only run was never killed."""
    unharmed = home.with_name("unharmed")
    load(unharmed, sources)
    came = raw_rows(home / "warehouse.duckdb", bench.contracts)
    assert came == raw_rows(unharmed / "warehouse.duckdb", bench.contracts)
    assert [len(rows) for rows in came.values()] == [40] * len(bench.contracts)
    assert not lost(home / "warehouse.duckdb")
    assert not list((home / "landing").glob("*/*"))
