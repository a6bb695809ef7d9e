"""What the loader writes about its own work, in the warehouse's schema `ingestion`.

`loads`: one line for each file that was loaded. `load_days`: the same counts by the dates of the records and of their
versions. `files`: the hash of each file, good for as long as it isn't touched. `refusals`: what the last run could not
load. `schema_changes`: columns that came, went or changed. `tables`: every raw table with its contract's targets and
how it is connected. `orphans`: foreign keys that lead nowhere.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.contracts import Contract, Contracts
from ingestion.text import ident, literal, natural_order, sql_value


@dataclass(frozen=True)
class Load:
    """One line of the manifest. `is_new` is False where the file had been loaded before, by that load.

    received = loaded + quarantined + superseded: written as a version of its record, refused by the contract, or
    known already. `replaced_count`: rows that were current until this load. `deleted_count`: records that a full
    export no longer holds. The window is that of the good rows' dates, `newest_version` that of their versions;
    times are UTC without zone. `columns`: the file's own columns, as a JSON list. `connection`: `files`, `exports` or
    `api`.
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
    connection: str
    is_new: bool = True


_COLUMNS = [field.name for field in fields(Load) if field.name != "is_new"]
_TIMES = ("received_at", "window_start", "window_end", "newest_version")
_OTHER_TABLES = {
    "load_days": "load_id varchar, source varchar, table_name varchar, record_date date, version_date date, "
    "received_count bigint, loaded_count bigint, quarantined_count bigint, superseded_count bigint, new_count bigint, "
    "late_count bigint",
    "files": "path varchar, stamp varchar, file_hash varchar",
    "refusals": "source varchar, table_name varchar, file varchar, reason varchar, refused_at timestamp",
    "schema_changes": "source varchar, table_name varchar, column_name varchar, change varchar, file varchar, "
    "noticed_at timestamp",
    "tables": "source varchar, system varchar, table_name varchar, role varchar, owner varchar, connection varchar, "
    "is_critical boolean, is_dated boolean, freshness_days integer, stale_days integer, current_count bigint, "
    "deleted_count bigint, open_quarantine_count bigint",
    "orphans": "source varchar, table_name varchar, column_name varchar, references_column varchar, "
    "checked_count bigint, orphan_count bigint",
}


def manifest_tables() -> dict[str, dict[str, str]]:
    """The tables of `ingestion`, each with its columns and their types."""
    tables = {"ingestion.loads": {name: _data_type(name) for name in _COLUMNS}}
    for table, definition in _OTHER_TABLES.items():
        columns = (column.split(" ", 1) for column in definition.split(", "))
        tables[f"ingestion.{table}"] = dict(columns)
    return tables


def _data_type(name: str) -> str:
    if name in _TIMES:
        return "timestamp"
    return "bigint" if name.endswith("_count") else "varchar"


def write_load(con: duckdb.DuckDBPyConnection, load: Load) -> None:
    """Append a load."""
    values = ", ".join(sql_value(getattr(load, name)) for name in _COLUMNS)
    con.execute(f"insert into ingestion.loads ({', '.join(_COLUMNS)}) values ({values})")


class KnownFiles:
    """Which files were loaded before: read once, and kept up while a run loads more."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._of_path: dict[tuple[str, str, str], Load] = {}
        self._of_content: dict[tuple[str, str, str], Load] = {}
        for row in con.execute(f"select {', '.join(_COLUMNS)} from ingestion.loads order by load_id").fetchall():
            self.add(Load(**dict(zip(_COLUMNS, row, strict=True)), is_new=False))

    def add(self, load: Load) -> None:
        """Remember one more load."""
        self._of_path[load.source, load.table_name, load.file] = load
        if load.newest_version is not None:
            self._of_content[load.source, load.table_name, load.file_hash] = load

    def earlier_load(self, contract: Contract, file: str, file_hash: str, mapping_hash: str) -> Load | None:
        """The load that makes loading a file needless: the last of its path, if content and mapping are still the same.

        A path that comes for the first time is needless where the same content was loaded under another name and its
        records have versions. Without versions it is news, whatever it says: a correction may have come in between, and
        what comes later is true. So it is with a full export.
        """
        load = self._of_path.get((contract.source, contract.table, file))
        if load is None and contract.meta.delivery == "changes":
            load = self._of_content.get((contract.source, contract.table, file_hash))
        if load is None or (load.file_hash, load.mapping_hash) != (file_hash, mapping_hash):
            return None
        return replace(load, is_new=False)


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


def known_hashes(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Path and stamp of each file as it was when it was hashed → its hash."""
    rows = con.execute("select path, stamp, file_hash from ingestion.files").fetchall()
    return {(path, stamp): file_hash for path, stamp, file_hash in rows}


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
    return _columns_of(con, contract, "max")


