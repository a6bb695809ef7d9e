"""A deployment in small: a folder of files, a sources.yml, a warehouse."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.contracts import Contracts, read_contracts
from ingestion.errors import UserError
from ingestion.failures import WarehouseError
from ingestion.load import load_sources
from ingestion.manifest import Load
from ingestion.sources import read_sources
from ingestion.tables import prepare_warehouse

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
RECEIVED_AT = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
HEADER = "order,line,customer,placed,sku,qty,price\n"
COLUMNS = {
    "order_id": "order",
    "line_id": "line",
    "customer_id": "customer",
    "ordered_at": "placed",
    "product_id": "sku",
    "quantity": "qty",
    "unit_price": "price",
    "currency": "'EUR'",
}


class RefusedFilesError(Exception):
    """What a load refused, one line each; `loads` holds what was loaded all the same."""

    def __init__(self, sentences: list[str], loads: list[Load]) -> None:
        super().__init__("\n".join(sentences))
        self.loads = loads


@dataclass
class Deployment:
    folder: Path
    con: duckdb.DuckDBPyConnection
    contracts: Contracts
    columns: dict[str, str] = field(default_factory=lambda: dict(COLUMNS))
    path: str | list[str] = "*.csv"
    table: str = "order_lines"
    runs: int = 0

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, *, accept_shrink: bool = False, **spec: Any) -> list[Load]:
        """Load what the folder holds; each call is a minute later.

        Raises RefusedFilesError where anything is refused, after all else has been loaded.
        """
        table = {"path": self.path, "columns": self.columns, **spec}
        return self.load_all({"files": {self.table: table}}, accept_shrink=accept_shrink)

    def load_all(self, connected: dict[str, Any], *, accept_shrink: bool = False) -> list[Load]:
        """Load from the given `sources` of a sources.yml."""
        sources = read_sources(self.write("sources.yml", yaml.safe_dump({"sources": connected})))
        self.runs += 1
        moment = RECEIVED_AT + timedelta(minutes=self.runs)
        try:
            report = load_sources(
                self.con,
                sources,
                self.contracts,
                landing=self.folder / "landing",
                accept_shrink=accept_shrink,
                received_at=moment,
            )
        except WarehouseError:
            raise
        except UserError as mistake:
            raise RefusedFilesError([str(mistake)], []) from mistake
        if report.refusals:
            raise RefusedFilesError([refused.sentence for refused in report.refusals], report.loads)
        return report.loads

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def current(self) -> list[tuple[Any, ...]]:
        """Order, line, product, quantity, price of the current rows."""
        return self.query(
            "select order_id, line_id, product_id, quantity::double, unit_price::double from raw_files.order_lines "
            "where _superseded_by is null order by all"
        )

    def reasons(self) -> list[tuple[int, str]]:
        return self.query(
            f"select row_number, reason from quarantine.files__{self.table} order by _load_id, row_number"
        )


@pytest.fixture(scope="session")
def contracts() -> Contracts:
    return read_contracts(PROJECT)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Path:
    """A warehouse in which nothing is loaded yet: to copy it is quicker than to make its tables."""
    path = tmp_path_factory.mktemp("prepared") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        prepare_warehouse(con, contracts)
    return path


@pytest.fixture
def deployment(tmp_path: Path, contracts: Contracts, prepared: Path) -> Iterator[Deployment]:
    folder = tmp_path / "files"
    folder.mkdir()
    con = duckdb.connect(shutil.copy(prepared, tmp_path), config={"threads": 2})
    yield Deployment(folder, con, contracts)
    _check_conservation(con)
    con.close()


@pytest.fixture
def zendesk(deployment: Deployment) -> Deployment:
    """A deployment with a folder for Zendesk's exports."""
    (deployment.folder / "zendesk").mkdir()
    return deployment


def _check_conservation(con: duckdb.DuckDBPyConnection) -> None:
    """After every test that loads: each received row is accounted for, and a key has one current row."""
    if not con.execute("select 1 from information_schema.tables where table_name = 'loads'").fetchall():
        return
    assert not con.execute(
        "from ingestion.loads where received_count <> loaded_count + quarantined_count + superseded_count"
    ).fetchall()
    assert not con.execute("""
        select load_id, l.received_count, l.loaded_count, l.quarantined_count, l.superseded_count
        from ingestion.loads l left join ingestion.load_days d using (load_id)
        group by all
        having list_transform(
            [sum(d.received_count), sum(d.loaded_count), sum(d.quarantined_count), sum(d.superseded_count)],
            lambda total: coalesce(total, 0)
        ) <> [l.received_count, l.loaded_count, l.quarantined_count, l.superseded_count]
    """).fetchall()
    assert not con.execute("""
        select 1 from raw_files.order_lines where _superseded_by is null
        group by order_id, line_id, if(line_id is null, product_id, null), _occurrence having count(*) > 1
    """).fetchall()
