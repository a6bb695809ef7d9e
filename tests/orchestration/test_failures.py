"""What is said when a step fails: in one sentence, and without a database's own words."""

import errno
import json
from pathlib import Path

import duckdb
import pytest

from ingestion.home import open_home
from orchestration.resources import _io_sentence
from orchestration.transform import _failure


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        duckdb.IOException('IO Error: Could not write file "warehouse.duckdb": File too large'),
    ],
)
def test_a_full_disk_is_named(error: OSError | duckdb.IOException) -> None:
    said = _io_sentence(error, "load the sources")
    assert said.startswith("The disk is full (or a file-size limit was met) while Tenure was to load the sources")


def test_a_disk_that_fills_up_while_dbt_builds_is_named(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    home.dbt_target.mkdir(exist_ok=True)
    message = "Runtime Error\n  IO Error: Could not write all bytes to file: No space left on device"
    results = [{"unique_id": "model.tenure.fct_orders", "status": "error", "message": message}]
    home.dbt_results.write_text(json.dumps({"results": results}))
    assert _failure(home).startswith("The disk is full")


def test_a_failed_node_is_named_without_what_its_database_said(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    home.dbt_target.mkdir(exist_ok=True)
    results = [
        {"unique_id": "model.tenure.fct_orders", "status": "error", "message": "Runtime Error\n  'a@example.org'"},
        {"unique_id": "test.tenure.unique_orders.abc", "status": "fail", "failures": 3},
    ]
    home.dbt_results.write_text(json.dumps({"results": results}))
    said = _failure(home)
    assert "- model fct_orders could not be built (Runtime Error)" in said
    assert "- test unique_orders failed on 3 rows" in said
    assert "example.org" not in said