def first_columns(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """The columns that the first load of a table brought."""
    return _columns_of(con, contract, "min")


def _columns_of(con: duckdb.DuckDBPyConnection, contract: Contract, which: str) -> list[str]:
    row = con.execute(
        f"select arg_{which}(columns, load_id) from ingestion.loads where {_of_table(contract)}"
    ).fetchone()
    return list(json.loads(row[0])) if row and row[0] else []


def last_mapping_hash(con: duckdb.DuckDBPyConnection, contract: Contract) -> str | None:
    """Under which mapping and contract a table was loaded last."""
    row = con.execute(
        f"select arg_max(mapping_hash, load_id) from ingestion.loads where {_of_table(contract)}"
    ).fetchone()
    return row[0] if row else None


def newest_by_api(con: duckdb.DuckDBPyConnection, contract: Contract) -> datetime | None:
    """The newest version, or else date, that was read of a table by its API."""
    row = con.execute(
        f"""select max(coalesce(newest_version, window_end)) from ingestion.loads
        where {_of_table(contract)} and connection = 'api'"""
    ).fetchone()
    return row[0] if row else None


def has_newer_export(
    con: duckdb.DuckDBPyConnection, contract: Contract, connection: str, file: str, file_hash: str
) -> bool:
    """Whether a newer full export of the table was loaded already, the same way.

    Newer is whose name comes later, numbers in it by their value. A file that was written anew since it was loaded is
    newer than all.
    """
    loaded = con.execute(
        f"""select file, arg_max(file_hash, load_id) from ingestion.loads
        where {_of_table(contract)} and connection = {literal(connection)} group by file"""
    ).fetchall()
    if dict(loaded).get(file, file_hash) != file_hash:
        return False
    return any(natural_order(Path(other).stem) > natural_order(Path(file).stem) for other, _ in loaded)


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


def forget_broken_columns(con: duckdb.DuckDBPyConnection) -> None:
    """Forget which columns were missing or retyped: each run tries the refused files anew."""
    con.execute("delete from ingestion.schema_changes where change <> 'added'")


def note_columns(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    names: Iterable[str],
    change: str,
    file: str,
    noticed_at: datetime,
) -> None:
    """Record the columns in which a table's newest file differs.

    `change`: `added`, and what had been added and is there no more is forgotten; or `missing` or `retyped`, for whose
    sake the file is refused.
    """
    given = list(names)
    if change == "added":
        others = f"and column_name not in ({', '.join(map(literal, given))})" if given else ""
        con.execute(f"delete from ingestion.schema_changes where {_of_table(contract)} and change = 'added' {others}")
    for name in given:
        con.execute(
            f"""insert into ingestion.schema_changes
            select {literal(contract.source)}, {literal(contract.table)}, {literal(name)}, {literal(change)},
                {literal(file)}, {sql_value(noticed_at)}
            where not exists (
                from ingestion.schema_changes
                where {_of_table(contract)} and column_name = {literal(name)} and change = {literal(change)}
            )"""
        )


def loaded_tables(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The (source, table) of which a file was ever loaded."""
    return set(con.execute("select distinct source, table_name from ingestion.loads").fetchall())


def refused_tables(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The (source, table) of which the last run refused something."""
    return set(con.execute("select source, table_name from ingestion.refusals where table_name is not null").fetchall())


def forget_refusals(con: duckdb.DuckDBPyConnection, *, before: datetime) -> None:
    """Take the refusals of earlier runs off the list: each run tries everything anew."""
    con.execute(f"delete from ingestion.refusals where refused_at <> {sql_value(before)}")


def write_refusal(
    con: duckdb.DuckDBPyConnection, source: str, table: str | None, file: str | None, reason: str, refused_at: datetime
) -> None:
    """Record what could not be loaded; `table` and `file` are None where there is no single one to blame."""
    con.execute(
        f"insert into ingestion.refusals values ({literal(source)}, {sql_value(table)}, {sql_value(file)}, "
        f"{literal(reason)}, {sql_value(refused_at)})"
    )


def write_tables(
    con: duckdb.DuckDBPyConnection, contracts: Contracts, connections: Mapping[tuple[str, str], str]
) -> None:
    """Write down every raw table, how it is connected, and what it holds now.

    `connections`: (source, table) → `files`, `exports` or `api`.
    """
    rows = []
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
        rows.append(
            f"""select {", ".join(values)},
                count(*) filter (where _is_deleted is not true), count(*) filter (where _is_deleted),
                (select count(*) from {contract.quarantine_table} where mended_by is null)
            from {contract.raw_table} where _superseded_by is null"""
        )
    con.execute("delete from ingestion.tables")
    con.execute(f"insert into ingestion.tables {' union all '.join(rows)}")


def write_orphans(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """Count the current rows whose foreign key leads to no current row, for each key of the tables that have rows.

    Where the table that a key leads to has never had a row, it isn't connected, and nothing can be said.
    """
    con.execute("delete from ingestion.orphans")
    current = "_superseded_by is null and _is_deleted is not true"
    for contract in contracts.values():
        for column in contract.columns:
            if column.meta.references is None:
                continue
            table, _, parent_key = column.meta.references.partition(".")
            parent = contracts[contract.source, table].raw_table
            if con.execute(f"select 1 from {parent} limit 1").fetchone() is None:
                continue
            key, other = (
                name if column.meta.significant is None else f"left({name}, {column.meta.significant})"
                for name in (ident(column.name), ident(parent_key))
            )
            con.execute(
                f"""insert into ingestion.orphans
                select {literal(contract.source)}, {literal(contract.table)}, {literal(column.name)},
                    {literal(column.meta.references)}, count(*), count(*) filter (where parent.key is null)
                from (select {key} as key from {contract.raw_table} where {current}) as child
                left join (select distinct {other} as key from {parent} where {current}) as parent using (key)
                where child.key is not null
                having count(*) > 0"""
            )


def _of_table(contract: Contract) -> str:
    return f"source = {literal(contract.source)} and table_name = {literal(contract.table)}"
