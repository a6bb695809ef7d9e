"""Sentences of the README that can be run."""

import os
import re
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.check import check_files
from ingestion.connectors.api import SYSTEMS
from ingestion.contracts import read_contracts
from ingestion.home import PROJECT_ROOT
from ingestion.sources import read_sources
from orchestration.cli import app
from orchestration.dbt_project import dbt_manifest
from tests.conftest import Run

README = (PROJECT_ROOT / "README.md").read_text()
QUERIES = re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", README, re.MULTILINE)


@pytest.mark.whole_run
def test_every_question_has_an_answer(shop_run: Run) -> None:
    assert len(QUERIES) >= 10
    for query in QUERIES:
        shop_run.sql(f"use marts; {query}")
    marts = {name for (name,) in shop_run.sql("select table_name from duckdb_tables() where schema_name = 'marts'")}
    assert not [mart for mart in marts if not any(mart in query for query in QUERIES)]


@pytest.mark.whole_run
def test_the_notebook_reads_a_release(shop_run: Run) -> None:
    for notebook in (PROJECT_ROOT / "notebooks").glob("*.py"):
        result = subprocess.run(
            [sys.executable, str(notebook)],
            env={**os.environ, "TENURE_HOME": str(shop_run.home.root)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stderr


def test_the_map_and_the_links_are_true() -> None:
    for folder in re.findall(r"^\| `(\w+/)` \|", README, re.MULTILINE):
        assert (PROJECT_ROOT / folder).is_dir()
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (PROJECT_ROOT / link).exists(), link


def test_the_example_can_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert example
    files = {
        "orders_1.csv": 'Order No,Line No,Customer,Date,SKU,Qty,Price,Type\n1,1,c1,04.05.2026,p1,2,"12,50",S\n',
        "customers.csv": "Customer,Mail,Country\nc1,c1@example.org,France\n",
        "helpdesk/may.jsonl": '{"id": 7, "account": "c1", "state": "Open", "opened": "2026-05-04T09:30:00+02:00"}\n',
        "stripe/customers.csv": "id,created\ncus_1,2026-05-04\n",
        "sources.yml": textwrap.dedent(example.group(1)),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("ZENDESK_TOKEN", "anything")
    report = check_files(
        read_sources(tmp_path / "sources.yml"),
        read_contracts(PROJECT_ROOT / "dbt_project"),
        dbt_manifest(),
        accept_shrink=False,
        received_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert not report.refusals
    by_file = {
        table.name: (table.accepted_count, table.quarantined_count)
        for table in report.tables
        if table.connection != "api"
    }
    assert by_file == dict.fromkeys(["order_lines", "customers", "tickets", "stripe.customers"], (1, 0))
    assert {table.contract.source for table in report.tables if table.connection == "api"} == {"zendesk"}


def test_the_systems_that_are_named_are_those_that_there_are() -> None:
    named = re.search(r"\*\*Systems:\*\* (.+?)\. Exports", README, re.DOTALL)
    assert named
    contracts = read_contracts(PROJECT_ROOT / "dbt_project").values()
    systems = {contract.source_meta.system for contract in contracts if contract.source != "files"}
    assert {name.strip() for name in named.group(1).split(",")} == systems
    for source in SYSTEMS:
        assert "sources.yml: `" in (PROJECT_ROOT / "ingestion" / "connectors" / f"{source}.py").read_text()


def test_the_commands_that_are_named_exist() -> None:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"\btenure ([a-z]+)[ `]", README)) <= commands


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
