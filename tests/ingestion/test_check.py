"""`tenure check`: what would come of files, row by row, and what that enables; nothing is kept."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from ingestion.check import ROLES, CheckReport, MissingRole, TableCheck, check_files, read_marts
from ingestion.contracts import Contracts, Role
from ingestion.errors import UserError
from ingestion.failures import WarehouseError
from ingestion.home import PROJECT_ROOT
from ingestion.sources import read_sources
from orchestration.dbt_project import dbt_manifest
from tests.ingestion.conftest import COLUMNS, HEADER

CANARY = "canary.person@example.org"
CHECKED_AT = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
Check = Callable[..., CheckReport]


@pytest.fixture
def check(tmp_path: Path, contracts: Contracts) -> Check:
    """Check the `sources` of a sources.yml beside the files of `tmp_path`."""

    def run(connected: dict[str, Any], *, accept_shrink: bool = False) -> CheckReport:
        path = tmp_path / "sources.yml"
        path.write_text(yaml.safe_dump({"sources": connected}))
        sources = read_sources(path)
        return check_files(sources, contracts, dbt_manifest(), accept_shrink=accept_shrink, received_at=CHECKED_AT)

    return run


def orders(path: str = "orders*.csv") -> dict[str, Any]:
    return {"files": {"order_lines": {"path": path, "columns": COLUMNS}}}


def lines(bad: dict[int, str], count: int = 30) -> str:
    """Order lines; `bad`: row number → its price instead of 9.99."""
    rows = [f"o{n},l{n},{CANARY},2026-05-04,sku,1,{bad.get(n, '9.99')}\n" for n in range(1, count + 1)]
    return HEADER + "".join(rows)


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
