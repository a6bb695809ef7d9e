"""A system's API and its exported files end in the same raw tables."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.connectors.api import SYSTEMS
from ingestion.contracts import Contracts
from ingestion.text import ident
from tests.ingestion.conftest import Deployment
from tests.ingestion.connectors.reading import Bench, connected


def write_exports(bench: Bench, folder: Path, tables: list[str]) -> None:
    """The system's rows as CSV files, in the columns that its API gives."""
    folder.mkdir()
    for table in tables:
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, bench.columns(table), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(bench.system.rows[table])


def loaded(exports: Path, bench: Bench, tables: list[str], folder: Path) -> dict[str, list[Any]]:
    """All rows of the raw tables, and why others are in quarantine, after the exports are loaded."""
    folder.mkdir()
    with duckdb.connect() as con:
        deployment = Deployment(folder, con, bench.all_contracts)
        deployment.load_all({bench.source: {"exports": str(exports)}})
        found = {}
        for table in tables:
            contract = bench.contracts[table]
            columns = ", ".join(ident(name) for name in sorted(bench.columns(table)))
            columns += ", _superseded_by is null, _version, _is_deleted"
            rows = deployment.query(f"select {columns} from {contract.raw_table} order by all")
            found[table] = rows + deployment.query(f"select reason from {contract.quarantine_table} order by all")
    return found


@pytest.mark.parametrize("source", SYSTEMS)
def test_the_api_and_the_files_end_in_the_same_raw_tables(source: str, contracts: Contracts, tmp_path: Path) -> None:
    with connected(source, contracts, tmp_path / "landing") as bench:
        tables = list(bench.read())
        write_exports(bench, tmp_path / "exports", tables)
        by_api = loaded(tmp_path / "landing" / source, bench, tables, tmp_path / "by_api")
        by_file = loaded(tmp_path / "exports", bench, tables, tmp_path / "by_file")
        for table in tables:
            assert len(by_api[table]) > 30
            assert by_api[table] == by_file[table]
