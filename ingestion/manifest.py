"""What the loader writes about its own work, in the warehouse's schema `ingestion`.

`loads`: one line for each file that was loaded. `load_days`: the same counts by the dates of the records and of their
versions. `files`: the hash of each file, good for as long as it isn't touched. `refusals`: what the last run could not
load. `schema_changes`: columns that came, went or changed. `tables`: every raw table with its contract's targets and
how it is connected. `orphans`: foreign keys that lead nowhere.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import duckdb

from ingestion.contracts import Contract, Contracts
from ingestion.text import ident, literal, sql_value


@dataclass(frozen=True)
class Load:
    """One line of the manifest. `is_new` is False where the file had been loaded before, by that load.

    received = loaded + quarantined + superseded: written as a version of its record, refused by the contract, or
    known already. `replaced_count`: rows that were current until this load. `deleted_count`: records that a full
    export no longer holds. The window is that of the good rows' dates, `newest_version` that of their versions;
    times are UTC without zone. `columns`: the file's own columns, as a JSON list.
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
    deleted_count: int
    newest_version: datetime | None
    columns: str
    is_new: bool = True


_COLUMNS = [field.name for field in fields(Load) if field.name != "is_new"]
_TIMES = ("received_at", "window_start", "window_end", "newest_version")
_OTHER_TABLES = {
    "load_days": "load_id varchar, source varchar, table_name varchar, record_date date, version_date date, "
    "received_count bigint, loaded_count bigint, quarantined_count bigint, superseded_count bigint, late_count bigint",
    "files": "path varchar, stamp varchar, file_hash varchar",
    "refusals": "source varchar, table_name varchar, file varchar, reason varchar, refused_at timestamp",
    "schema_changes": "source varchar, table_name varchar, column_name varchar, change varchar, file varchar, "
    "noticed_at timestamp",
    "tables": "source varchar, system varchar, table_name varchar, role varchar, owner varchar, connection varchar, "
    "is_critical boolean, is_dated boolean, freshness_days integer, stale_days integer",
    "orphans": "source varchar, table_name varchar, column_name varchar, references_column varchar, "
    "checked_count bigint, orphan_count bigint",
}


