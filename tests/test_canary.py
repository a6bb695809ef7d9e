"""A secret, an address and a phone number go through every path that records take; nothing that is told names them."""

import base64
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.contracts import read_contracts
from ingestion.home import PROJECT_ROOT, Home, open_home
from publishing.release import DATABASE, current_release
from tests.conftest import run_pipeline
from tests.ingestion.connectors.deploying import VARIABLE, api_of
from tests.ingestion.connectors.reading import PATIENCE, connected
from tests.ingestion.connectors.server import EMAIL, PHONE, SECRET, Fault

# As Zendesk is given its secret: with every request.
IN_A_HEADER = base64.b64encode(f"ops@acme.example/token:{SECRET}".encode()).decode()
PERSON = (EMAIL, EMAIL.replace("@", "%40"), PHONE, PHONE.removeprefix("+"))
SECRETS = (SECRET, IN_A_HEADER)
ROW = "2026-01-05T10:00:00"

FILES = {
    # In good columns.
    "customers.csv": f"id,mail,phone\nc1,{EMAIL},{PHONE}\nc2,b@example.org,\n",
    # In a row that breaks the contract, and in one that has too many fields.
    "meetings.csv": "id,customer,held\n"
    + "".join(f"m{n},c1,{ROW}\n" for n in range(6))
    + f"m6,c1,{EMAIL}\nm7,c1,{PHONE},{EMAIL}\n",
    # Without a header.
    "people.csv": f"{EMAIL},{PHONE},c1\nsomebody@example.org,1,c2\n",
    # In a value on which the mapping's expression fails.
    "messages.csv": f"id,kind,mail,moment\n1,opened,{EMAIL},{ROW}\n2,opened,{EMAIL},{PHONE}\n",
    # In a line that is cut off.
    "milestones.jsonl": f'{{"id": "1", "customer": "{EMAIL}", "at": "{ROW}"}}\n{{"id": "2", "customer": "{EMAIL}\n',
    # As the name of a column.
    "klaviyo/profiles.csv": f"id,email,created,updated,{EMAIL},{PHONE}\n1,{EMAIL},{ROW},{ROW},{EMAIL},{PHONE}\n",
    # In a file that isn't what its name says.
    "klaviyo/campaigns.parquet": f"{EMAIL} {PHONE}",
}
MAPPED: dict[str, dict[str, Any]] = {
    "customers": {"path": "customers.csv", "columns": {"customer_id": "id", "email": "mail", "phone": "phone"}},
    "meetings": {"path": "meetings.csv", "columns": {"meeting_id": "id", "customer_id": "customer", "held_at": "held"}},
    "people": {"path": "people.csv", "columns": {"person_id": "id", "email": "mail", "customer_id": "customer"}},
    "messages": {
        "path": "messages.csv",
        "columns": {
            "message_id": "id",
            "event_type": "kind",
            "email": "mail",
            "occurred_at": "cast(moment as timestamp)",
        },
    },
    "milestones": {
        "path": "milestones.jsonl",
        "columns": {
            "milestone_id": "id",
            "customer_id": "customer",
            "milestone": "'live'",
            "status": "'complete'",
            "created_at": "at",
        },
    },
}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The sources.yml of files with the canaries, and of three APIs: one that works, and two whose faults tell them."""
    folder = tmp_path / "files"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setattr("ingestion.connectors.client.Patience", lambda: PATIENCE)
    contracts = read_contracts(PROJECT_ROOT / "dbt_project")
    with (
        connected("zendesk", contracts, tmp_path) as works,
        connected("hubspot", contracts, tmp_path, Fault("500", at=2)) as fails,
        connected("salesforce", contracts, tmp_path, Fault("401", at=1)) as refuses,
    ):
        for row in works.system.rows["users"]:
            row |= {"email": EMAIL, "phone": PHONE, "name": EMAIL}
        systems = {bench.source: api_of(bench) for bench in (works, fails, refuses)}
        path = folder / "sources.yml"
        path.write_text(yaml.safe_dump({"sources": {"files": MAPPED, "klaviyo": {"exports": "klaviyo"}, **systems}}))
        yield path


def test_what_comes_in_is_told_to_nobody(
    sources: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    home = open_home(tmp_path / "home")
    _load(home, sources)
    _check_silence(home, caplog.text, *capfd.readouterr(), _checked(sources, home))


@pytest.mark.wide
def test_a_whole_run_tells_nobody(
    sources: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    run = run_pipeline(tmp_path / "home", sources)
    assert run.succeeded, run.errors
    _check_silence(run.home, run.log, caplog.text, *capfd.readouterr())
    release = current_release(run.home)
    assert release
    assert run.sql(f"select count(*) from marts.dim_customers where email = '{EMAIL}'") == [(1,)]
    with duckdb.connect(str(release.path / DATABASE), read_only=True) as con:
        told = con.execute("select table_name from duckdb_tables() where table_name ~ '(rpt|release)_.*'").fetchall()
        assert len(told) > 4
        naming = {mart for (mart,) in told if _named(con, f"marts.{mart}", PERSON)}
        assert naming <= SHOW_PEOPLE
        assert not [mart for (mart,) in told if _named(con, f"marts.{mart}", SECRETS)]


# Both are there to show them: what each source says of a person or customer, and whom an agent spoke with of what.
SHOW_PEOPLE = {"rpt_source_conflicts", "rpt_contact_timeline"}


def _load(home: Home, sources: Path) -> None:
    """The first step of a run, as Dagster does it."""
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.ingest import RAW_TABLES

    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home.dagster / "dagster.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home.dagster))
        result = defs.resolve_job_def("tenure").execute_in_process(
            asset_selection=[spec.key for spec in RAW_TABLES],
            run_config={"resources": {"deployment": {"config": {"home": str(home.root), "sources": str(sources)}}}},
            instance=dg.DagsterInstance.get(),
        )
    assert result.success


def _checked(sources: Path, home: Home) -> str:
    """What `tenure check` prints."""
    tenure = str(Path(sys.executable).parent / "tenure")
    command = [tenure, "check", "--sources", str(sources), "--home", str(home.root)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "fails on a value of messages.csv" in checked.stdout
    assert "Loaded before" in checked.stdout
    return checked.stdout + checked.stderr


def _check_silence(home: Home, *told: str) -> None:
    """No canary in what was printed and logged, in the home's own files, or in the manifest of the loads."""
    for canary in PERSON + SECRETS:
        assert not [text for text in told if canary in text], canary
    holds_records = {home.warehouse, *home.releases.glob(f"*/{DATABASE}"), *home.releases.glob("*/parquet/*")}
    files = [path for path in home.root.rglob("*") if path.is_file() and path not in holds_records]
    assert len([path for path in files if home.dagster in path.parents]) > 2
    for path in files:
        content = path.read_bytes()
        assert not [canary for canary in PERSON + SECRETS if canary.encode() in content], path
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        tables = con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        named = {f"{schema}.{table}": (schema, _named(con, f'{schema}."{table}"', PERSON)) for schema, table in tables}
        assert not [table for table, (schema, rows) in named.items() if schema == "ingestion" and rows]
        assert not [table for schema, table in tables if _named(con, f'{schema}."{table}"', SECRETS)]
        # The canaries did go through.
        came = {table for table, (_, rows) in named.items() if rows}
        assert {"raw_files.customers", "raw_klaviyo.profiles", "raw_zendesk.users"} <= came
        assert {"quarantine.files__meetings", "quarantine.files__milestones"} <= came
        refused = dict(con.execute("select table_name, min(reason) from ingestion.refusals group by all").fetchall())
    assert {"people", "messages", "campaigns", "owners", "accounts"} <= set(refused)
    assert "first line looks like data" in refused["people"]
    assert "fails on a value" in refused["messages"]
    assert "HTTP 500" in refused["owners"]
    assert "HTTP 401" in refused["accounts"]


def _named(con: duckdb.DuckDBPyConnection, table: str, canaries: tuple[str, ...]) -> int:
    """How many rows of a table hold a canary, in whatever column."""
    holds = " or ".join(f"contains(cast(t as varchar), '{canary}')" for canary in canaries)
    found = con.execute(f"select count(*) from {table} t where {holds}").fetchone()
    return int(found[0]) if found else 0
