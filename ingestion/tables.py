"""The warehouse's tables for what comes in: each contract's raw table, and its quarantine."""

import duckdb

from ingestion.contracts import Contract, Contracts
from ingestion.errors import UserError
from ingestion.manifest import create_manifest
from ingestion.text import ident

TECHNICAL_COLUMNS = {
    "_load_id": "varchar",
    "_row_number": "bigint",
    "_occurrence": "integer",
    "_superseded_by": "varchar",
    "_version": "timestamp",
    "_is_deleted": "boolean",
    "_extra": "varchar",
}


def prepare_warehouse(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """Make each contract's raw and quarantine table and the load manifest where they aren't there yet.

    A raw table of an older contract gets the columns and types of the present one.

    Raises:
        UserError: what a raw table holds doesn't fit the type that its contract has now.
    """
    create_manifest(con)
    con.execute("create schema if not exists quarantine")
    for contract in contracts.values():
        columns = {column.name: column.data_type for column in contract.columns} | TECHNICAL_COLUMNS
        con.execute(f"create schema if not exists {contract.raw_table.partition('.')[0]}")
        definition = ", ".join(f"{ident(name)} {data_type}" for name, data_type in columns.items())
        con.execute(f"create table if not exists {contract.raw_table} ({definition})")
        present = {name: kind for name, kind, *_ in con.execute(f"describe {contract.raw_table}").fetchall()}
        for name, data_type in columns.items():
            if name not in present:
                con.execute(f"alter table {contract.raw_table} add column {ident(name)} {data_type}")
            elif present[name].lower() != data_type.replace(" ", ""):
                _change_type(con, contract, name, data_type)
        con.execute(
            f"create table if not exists {contract.quarantine_table} "
            "(_load_id varchar, file varchar, row_number bigint, reason varchar, record varchar)"
        )
        for column in ("key_hash ubigint", "mended_by varchar"):
            con.execute(f"alter table {contract.quarantine_table} add column if not exists {column}")


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
