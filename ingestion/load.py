"""The only writer of `raw_<source>.<table>` and of its quarantine.

One file is one transaction: its rows, its quarantine and its line in the manifest are all there, or none is.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingestion.connectors.files import find_files, open_file
from ingestion.connectors.inspect import file_hash
from ingestion.contracts import Contract, Contracts
from ingestion.errors import UserError
from ingestion.failures import WarehouseError, explained
from ingestion.manifest import (
    Load,
    create_manifest,
    earlier_load,
    first_loads,
    last_received,
    loads_of_content,
    write_load,
)
from ingestion.mapping import Mapping, bind, check_mapping, mapping_hash
from ingestion.merge import Staged, count, same_content, same_key, stage
from ingestion.scratch import Scratch, new_scratch
from ingestion.sources import FileTable, Sources
from ingestion.text import counted, did_you_mean, ident, listed, literal

logger = logging.getLogger("tenure.ingestion")

TECHNICAL_COLUMNS = {
    "_load_id": "varchar",
    "_row_number": "bigint",
    "_occurrence": "integer",
    "_superseded_by": "varchar",
}
# An export that lost more than this share of its rows is more likely broken than right.
SHRINK_SHARE = 0.5


class RefusedFilesError(UserError):
    """Files that were refused, one line each. `loads` holds what was loaded all the same."""

    def __init__(self, refusals: Sequence[str], loads: Sequence[Load]) -> None:
        super().__init__("\n".join(refusals))
        self.loads = list(loads)


@dataclass(frozen=True)
class _Delivery:
    """One file on its way in. `name` is its path relative to sources.yml."""

    contract: Contract
    spec: FileTable
    path: Path
    name: str
    file_hash: str
    mapping_hash: str
    received_at: datetime
    accept_shrink: bool


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


def _change_type(con: duckdb.DuckDBPyConnection, contract: Contract, name: str, data_type: str) -> None:
    try:
        con.execute(f"alter table {contract.raw_table} alter column {ident(name)} type {data_type}")
    except duckdb.Error as error:
        raise UserError(
            f"{contract.raw_table} holds values of {name} that aren't {data_type}, as its contract now asks: "
            "load the files into a new home."
        ) from error


def quarantine_summary(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Rows in quarantine as (table, reason, count), most frequent first, of the latest load of each file."""
    tables = con.execute(
        "select table_name from duckdb_tables() where schema_name = 'quarantine' order by table_name"
    ).fetchall()
    latest = "select max(load_id) from ingestion.loads group by source, table_name, file"
    return [
        (str(table), reason, count)
        for (table,) in tables
        for reason, count in con.execute(
            f"select reason, count(*) from quarantine.{ident(table)} where _load_id in ({latest}) "
            "group by reason order by count(*) desc, reason"
        ).fetchall()
    ]


def load_sources(
    con: duckdb.DuckDBPyConnection,
    sources: Sources,
    contracts: Contracts,
    *,
    accept_shrink: bool,
    received_at: datetime,
) -> list[Load]:
    """Load all files of all connected sources; a file that was loaded before yields its earlier Load again.

    `received_at`: the moment that dates these loads; without a zone it is UTC.

    Raises:
        RefusedFilesError: files that can't be loaded, one line each, after all others have been.
        WarehouseError: the warehouse can't be written; files before this one are loaded, this one not at all.
    """
    moment = received_at.astimezone(UTC).replace(tzinfo=None) if received_at.tzinfo else received_at
    con.execute("set TimeZone = 'UTC'")
    prepare_warehouse(con, contracts)
    loads: list[Load] = []
    refusals: list[str] = []
    for source, tables in sources.sources.items():
        for table, spec in tables.items():
            contract = contracts.get((source, table))
            if contract is None:
                refusals.append(_unknown_table(source, table, contracts))
                continue
            try:
                check_mapping(spec, contract)
            except UserError as refusal:
                refusals.append(str(refusal))
                continue
            deliveries, problems = _deliveries(con, sources.root, spec, contract, moment, accept_shrink)
            refusals += problems
            for number, delivery in enumerate(deliveries, start=1):
                try:
                    load = _load_file(con, delivery)
                except WarehouseError:
                    raise
                except UserError as refusal:
                    refusals += [f"{table}: {line}" for line in str(refusal).splitlines()]
                    logger.warning("%s: file %d of %d, %s: refused", table, number, len(deliveries), delivery.name)
                else:
                    loads.append(load)
                    logger.info("%s: file %d of %d, %s", table, number, len(deliveries), _outcome(load, delivery.name))
    if refusals:
        raise RefusedFilesError(refusals, loads)
    return loads