def create_manifest(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of `ingestion` where they aren't there yet; an older one gets the columns that it lacks."""
    con.execute("create schema if not exists ingestion")
    columns = [f"{name} {_data_type(name)}" for name in _COLUMNS]
    con.execute(f"create table if not exists ingestion.loads ({', '.join(columns)})")
    for column in columns:
        con.execute(f"alter table ingestion.loads add column if not exists {column}")
    for table, definition in _OTHER_TABLES.items():
        con.execute(f"create table if not exists ingestion.{table} ({definition})")


def _data_type(name: str) -> str:
    if name in _TIMES:
        return "timestamp"
    return "bigint" if name.endswith("_count") else "varchar"


def write_load(con: duckdb.DuckDBPyConnection, load: Load) -> None:
    """Append a load."""
    values = ", ".join(sql_value(getattr(load, name)) for name in _COLUMNS)
    con.execute(f"insert into ingestion.loads ({', '.join(_COLUMNS)}) values ({values})")


def earlier_load(
    con: duckdb.DuckDBPyConnection, contract: Contract, file: str, file_hash: str, mapping_hash: str
) -> Load | None:
    """The load that makes loading this file needless: of the same content under the same mapping.

    There is none where the path has had other content since: a correction that is taken back is news. A full export
    under another name is news as well: what it lacks is gone, although an earlier one lacked the same.
    """
    latest = con.execute(
        f"""select file_hash from ingestion.loads
        where {_of_table(contract)} and file = {literal(file)} order by load_id desc limit 1"""
    ).fetchone()
    if latest and latest[0] != file_hash:
        return None
    same_name = f"and file = {literal(file)}" if contract.meta.delivery == "full" else ""
    row = con.execute(
        f"""select {", ".join(_COLUMNS)} from ingestion.loads
        where {_of_table(contract)} and file_hash = {literal(file_hash)} and mapping_hash = {literal(mapping_hash)}
            {same_name} order by load_id desc limit 1"""
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


def known_hashes(con: duckdb.DuckDBPyConnection, path: str) -> dict[str, str]:
    """Stamp → hash of a file as it was when it was hashed."""
    return dict(con.execute(f"select stamp, file_hash from ingestion.files where path = {literal(path)}").fetchall())


def write_hash(con: duckdb.DuckDBPyConnection, path: str, stamp: str, file_hash: str) -> None:
    """Remember a file's hash, so that it need not be read again before it is touched."""
    con.execute(f"delete from ingestion.files where path = {literal(path)}")
    con.execute(f"insert into ingestion.files values ({literal(path)}, {literal(stamp)}, {literal(file_hash)})")


def last_received(con: duckdb.DuckDBPyConnection, contract: Contract, file: str) -> int | None:
    """How many rows the last load of a path received; of the table, where each file is the whole of it."""
    same_file = f" and file = {literal(file)}" if contract.meta.delivery == "changes" else ""
    row = con.execute(
        f"""select received_count from ingestion.loads
        where {_of_table(contract)}{same_file} order by load_id desc limit 1"""
    ).fetchone()
    return int(row[0]) if row else None


def last_columns(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """The columns that the last load of a table brought."""
    row = con.execute(
        f"select columns from ingestion.loads where {_of_table(contract)} order by load_id desc limit 1"
    ).fetchone()
    return list(json.loads(row[0])) if row and row[0] else []


def newest_version(con: duckdb.DuckDBPyConnection, contract: Contract) -> datetime | None:
    """The newest version that any load of a table brought."""
    row = con.execute(f"select max(newest_version) from ingestion.loads where {_of_table(contract)}").fetchone()
    return row[0] if row else None


def newest_date(con: duckdb.DuckDBPyConnection, contract: Contract) -> str | None:
    """The newest date, ISO, of a record that was loaded into a table."""
    row = con.execute(
        f"select max(record_date)::varchar from ingestion.load_days where {_of_table(contract)} and loaded_count > 0"
    ).fetchone()
    return row[0] if row else None


def note_added_columns(
    con: duckdb.DuckDBPyConnection, contract: Contract, names: Iterable[str], file: str, noticed_at: datetime
) -> None:
    """Record columns that the contract doesn't have, each once."""
    for name in names:
        con.execute(
            f"""insert into ingestion.schema_changes
            select {literal(contract.source)}, {literal(contract.table)}, {literal(name)}, 'added', {literal(file)},
                {sql_value(noticed_at)}
            where not exists (
                from ingestion.schema_changes
                where {_of_table(contract)} and column_name = {literal(name)} and change = 'added'
            )"""
        )


def note_broken_columns(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    names: Iterable[str],
    change: str,
    file: str,
    noticed_at: datetime,
) -> None:
    """Record columns for whose sake a file was refused; `change` is `missing` or `retyped`."""
    con.execute(f"delete from ingestion.schema_changes where {_of_table(contract)} and file = {literal(file)}")
    for name in names:
        con.execute(
            f"insert into ingestion.schema_changes values ({literal(contract.source)}, {literal(contract.table)}, "
            f"{literal(name)}, {literal(change)}, {literal(file)}, {sql_value(noticed_at)})"
        )


def refused_tables(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The (source, table) of which the last run refused something."""
    return set(con.execute("select source, table_name from ingestion.refusals").fetchall())


def forget_refusals(con: duckdb.DuckDBPyConnection) -> None:
    """Empty the list of refusals: each run tries everything anew."""
    con.execute("delete from ingestion.refusals")


def write_refusal(
    con: duckdb.DuckDBPyConnection, source: str, table: str, file: str | None, reason: str, refused_at: datetime
) -> None:
    """Record what could not be loaded; `file` is None where it isn't one file's fault."""
    con.execute(
        f"insert into ingestion.refusals values ({literal(source)}, {literal(table)}, {sql_value(file)}, "
        f"{literal(reason)}, {sql_value(refused_at)})"
    )


def write_tables(
    con: duckdb.DuckDBPyConnection, contracts: Contracts, connections: Mapping[tuple[str, str], str]
) -> None:
    """Write down every raw table, and how it is connected: (source, table) → `files`, `exports` or `api`."""
    con.execute("delete from ingestion.tables")
    for contract in contracts.values():
        target, own = contract.source_meta, contract.meta
        values = [
            sql_value(contract.source),
            sql_value(target.system),
            sql_value(contract.table),
            sql_value(contract.meta.role),
            sql_value(contract.meta.owner),
            sql_value(connections.get((contract.source, contract.table))),
            str(contract.meta.is_critical).lower(),
            str(contract.happened_when_dated).lower(),
            str(target.freshness_days if own.freshness_days is None else own.freshness_days),
            str(target.stale_days if own.stale_days is None else own.stale_days),
        ]
        con.execute(f"insert into ingestion.tables values ({', '.join(values)})")


def write_orphans(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """Count the current rows whose foreign key leads to no current row, for each key of the connected tables."""
    con.execute("delete from ingestion.orphans")
    current = "_superseded_by is null and _is_deleted is not true"
    for contract in contracts.values():
        for column in contract.columns:
            if column.meta.references is None:
                continue
            name = ident(column.name)
            table, _, key = column.meta.references.partition(".")
            parent = contracts[contract.source, table].raw_table
            con.execute(
                f"""insert into ingestion.orphans
                select {literal(contract.source)}, {literal(contract.table)}, {literal(column.name)},
                    {literal(column.meta.references)}, count(*), count(*) filter (where parent.key is null)
                from (select {name} as key from {contract.raw_table} where {current} and {name} is not null) as child
                left join (select distinct {ident(key)} as key from {parent} where {current}) as parent using (key)
                having count(*) > 0"""
            )


def _of_table(contract: Contract) -> str:
    return f"source = {literal(contract.source)} and table_name = {literal(contract.table)}"
