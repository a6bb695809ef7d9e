"""`tenure check`: what would come of files, row by row, and what that enables; nothing is kept."""

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from rich.console import Console

from ingestion.check import ROLES, CheckReport, MissingRole, TableCheck, check_files, read_marts
from ingestion.contracts import Contracts, Role
from ingestion.errors import UserError
from ingestion.failures import WarehouseError
from ingestion.home import PROJECT_ROOT, Home, connect_warehouse, open_home
from ingestion.load import load_sources
from ingestion.sources import read_sources
from orchestration.check_page import print_check
from orchestration.dbt_project import dbt_manifest
from tests.ingestion.conftest import COLUMNS, HEADER

CANARY = "canary.person@example.org"
CHECKED_AT = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
Check = Callable[..., CheckReport]


@pytest.fixture
def check(tmp_path: Path, contracts: Contracts) -> Check:
    """Check the `sources` of a sources.yml beside the files of `tmp_path`."""

    def run(connected: dict[str, Any], *, compare_with: Home | None = None, accept_shrink: bool = False) -> CheckReport:
        path = tmp_path / "sources.yml"
        path.write_text(yaml.safe_dump({"sources": connected}))
        return check_files(
            read_sources(path),
            contracts,
            dbt_manifest(),
            compare_with=compare_with,
            accept_shrink=accept_shrink,
            received_at=CHECKED_AT,
        )

    return run


@pytest.fixture
def load(tmp_path: Path, contracts: Contracts) -> Callable[[dict[str, Any]], Home]:
    """Load the files of `tmp_path` into a home, as a run does the day before the check."""

    def run(connected: dict[str, Any]) -> Home:
        path = tmp_path / "sources.yml"
        path.write_text(yaml.safe_dump({"sources": connected}))
        home = open_home(tmp_path / "home")
        with connect_warehouse(home) as con:
            report = load_sources(
                con,
                read_sources(path),
                contracts,
                landing=home.landing,
                accept_shrink=False,
                received_at=CHECKED_AT - timedelta(days=1),
            )
        assert not report.refusals
        return home

    return run


def orders(path: str = "orders*.csv") -> dict[str, Any]:
    return {"files": {"order_lines": {"path": path, "columns": COLUMNS}}}


def lines(bad: dict[int, str], count: int = 30, order: str = "o") -> str:
    """Order lines; `bad`: row number → its price instead of 9.99."""
    rows = [f"{order}{n},l{n},{CANARY},2026-05-04,sku,1,{bad.get(n, '9.99')}\n" for n in range(1, count + 1)]
    return HEADER + "".join(rows)


def page(report: CheckReport) -> str:
    console = Console(file=io.StringIO(), width=500, highlight=False, markup=False)
    print_check(console, report)
    return console.file.getvalue()  # type: ignore[attr-defined]


def counts(table: TableCheck) -> tuple[int, int, int, int]:
    return table.received_count, table.accepted_count, table.repeated_count, table.quarantined_count


def test_bad_rows_are_named_by_file_and_reason(check: Check, tmp_path: Path) -> None:
    below = dict.fromkeys([4, 9, *range(17, 26)], "-1")
    (tmp_path / "orders_1.csv").write_text(lines({**below, 12: "many"}))
    (tmp_path / "orders_2.csv").write_text(
        lines({2: "-1"}, count=3).replace("2026-05-04,sku,1,-1", "2099-01-01,sku,1,-1")
    )
    report = check(orders())
    (table,) = report.tables
    assert (table.name, table.connection, table.file_count, table.refused_count) == ("order_lines", "files", 2, 0)
    assert counts(table) == (33, 18, 2, 13)
    assert [(bad.file, bad.rows, bad.row_count, bad.reason) for bad in report.quarantined] == [
        ("orders_1.csv", "4, 9, 17-25", 11, "unit_price is below 0"),
        ("orders_1.csv", "12", 1, "unit_price is not a number"),
        ("orders_2.csv", "2", 1, "ordered_at is in the future; unit_price is below 0"),
    ]
    assert not report.refusals


