"""Releases: whole or not at all, in whatever moment the process dies; readers never see two at once."""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from ingestion.errors import UserError
from ingestion.home import PROJECT_ROOT, Home, connect_warehouse
from publishing import release
from publishing.release import current_release, list_releases, publish, rollback
from tests.conftest import Run
from tests.marts import leave_out_gate_and_report

pytestmark = pytest.mark.whole_run
MANIFEST = PROJECT_ROOT / "dbt_project" / "target" / "manifest.json"

# Publishes in a process of its own that kills itself with SIGKILL around one function of the publish step.
KILLED = """
import os, signal, sys
from pathlib import Path
from ingestion.home import open_home
from expectations.gate import GateResult
from publishing import release

release.judge = lambda *_: GateResult(None, [])

def stand_in(folder):
    (folder / "report").mkdir()
    (folder / "report" / "cohorts.html").write_text("report")

release._write_report = stand_in
when, target = sys.argv[2].split(" ")
original = getattr(release, target)

def deadly(*args, **kwargs):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(release, target, deadly)
release.publish(open_home(Path(sys.argv[1])), Path(sys.argv[3]))
"""


@pytest.mark.parametrize(
    "moment",
    [
        "before judge",
        pytest.param("after judge", marks=pytest.mark.wide),
        "before _write_table",
        pytest.param("after _write_table", marks=pytest.mark.wide),
        pytest.param("after _write_database", marks=pytest.mark.wide),
        pytest.param("before _flush", marks=pytest.mark.wide),
        pytest.param("before _point_readers_at", marks=pytest.mark.wide),
        "after _point_readers_at",
        pytest.param("after _prune", marks=pytest.mark.wide),
    ],
)
def test_killed_while_publishing(shop_home: Home, moment: str, quick_publish: None) -> None:
    before = current_release(shop_home)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(shop_home.root), moment, str(MANIFEST)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    seen = current_release(shop_home)
    assert seen
    if not moment.startswith("after _po") and moment != "after _prune":
        assert seen == before
    _assert_whole(seen.path)

    published, _ = publish(shop_home, MANIFEST)
    assert current_release(shop_home) == published
    _assert_whole(published.path)
    assert not list(shop_home.releases.glob(".building*"))
    assert not list(shop_home.published.glob(".current-*"))


def _assert_whole(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    assert (path / "report" / "cohorts.html").stat().st_size > 0
    with duckdb.connect(str(path / "tenure.duckdb"), read_only=True) as connection:
        assert connection.sql("select release_id from marts.release_info").fetchone() == (path.name,)
        for name, figures in manifest["tables"].items():
            assert connection.sql(f"select count(*) from marts.{name}").fetchone() == (figures["rows"],)
            parquet = path / "parquet" / f"{name}.parquet"
            assert connection.sql(f"select count(*) from '{parquet}'").fetchone() == (figures["rows"],)


@pytest.fixture
def quick_publish(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out_gate_and_report(monkeypatch)


@pytest.mark.parametrize("count", [2, pytest.param(30, marks=pytest.mark.wide)])
def test_readers_through_many_publishes(
    shop_home: Home, quick_publish: None, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Each release holds its number in two tables; a reader that ever sees two numbers has seen a mixture."""
    monkeypatch.setattr(release, "RELEASES_KEPT", 2)
    stop = threading.Event()
    errors: list[str] = []
    seen: set[str] = set()

    def read() -> None:
        database = str(shop_home.current / "tenure.duckdb")
        while not stop.is_set():
            try:
                with duckdb.connect(database, read_only=True) as connection:
                    row = connection.sql(
                        """select
                            (select release_id from marts.release_info),
                            (select count(distinct sale_line_count) from marts.fct_orders),
                            (select any_value(sale_line_count) from marts.fct_orders),
                            (select any_value(cohort_size) from marts.rpt_order_cohorts),
                            (select count(distinct cohort_size) from marts.rpt_order_cohorts)"""
                    ).fetchone()
            except duckdb.Error as error:
                errors.append(str(error))
                return
            assert row
            if not (row[1] == row[4] == 1 and row[2] == row[3]):
                errors.append(f"a mixture: {row}")
            seen.add(row[0])
            # Three readers that never rest would take the time that the publishes need.
            stop.wait(0.02)

    with connect_warehouse(shop_home) as warehouse:
        warehouse.execute("update marts.fct_orders set sale_line_count = 0")
        warehouse.execute("update marts.rpt_order_cohorts set cohort_size = 0")
    publish(shop_home, MANIFEST)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, count + 1):
        with connect_warehouse(shop_home) as warehouse:
            warehouse.execute(f"update marts.fct_orders set sale_line_count = {number}")
            warehouse.execute(f"update marts.rpt_order_cohorts set cohort_size = {number}")
        publish(shop_home, MANIFEST)
    stop.set()
    for reader in readers:
        reader.join()
    assert not errors
    assert len(seen) > count * 3 / 4
    assert len(list_releases(shop_home)) == release.RELEASES_KEPT


def test_rollback_and_forth(shop_home: Home, quick_publish: None) -> None:
    first = current_release(shop_home)
    second, _ = publish(shop_home, MANIFEST)
    assert first
    assert rollback(shop_home) == first
    assert current_release(shop_home) == first
    assert rollback(shop_home, second.release_id) == second
    with pytest.raises(UserError, match=r"Release nosuch is not kept in .*; there are: 2"):
        rollback(shop_home, "nosuch")
    rollback(shop_home)
    with pytest.raises(UserError, match="There is no release before the current one"):
        rollback(shop_home)


def test_content_hash_does_not_depend_on_row_order_but_counts_rows(shop_home: Home, shop_run: Run) -> None:
    contract = release.read_contract(MANIFEST)
    table = {"fct_orders": contract.marts["fct_orders"]}
    with connect_warehouse(shop_home) as warehouse:
        before = release.table_figures(warehouse, table)
        warehouse.execute("create table shuffled as from marts.fct_orders order by hash(order_id)")
        warehouse.execute("delete from marts.fct_orders")
        warehouse.execute("insert into marts.fct_orders from shuffled")
        assert release.table_figures(warehouse, table) == before
        warehouse.execute("insert into marts.fct_orders from shuffled where order_id = 'o99999'")
        assert release.table_figures(warehouse, table) != before


def test_a_backfill_is_not_compared_with_its_future(shop_home: Home) -> None:
    current = current_release(shop_home)
    assert current
    from datetime import date

    assert release._baseline(shop_home, date(2024, 6, 19)) is None
    later = release._baseline(shop_home, date(2024, 6, 20))
    assert later is not None
    assert later.release_id == current.release_id


def test_a_retyped_column_changes_the_contract_hash() -> None:
    contract = release.read_contract(MANIFEST)
    table = contract.marts["fct_orders"]
    columns = {**table.columns, "gross_amount": ("double", table.columns["gross_amount"][1])}
    changed = replace(contract, marts={**contract.marts, "fct_orders": replace(table, columns=columns)})
    assert changed.content_hash != contract.content_hash