def _unknown_table(source: str, table: str, contracts: Contracts) -> str:
    known = [".".join(key) for key in contracts]
    name = f"{source}.{table}"
    return f"sources.yml connects {name}, which is no table{did_you_mean(name, known)}; there is {listed(known)}."


def _deliveries(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    spec: FileTable,
    contract: Contract,
    received_at: datetime,
    accept_shrink: bool,
) -> tuple[list[_Delivery], list[str]]:
    """The files to load in their order, and a sentence for each that can't be read.

    By path; but a file that has been loaded before (and returns because its mapping changed) keeps its place before
    later ones, so that it doesn't win over the correction that once replaced its rows.
    """
    paths, problems = find_files(spec)
    problems = [f"{contract.table}: {problem}" for problem in problems]
    known_since = first_loads(con, contract)
    deliveries = []
    for path in paths:
        try:
            content = file_hash(path)
        except UserError as refusal:
            problems.append(f"{contract.table}: {refusal}")
            continue
        name = os.path.relpath(path, root)
        deliveries.append(
            _Delivery(contract, spec, path, name, content, mapping_hash(spec, contract), received_at, accept_shrink)
        )
    never = "~"
    return sorted(deliveries, key=lambda one: (known_since.get(one.file_hash, never), one.path)), problems


def _load_file(con: duckdb.DuckDBPyConnection, delivery: _Delivery) -> Load:
    earlier = earlier_load(con, delivery.contract, delivery.name, delivery.file_hash, delivery.mapping_hash)
    if earlier is not None:
        return earlier
    with new_scratch(con) as scratch:
        mapping: Mapping | None = None
        try:
            columns = open_file(scratch, delivery.path, delivery.spec)
            mapping = bind(scratch, delivery.spec, columns, delivery.path.name)
            _refuse_empty_or_shrunk(con, delivery)
            has_rows = con.execute(f"select 1 from {delivery.contract.raw_table} limit 1").fetchone() is not None
            staged = stage(scratch, delivery.contract, mapping, delivery.received_at, as_table=has_rows)
            return _write(con, scratch, delivery, staged, has_rows=has_rows)
        except duckdb.Error as error:
            raise explained(error, con, delivery.path.name, mapping) from error


def _refuse_empty_or_shrunk(con: duckdb.DuckDBPyConnection, delivery: _Delivery) -> None:
    received = count(con, "file_rows") + count(con, "rejected")
    if received == 0:
        raise UserError(f"{delivery.path.name} holds no rows, only column names: check the export.")
    last = last_received(con, delivery.contract, delivery.name)
    if last and received < last * SHRINK_SHARE and not delivery.accept_shrink:
        raise UserError(
            f"{delivery.path.name} has {counted(received, 'row')} where the last load had {last:,}: "
            "check the export; if it is right, run again with --accept-shrink."
        )


def _write(
    con: duckdb.DuckDBPyConnection, scratch: Scratch, delivery: _Delivery, staged: Staged, *, has_rows: bool
) -> Load:
    contract = delivery.contract
    if has_rows:
        _find_known(scratch, contract)
    con.begin()
    try:
        number = count(con, "ingestion.loads") + 1
        load_id = f"{delivery.received_at:%Y%m%dT%H%M%S}-{number:04d}-{delivery.file_hash[:8]}"
        replaced = _supersede(con, delivery, load_id) if has_rows else 0
        is_new = "not is_replaced" + (" and _row not in (select _row from known where is_same)" if has_rows else "")
        loaded = _insert(con, contract, load_id, f"incoming where {is_new}", superseded_by="null")
        if staged.replaced_in_file:
            _insert_replaced(con, contract, load_id, is_new)
        con.execute(
            f"insert into {contract.quarantine_table} "
            f"select {literal(load_id)}, {literal(delivery.name)}, _row, reason, record from rejected order by _row"
        )
        known = count(con, "known where is_same") if has_rows else 0
        window = _window(con, contract, load_id, has_rows=has_rows)
        load = Load(
            load_id,
            contract.source,
            contract.table,
            delivery.name,
            delivery.file_hash,
            delivery.mapping_hash,
            delivery.received_at,
            *window,
            staged.received_count,
            loaded,
            staged.quarantined_count,
            known + staged.replaced_in_file,
            replaced,
        )
        accounted = load.loaded_count + load.quarantined_count + load.superseded_count
        if accounted != load.received_count:
            raise UserError(
                f"{delivery.path.name} has {load.received_count:,} rows, but its mapping makes {accounted:,} of them: "
                "an expression in sources.yml must give exactly one value a row, and the same one each time."
            )
        write_load(con, load)
        con.commit()
    except BaseException:
        # A connection that broke has nothing to roll back; the first error is the one to tell.
        with suppress(duckdb.Error):
            con.rollback()
        raise
    return load


