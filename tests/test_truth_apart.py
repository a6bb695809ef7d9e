"""The demo's truth is there to judge results by: nothing that makes results reads it."""

import ast
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.contracts import read_contracts
from ingestion.home import PROJECT_ROOT, open_home
from tests.conftest import Run
from tests.marts import PROJECT, build, contents, load

RECEIVED_AT = datetime(2026, 6, 18, 6, 0, tzinfo=UTC)
PIPELINE = ("ingestion", "analytics", "dbt_project", "expectations", "publishing", "orchestration", "notebooks")
PLACE = re.compile(r"truth/|/truth|[\"']truth[\"']|demo[./]truth")


@pytest.mark.wide
@pytest.mark.whole_run
def test_the_marts_are_the_same_without_the_truth(demo: Path, demo_run: Run, tmp_path: Path) -> None:
    assert (demo.parent / "truth" / "damaged.parquet").exists()
    folder = tmp_path / "demo"
    shutil.copytree(demo.parent / "exports", folder / "exports")
    sources = folder / "sources.yml"
    shutil.copy(demo, sources)
    home = open_home(tmp_path / "home")
    assert not load(home, sources, read_contracts(PROJECT), RECEIVED_AT).refusals
    build(home)
    # A load's id tells when it was received.
    without = {"*": ["load_id"]}
    published = contents(demo_run.home.current / "tenure.duckdb", without=without)
    del published["release_info"]
    assert len(published) > 5
    assert contents(home.warehouse, without=without) == published


def test_no_code_but_the_demo_s_own_names_its_place() -> None:
    code = [
        path
        for folder in PIPELINE
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql", ".yml", ".csv", ".j2")
        and not {"target", "logs"} & set(path.relative_to(PROJECT_ROOT).parts)
        and (PROJECT_ROOT / "ingestion" / "demo") not in path.parents
    ]
    assert len(code) > 200
    for path in code:
        assert not PLACE.search(path.read_text(encoding="utf-8")), path


def test_only_the_command_that_writes_the_demo_imports_it() -> None:
    importers = set()
    for folder in PIPELINE:
        for path in (PROJECT_ROOT / folder).rglob("*.py"):
            names = [
                name
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                for name in (
                    [node.module or ""] if isinstance(node, ast.ImportFrom)
                    else [alias.name for alias in node.names] if isinstance(node, ast.Import)
                    else []
                )
            ]  # fmt: skip
            if any(name == "ingestion.demo" or name.startswith("ingestion.demo.") for name in names):
                importers.add(path.relative_to(PROJECT_ROOT))
    outside = {path for path in importers if path.parts[:2] != ("ingestion", "demo")}
    assert outside == {Path("orchestration/cli.py")}
