"""Sentences of the README that can be run."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from ingestion.contracts import read_contracts
from ingestion.home import PROJECT_ROOT
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


def test_the_example_mapping_names_columns_of_the_contract() -> None:
    text = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert text
    sources = yaml.safe_load(text.group(1))["sources"]["files"]
    contracts = read_contracts(PROJECT_ROOT / "dbt_project")
    for table, spec in sources.items():
        assert set(spec["columns"]) <= set(contracts["files", table].column_names)


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