def _find_known(scratch: Scratch, contract: Contract) -> None:
    """Make `known`: the current rows whose key comes in again, and whether they come in unchanged."""
    scratch.table(
        "known",
        f"""as
        select i._row, r.rowid as old_row, {same_content(contract, "i", "r")} as is_same
        from {contract.raw_table} r join incoming i on {same_key(contract, "i", "r")}
        where r._superseded_by is null and not i.is_replaced""",
    )


def _supersede(con: duckdb.DuckDBPyConnection, delivery: _Delivery, load_id: str) -> int:
    """Mark the rows that this load replaces. Returns how many.

    Where the same file was loaded under another mapping, its rows that the new mapping doesn't yield go too, and so
    do an order's lines without a line id once it comes with line ids (or the reverse): they would stand beside their
    own correction.
    """
    contract = delivery.contract
    changed = con.execute(
        f"update {contract.raw_table} set _superseded_by = {literal(load_id)} "
        "where rowid in (select old_row from known where not is_same)"
    ).fetchone()
    earlier = loads_of_content(con, contract, delivery.file_hash)
    retired = None
    if earlier:
        retired = con.execute(
            f"update {contract.raw_table} set _superseded_by = {literal(load_id)} where _superseded_by is null "
            f"and _load_id in ({', '.join(literal(one) for one in earlier)}) "
            "and rowid not in (select old_row from known)"
        ).fetchone()
    other_key = None
    if contract.line_id is not None:
        order_id, line_id = ident(contract.meta.key[0]), ident(contract.line_id)
        other_key = con.execute(
            f"update {contract.raw_table} set _superseded_by = {literal(load_id)} where _superseded_by is null "
            f"and ({order_id}, {line_id} is null) in (select ({order_id}, {line_id} is not null) from incoming) "
            "and rowid not in (select old_row from known)"
        ).fetchone()
    return sum(counted[0] for counted in (changed, retired, other_key) if counted)


def _insert(
    con: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, origin: str, *, superseded_by: str
) -> int:
    columns = ", ".join(ident(name) for name in contract.column_names)
    inserted = con.execute(
        f"insert into {contract.raw_table} ({columns}, {', '.join(TECHNICAL_COLUMNS)}) "
        f"select {columns}, {literal(load_id)}, _row, _occurrence, {superseded_by} from {origin}"
    ).fetchone()
    return int(inserted[0]) if inserted else 0


def _insert_replaced(con: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, is_new: str) -> None:
    """Keep the rows that a later, different row of the same file replaced, as versions."""
    _insert(
        con,
        contract,
        load_id,
        f"""(
            select early.* from incoming early
            join (from incoming where {is_new}) late on {same_key(contract, "early", "late")}
            where early.is_replaced and not ({same_content(contract, "early", "late")})
        )""",
        superseded_by=literal(load_id),
    )


def _window(
    con: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, *, has_rows: bool
) -> tuple[datetime | None, datetime | None]:
    if contract.time_column is None:
        return None, None
    # The first load into an empty table reads its own rows back, which is cheaper than another pass over the file.
    origin = "incoming" if has_rows else f"{contract.raw_table} where _load_id = {literal(load_id)}"
    time = ident(contract.time_column)
    found = con.execute(f"select min({time}), max({time}) from {origin}").fetchone()
    return (found[0], found[1]) if found else (None, None)


def _outcome(load: Load, name: str) -> str:
    if not load.is_new:
        return f"{name}: loaded before, nothing new"
    return (
        f"{name}: {counted(load.received_count, 'row')} received, {load.loaded_count:,} loaded, "
        f"{load.quarantined_count:,} quarantined, {load.superseded_count:,} known already, "
        f"{load.replaced_count:,} earlier ones replaced"
    )
