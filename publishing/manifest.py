"""What a release's `manifest.json` says: what the release holds, and what it was made of."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import dataclass
from datetime import date

import duckdb

from ingestion.errors import UserError
from ingestion.home import Home, connect_warehouse
from publishing.contract import PublishedTable


@dataclass(frozen=True)
class TableFigures:
    """Size of a published table, and a hash of its content that does not depend on the order of rows."""

    rows: int
    content_hash: str


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`: what a release holds and what it came from. `known_until`: of a look back, the last second (UTC)
    whose loads it knows; no later release is compared with it."""

    release_id: str
    created_at: str
    as_of_date: str
    data_through: dict[str, str]
    known_until: str | None
    previous_release_id: str | None
    is_changed: bool
    last_load_id: str | None
    loads: dict[str, int]
    tables: dict[str, TableFigures]
    state_tables: dict[str, TableFigures]
    content_hash: str
    contract_hash: str
    versions: dict[str, str]


@dataclass(frozen=True)
class BuiltFrom:
    """What the marts were built from."""

    as_of_date: date
    data_through_date: date
    last_load_id: str | None


def built_from(home: Home) -> BuiltFrom:
    """What the warehouse's marts were built from.

    Raises:
        UserError: there is no record, or none by the as-of date.
    """
    with connect_warehouse(home, read_only=True) as warehouse:
        row = warehouse.sql(
            "select as_of_date, data_through_date, last_load_id from intermediate.int_run__context"
        ).fetchone()
    if row is None or row[0] is None:
        raise UserError("There are no records to publish: connect a source in sources.yml, then run again.")
    if row[1] is None:
        raise UserError(f"There is no record on or before {row[0]}: give a later --as-of, or load older records.")
    return BuiltFrom(*row)


def data_through(warehouse: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The newest record's date of each connected source, none after the as-of date; of what may be dated ahead, as a
    subscription that begins next month, the day on which it was known."""
    rows = warehouse.sql(
        """select source, max(least(
            if(tables.is_dated, days.record_date, coalesce(days.newest_version_date, days.record_date)), as_of_date
        ))
        from intermediate.int_run__source_days as days
        join intermediate.int_run__source_tables as tables using (source, table_name)
        cross join intermediate.int_run__context
        where tables.is_connected and days.has_records and days.record_date is not null
        group by source order by source"""
    ).fetchall()
    return {source: newest.isoformat() for source, newest in rows}


def table_figures(warehouse: duckdb.DuckDBPyConnection, tables: dict[str, PublishedTable]) -> dict[str, TableFigures]:
    """Size and content hash of each of these tables of the warehouse."""
    return {name: _of_table(warehouse, table) for name, table in tables.items()}


def _of_table(warehouse: duckdb.DuckDBPyConnection, table: PublishedTable) -> TableFigures:
    # A sum of row hashes is the same for every order of rows and, unlike xor, counts a row that is there twice.
    # DuckDB's own hash takes a fifteenth of md5's time; its version stands in the manifest beside it.
    columns = ", ".join(f'"{column}"' for column in table.columns)
    row = warehouse.sql(
        f'select count(*), sum(hash({columns}))::varchar from "{table.schema}"."{table.name}"'
    ).fetchone()
    assert row
    text = json.dumps([list(table.columns), row[0], row[1]])
    return TableFigures(rows=row[0], content_hash=hashlib.sha256(text.encode()).hexdigest())


def combined_hash(tables: dict[str, TableFigures]) -> str:
    """One hash of the content of all tables."""
    text = json.dumps({name: figures.content_hash for name, figures in tables.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def loads_since(
    warehouse: duckdb.DuckDBPyConnection, since_load_id: str | None, last_load_id: str | None
) -> dict[str, int]:
    """What the files brought that this release is the first to hold. Load ids sort by time."""
    row = warehouse.execute(
        """select count(*), sum(received_count), sum(loaded_count), sum(quarantined_count), sum(superseded_count)
        from ingestion.loads where load_id > ? and load_id <= ?""",
        [since_load_id or "", last_load_id or ""],
    ).fetchone()
    assert row
    names = ("new", "received", "loaded", "quarantined", "superseded")
    return {name: int(value or 0) for name, value in zip(names, row, strict=True)}


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a release's content hangs on."""
    packages = ("tenure", "duckdb", "dbt-core", "dbt-duckdb", "great-expectations")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}
