"""The warehouse's tables for what comes in, each contract's raw table and its quarantine; and the as-of date."""

from datetime import date, datetime, timedelta

import duckdb

from ingestion.contracts import Contract, Contracts
from ingestion.errors import UserError
from ingestion.manifest import manifest_tables
from ingestion.text import ident, sql_value

TECHNICAL_COLUMNS = {
    "_load_id": "varchar",
    "_row_number": "bigint",
    "_occurrence": "integer",
    "_superseded_by": "varchar",
    "_version": "timestamp",
    "_is_deleted": "boolean",
    "_extra": "varchar",
}
QUARANTINE_COLUMNS = {
    "_load_id": "varchar",
    "file": "varchar",
    "row_number": "bigint",
    "reason": "varchar",
    "record": "varchar",
    "key_hash": "ubigint",
    "mended_by": "varchar",
}


def prepare_warehouse(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """Make each contract's raw and quarantine table, the load manifest and the functions by which a run tells dbt its
    dates, where they aren't there yet.

    A raw table of an older contract gets the columns and types of the present one.

    Raises:
        UserError: what a raw table holds doesn't fit the type that its contract has now.
    """
    # Once for all: to ask DuckDB table by table, each time a commit, takes longer than the load of a small file.
    present = _present_columns(con)
    for table, columns in manifest_tables().items():
        _make_table(con, table, columns, present)
    for contract in contracts.values():
        columns = {column.name: column.data_type for column in contract.columns} | TECHNICAL_COLUMNS
        _make_table(con, contract.raw_table, columns, present)
        for name, data_type in present.get(contract.raw_table, {}).items():
            if name in columns and data_type.lower() != columns[name].replace(" ", ""):
                _change_type(con, contract, name, columns[name])
        _make_table(con, contract.quarantine_table, QUARANTINE_COLUMNS, present)
    con.execute("create macro if not exists main.as_of_date() as (cast(null as date))")
    con.execute("create macro if not exists main.unknown_since() as (cast(null as varchar))")
    con.execute("create macro if not exists main.project_version() as (cast(null as varchar))")


def set_as_of(con: duckdb.DuckDBPyConnection, as_of: date | None, known_until: datetime | None) -> None:
    """Let `as_of_date()` be the date that a run was given, and `unknown_since()` sort, among the ids of loads, before
    the first that came after `known_until` (UTC); each NULL where the run was given none.

    Functions, as DuckDB reads them as constants: without them, no query looks at what was known earlier.
    """
    con.execute(f"create or replace macro main.as_of_date() as (cast({sql_value(as_of)} as date))")
    since = f"{known_until + timedelta(seconds=1):%Y%m%dT%H%M%S}" if known_until else None
    con.execute(f"create or replace macro main.unknown_since() as (cast({sql_value(since)} as varchar))")


def _present_columns(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Table with its schema → its columns and their types, of every table of the warehouse."""
    present: dict[str, dict[str, str]] = {}
    rows = con.execute(
        """select schema_name || '.' || table_name, column_name, data_type
        from duckdb_columns() where database_name = current_database() and not internal"""
    ).fetchall()
    for table, column, data_type in rows:
        present.setdefault(table, {})[column] = data_type
    return present


def _make_table(
    con: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], present: dict[str, dict[str, str]]
) -> None:
    """Make a table that isn't there; add the columns that one lacks."""
    definitions = {name: f"{ident(name)} {data_type}" for name, data_type in columns.items()}
    if table not in present:
        con.execute(f"create schema if not exists {table.partition('.')[0]}")
        con.execute(f"create table {table} ({', '.join(definitions.values())})")
        return
    for name, definition in definitions.items():
        if name not in present[table]:
            con.execute(f"alter table {table} add column {definition}")


def _change_type(con: duckdb.DuckDBPyConnection, contract: Contract, name: str, data_type: str) -> None:
    try:
        con.execute(f"alter table {contract.raw_table} alter column {ident(name)} type {data_type}")
    except duckdb.Error as error:
        raise UserError(
            f"{contract.raw_table} holds values of {name} that aren't {data_type}, as its contract now asks: "
            "load the files into a new home."
        ) from error


def quarantine_summary(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Rows in quarantine as (table, reason, count), most frequent first, without those that were mended since."""
    tables = con.execute(
        "select table_name from duckdb_tables() where schema_name = 'quarantine' order by table_name"
    ).fetchall()
    return [
        (str(table), reason, count)
        for (table,) in tables
        for reason, count in con.execute(
            f"select reason, count(*) from quarantine.{ident(table)} where mended_by is null "
            "group by reason order by count(*) desc, reason"
        ).fetchall()
    ]