def test_no_value_of_a_row_is_told_and_nothing_is_kept(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    (tmp_path / "orders_1.csv").write_text(lines({3: CANARY, 5: f'"{CANARY}'}) + f"{CANARY},too,few\n")
    (tmp_path / "orders_2.csv").write_text(f"{CANARY},first,line,is,data,1,2\n" * 3)
    report = check(orders())
    assert sum(bad.row_count for bad in report.quarantined) == 3
    assert len(report.refusals) == 1
    assert CANARY not in repr(report)
    assert not list(work.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"orders_1.csv", "orders_2.csv", "sources.yml", "work"}


def test_no_room_to_work_in(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders.csv").write_text(lines({}))

    def fails(*_: Any, **__: Any) -> None:
        raise WarehouseError("the disk is full.")

    monkeypatch.setattr("ingestion.check.load_sources", fails)
    with pytest.raises(UserError, match=f"the disk is full. The check works in {tempfile.gettempdir()}; TMPDIR names"):
        check(orders())


def test_what_a_first_run_would_refuse_is_refused(check: Check, tmp_path: Path) -> None:
    companies = tmp_path / "hubspot"
    companies.mkdir()
    header = "id,name,domain,createdate,hs_lastmodifieddate\n"
    row = "1,Acme,acme.example,2026-01-01,2026-06-0{}\n"
    (companies / "companies_1.csv").write_text(header + row.format(1))
    (companies / "companies_2.csv").write_text(
        (header + row.format(2)).replace("domain,", "").replace("acme.example,", "")
    )
    (companies / "contacts.csv").write_text("")
    report = check({"hubspot": {"exports": "hubspot"}})
    assert [refused.file for refused in report.refusals] == ["hubspot/companies_2.csv", "hubspot/contacts.csv"]
    assert "lacks the column domain" in report.refusals[0].reason
    assert [(table.name, table.file_count, table.refused_count) for table in report.tables] == [
        ("hubspot.companies", 1, 1),
        ("hubspot.contacts", 0, 1),
    ]
    accepted = check({"hubspot": {"exports": "hubspot"}}, accept_shrink=True)
    assert [refused.file for refused in accepted.refusals] == ["hubspot/contacts.csv"]


def content(home: Home) -> bytes:
    return home.warehouse.read_bytes()


def test_files_are_compared_with_what_a_deployment_has_loaded(
    check: Check, load: Callable[..., Home], tmp_path: Path
) -> None:
    (tmp_path / "orders_1.csv").write_text(lines({}))
    (tmp_path / "orders_2.csv").write_text(lines({}, count=40, order="p"))
    home = load(orders())
    before = content(home)
    # One as it was, one that lost more than half of its rows, and one that is new.
    (tmp_path / "orders_2.csv").write_text(lines({}, count=10, order="p"))
    (tmp_path / "orders_3.csv").write_text(lines({3: "-1"}, order="q"))
    report = check(orders(), compare_with=home)
    (table,) = report.tables
    assert report.compared
    assert (table.known_count, table.file_count, table.refused_count, table.copy_count) == (1, 1, 1, 0)
    assert (counts(table), table.held_count) == ((30, 29, 0, 1), 70)
    (refused,) = report.refusals
    assert refused.file == "orders_2.csv"
    assert "has 10 rows where the last load had 40" in refused.reason
    assert [bad.file for bad in report.quarantined] == ["orders_3.csv"]
    assert report.orphans is None
    assert content(home) == before
    assert not check(orders()).refusals
    assert not check(orders(), compare_with=home, accept_shrink=True).refusals


def test_a_table_whose_files_were_loaded_before_still_enables(
    check: Check, load: Callable[..., Home], tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text(lines({}))
    report = check(orders(), compare_with=load(orders()))
    (table,) = report.tables
    assert (table.known_count, table.file_count, counts(table)) == (1, 0, (0, 0, 0, 0))
    assert table.has_rows
    assert "commerce" not in {one.role for one in report.missing}
    shown = page(report)
    assert "Loaded before" in shown
    assert "Rows aren't compared with those loaded before: tenure run finds which are known already" in shown


def test_a_column_that_was_there_before_is_missed(check: Check, load: Callable[..., Home], tmp_path: Path) -> None:
    companies = tmp_path / "hubspot"
    companies.mkdir()
    header = "id,name,domain,createdate,hs_lastmodifieddate\n"
    (companies / "companies_1.csv").write_text(header + "1,Acme,acme.example,2026-01-01,2026-06-01\n")
    connected = {"hubspot": {"exports": "hubspot"}}
    home = load(connected)
    (companies / "companies_1.csv").unlink()
    (companies / "companies_2.csv").write_text(header.replace("domain,", "") + "1,Acme,2026-01-01,2026-06-02\n")
    (refused,) = check(connected, compare_with=home).refusals
    assert "companies_2.csv lacks the column domain" in refused.reason
    assert not check(connected).refusals


def test_a_full_export_that_comes_after_a_newer_one_is_told(
    check: Check, load: Callable[..., Home], tmp_path: Path
) -> None:
    companies = tmp_path / "hubspot"
    companies.mkdir()
    header = "id,name,createdate,hs_lastmodifieddate\n"
    (companies / "companies_10.csv").write_text(header + "1,Acme,2026-01-01,2026-06-01\n")
    connected = {"hubspot": {"exports": "hubspot"}}
    home = load(connected)
    (companies / "companies_9.csv").write_text(header + "1,Acme,2026-01-01,2026-05-01\n")
    (companies / "companies_11.csv").write_text(header + "1,Acme,2026-01-01,2026-06-02\n")
    report = check(connected, compare_with=home)
    assert report.older == [("hubspot.companies", "hubspot/companies_9.csv")]
    assert not report.refusals
    # Written anew since it was loaded, it is the newest.
    (companies / "companies_10.csv").write_text(header + "1,Acme & Co,2026-01-01,2026-06-03\n")
    (companies / "companies_9.csv").unlink()
    assert check(connected, compare_with=home).older == []


HOLDS = """
import sys, time, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("create table ingestion.during_a_run (n integer)")
print("open", flush=True)
time.sleep(60)
"""


def test_a_deployment_that_a_run_is_using_is_left_alone(
    check: Check, load: Callable[..., Home], tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text(lines({}))
    home = load(orders())
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(home.warehouse)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        report = check(orders(), compare_with=home)
        holder.kill()
    assert not report.compared
    assert (report.tables[0].file_count, report.tables[0].known_count) == (1, 0)
    # What the killed one leaves beside the warehouse is read with it, and stays.
    beside = home.warehouse.with_name("warehouse.duckdb.wal")
    left = beside.stat().st_size
    report = check(orders(), compare_with=home)
    assert (report.compared, report.tables[0].known_count) == (True, 1)
    assert beside.stat().st_size == left


def test_a_warehouse_that_cannot_be_read_is_told(check: Check, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(lines({}))
    home = open_home(tmp_path / "home")
    home.warehouse.write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(UserError, match=r"warehouse.duckdb can't be read to compare with: check it, or leave --home"):
        check(orders(), compare_with=home)


def test_what_belongs_to_no_table_has_a_place_of_its_own(check: Check, tmp_path: Path) -> None:
    folder = tmp_path / "hubspot"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "contacts.csv").write_text("id\n1\n")
    (folder / "companys.csv").write_text("id\n1\n")
    (folder / "contacts.csv").write_text("")
    shown = page(check({"hubspot": {"exports": "hubspot"}, "stripe": {"exports": "nowhere"}}))
    _, _, rest = shown.partition("\nRefused\n")
    refused, _, rest = rest.partition("\nFiles and folders that belong to no table\n")
    assert "hubspot.contacts: contacts.csv is empty: export it again." in refused
    # Each of Stripe's tables is refused, for one cause that is told once.
    assert refused.count("there is no folder") == 1
    assert "stripe (customers, " in refused
    assert "Nothing is published without subscriptions, subscription_items, invoices, invoice_lines." in refused
    unplaced = rest.partition("\n\n")[0].splitlines()
    assert len(unplaced) == 2
    assert "hubspot: companys.csv is named for no table (did you mean 'companies'?)" in unplaced[0]
    assert "hubspot: 2026 is a folder with files in it: put them into hubspot itself." in unplaced[1]


def test_unknown_columns_copies_and_ids_that_lead_nowhere(check: Check, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    order = "id,created_at,updated_at,currency,total_price,colour\n7,2026-05-04,2026-05-04,EUR,10,red\n"
    line = "id,order_id,quantity,price\n{0},{0},1,10\n"
    (folder / "orders.csv").write_text(order)
    (folder / "orders_again.csv").write_text(order)
    (folder / "orders_2.csv").write_text(order)
    (folder / "order_lines.csv").write_text(line.format(7) + "8,8,1,10\n")
    report = check({"shopify": {"exports": "shop"}})
    tables = {table.name: table for table in report.tables}
    assert (tables["shopify.orders"].file_count, tables["shopify.orders"].copy_count) == (1, 2)
    assert report.added == [("shopify.orders", "colour")]
    assert report.orphans is not None
    assert [(one.column, one.references, one.orphan_count, one.checked_count) for one in report.orphans] == [
        ("shopify.order_lines.order_id", "shopify.orders.id", 1, 2)
    ]


def test_nothing_is_said_of_a_foreign_key_to_a_table_that_is_not_connected(check: Check, tmp_path: Path) -> None:
    (tmp_path / "order_lines.csv").write_text("id,order_id,quantity,price\n1,7,1,10\n")
    assert check({"shopify": {"exports": "."}}).orphans == []


def test_what_is_enabled_and_what_is_missing(check: Check, tmp_path: Path, contracts: Contracts) -> None:
    (tmp_path / "orders.csv").write_text(lines({}))
    report = check(orders())
    (table,) = report.tables
    assert table.enables == contracts["files", "order_lines"].meta.enables
    assert {"fct_orders", "rpt_repeat_purchase", "rpt_order_line_balance"} <= set(table.marts)
    missing = {one.role: one for one in report.missing}
    assert set(missing) == {*get_args(Role)} - {"commerce"}
    assert missing["support"] == MissingRole("support", ROLES["support"], (), ("tickets",), ("zendesk",))
    assert not set(missing["crm"].marts) & set(table.marts)


def test_a_table_without_a_good_row_enables_nothing(check: Check, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(lines({1: "-1"}, count=1))
    report = check(orders())
    assert not report.tables[0].has_rows
    (commerce,) = [one for one in report.missing if one.role == "commerce"]
    assert {"fct_orders", "rpt_order_cohorts"} <= set(commerce.marts)


def test_marts_come_from_the_lineage(tmp_path: Path) -> None:
    folders = {
        "stg": "staging.files", "context": "intermediate.run", "fct": "marts.shop", "rpt": "marts.shop",
        "health": "marts.run",
    }  # fmt: skip
    nodes = {
        f"model.tenure.{name}": {"name": name, "schema": path.split(".")[0], "fqn": ["tenure", *path.split("."), name]}
        for name, path in folders.items()
    }
    raw = {"orders": "raw_files", "people": "raw_files", "loads": "ingestion"}
    sources = {
        f"source.tenure.{name}": {"source_name": "files", "name": name, "schema": schema}
        for name, schema in raw.items()
    }
    children = {
        "source.tenure.orders": ["model.tenure.stg", "test.tenure.some"],
        "source.tenure.people": ["model.tenure.context"],
        "source.tenure.loads": ["model.tenure.context"],
        "model.tenure.stg": ["model.tenure.context", "model.tenure.fct"],
        "model.tenure.context": ["model.tenure.health"],
        "model.tenure.fct": ["model.tenure.rpt", "unit_test.tenure.fct"],
        "model.tenure.rpt": [],
        "model.tenure.health": [],
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes, "sources": sources, "child_map": children}))
    by_table, always = read_marts(path)
    assert by_table == {("files", "orders"): ("fct", "rpt"), ("files", "people"): ()}
    assert always == ("health",)


def test_every_raw_table_has_a_place_in_the_lineage(contracts: Contracts) -> None:
    by_table, always = read_marts(dbt_manifest())
    assert set(by_table) == set(contracts)
    assert "rpt_source_health" in always
    assert set(ROLES) == set(get_args(Role))


def test_an_api_is_left_to_the_run(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENDESK_TOKEN", CANARY)
    (tmp_path / "orders.csv").write_text(lines({}))
    # Nothing listens there: a check that asked would fail.
    zendesk = {"base_url": "http://127.0.0.1:9", "email": "ops@example.org", "token": "${ZENDESK_TOKEN}"}
    report = check({**orders(), "zendesk": {"api": zendesk}})
    assert not report.refusals
    by_api = [table.name for table in report.tables if table.connection == "api"]
    assert "zendesk.tickets" in by_api
    assert "support" not in {one.role for one in report.missing}
    assert CANARY not in repr(report)


@pytest.mark.parametrize(
    ("connected", "sentence"),
    [
        ({"files": {"order_lins": orders()["files"]["order_lines"]}}, "did you mean 'files.order_lines'?"),
        ({"zendesk": {"api": {"base_url": "https://acme.zendesk.com"}}}, "zendesk.api lacks 'email'"),
        ({"zendsk": {"exports": "."}}, "did you mean 'zendesk'?"),
    ],
)
def test_mistakes_in_sources_are_told_at_once(check: Check, connected: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as mistake:
        check(connected)
    assert sentence in str(mistake.value)


def test_checking_needs_no_dagster() -> None:
    """It takes seconds to import."""
    modules = "ingestion.check, orchestration.check_page, orchestration.cli, orchestration.dbt_project, sys"
    code = f"import {modules}; assert not {{'dagster', 'dbt'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT, timeout=60)
