"""The load manifest, `ingestion.loads`: one line for each file that was loaded."""

from dataclasses import dataclass, fields
from datetime import datetime

import duckdb

from ingestion.contracts import Contract
from ingestion.text import literal, sql_value


@dataclass(frozen=True)
class Load:
    """One line of the manifest. `is_new` is False where the file had been loaded before, by that load.

    received = loaded + quarantined + superseded. `replaced_count`: rows of earlier loads that this one superseded.
    The window is that of the good rows' dates; times are UTC without zone.
    """

    load_id: str
    source: str
    table_name: str
    file: str
    file_hash: str
    mapping_hash: str
    received_at: datetime
    window_start: datetime | None
    window_end: datetime | None
    received_count: int
    loaded_count: int
    quarantined_count: int
    superseded_count: int
    replaced_count: int
    is_new: bool = True


_COLUMNS = [field.name for field in fields(Load) if field.name != "is_new"]
_TIMES = ("received_at", "window_start", "window_end")


def create_manifest(con: duckdb.DuckDBPyConnection) -> None:
    """Make `ingestion.loads` where it isn't there yet."""
    columns = [f"{name} {_data_type(name)}" for name in _COLUMNS]
    con.execute("create schema if not exists ingestion")
    con.execute(f"create table if not exists ingestion.loads ({', '.join(columns)})")


def _data_type(name: str) -> str:
    if name in _TIMES:
        return "timestamp"
    return "bigint" if name.endswith("_count") else "varchar"


def write_load(con: duckdb.DuckDBPyConnection, load: Load) -> None:
    """Append a load."""
    values = ", ".join(sql_value(getattr(load, name)) for name in _COLUMNS)
    con.execute(f"insert into ingestion.loads values ({values})")


def earlier_load(
    con: duckdb.DuckDBPyConnection, contract: Contract, file: str, file_hash: str, mapping_hash: str
) -> Load | None:
    """The load that makes loading this file needless: of the same content under the same mapping.

    There is none where the path has had other content since: a correction that is taken back is news.
    """
    latest = con.execute(
        f"""select file_hash from ingestion.loads
        where {_of_table(contract)} and file = {literal(file)} order by load_id desc limit 1"""
    ).fetchone()
    if latest and latest[0] != file_hash:
        return None
    row = con.execute(
        f"""select {", ".join(_COLUMNS)} from ingestion.loads
        where {_of_table(contract)} and file_hash = {literal(file_hash)} and mapping_hash = {literal(mapping_hash)}
        order by load_id desc limit 1"""
    ).fetchone()
    return Load(**dict(zip(_COLUMNS, row, strict=True)), is_new=False) if row else None


def loads_of_content(con: duckdb.DuckDBPyConnection, contract: Contract, file_hash: str) -> list[str]:
    """Ids of all loads of the same content, under whatever mapping."""
    rows = con.execute(
        f"select load_id from ingestion.loads where {_of_table(contract)} and file_hash = {literal(file_hash)}"
    ).fetchall()
    return [load_id for (load_id,) in rows]


def first_loads(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, str]:
    """File hash → id of the first load of that content. Ids sort by time."""
    return dict(
        con.execute(
            f"select file_hash, min(load_id) from ingestion.loads where {_of_table(contract)} group by all"
        ).fetchall()
    )


def last_received(con: duckdb.DuckDBPyConnection, contract: Contract, file: str) -> int | None:
    """How many rows the last load of a path received."""
    row = con.execute(
        f"""select received_count from ingestion.loads
        where {_of_table(contract)} and file = {literal(file)} order by load_id desc limit 1"""
    ).fetchone()
    return int(row[0]) if row else None


def _of_table(contract: Contract) -> str:
    return f"source = {literal(contract.source)} and table_name = {literal(contract.table)}"
