"""The only writer of `raw_<source>.<table>` and of its quarantine.

One file is one transaction: its rows, its quarantine and its line in the manifest are all there, or none is. A file
that can't be taken is a refusal: the others go on, what is there stays, and the release says so.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import duckdb

from ingestion.connectors.files import open_file
from ingestion.contracts import Contract, Contracts
from ingestion.deliveries import Delivery, Refusal, api_deliveries, check_sources, connections, file_deliveries
from ingestion.errors import UserError
from ingestion.failures import WarehouseError, explained
from ingestion.manifest import (
    KnownFiles,
    Load,
    first_columns,
    forget_broken_columns,
    forget_refusals,
    has_newer_export,
    last_columns,
    last_received,
    newest_date,
    note_columns,
    refused_tables,
    write_load,
    write_orphans,
    write_refusal,
    write_tables,
)
from ingestion.mapping import Mapping, MissingColumnsError, bind, bind_export, shown_column
from ingestion.merge import VERSION, RetypedError, Staged, count, key_parts, stage
from ingestion.scratch import Scratch, new_scratch
from ingestion.sources import Sources
from ingestion.tables import prepare_warehouse
from ingestion.text import counted, ident, literal, sql_value
from ingestion.versions import has_key, write_versions

logger = logging.getLogger("tenure.ingestion")

# An export that lost more than this share of its rows is more likely broken than right.
SHRINK_SHARE = 0.5
CHECKPOINT_THRESHOLD = "512MB"


@dataclass(frozen=True)
class LoadReport:
    """All loads of the connected files, in order, and what was refused."""

    loads: list[Load]
    refusals: list[Refusal]


def load_sources(
    con: duckdb.DuckDBPyConnection,
    sources: Sources,
    contracts: Contracts,
    *,
    landing: Path,
    accept_shrink: bool,
    received_at: datetime,
) -> LoadReport:
    """Load all that the connected sources have; a file that was loaded before yields its earlier Load again.

    `landing`: folder for what is read from APIs, until it is loaded.
    `accept_shrink`: take an export although it lost most of its rows, or a column.
    `received_at`: the moment that dates these loads; without a zone it is UTC.

    Raises:
        UserError: sources.yml names what isn't there; one line per mistake, and nothing is loaded.
        WarehouseError: the warehouse can't be written; files before this one are loaded, this one not at all.
    """
    moment = received_at.astimezone(UTC).replace(tzinfo=None) if received_at.tzinfo else received_at
    con.execute("set TimeZone = 'UTC'")
    # One checkpoint at the end costs a fraction of one for each file.
    con.execute(f"set checkpoint_threshold = {literal(CHECKPOINT_THRESHOLD)}")
    prepare_warehouse(con, contracts)
    check_sources(sources, contracts)
    forget_broken_columns(con)
    loads: list[Load] = []
    refusals: list[Refusal] = []
    known = KnownFiles(con)
    found = chain(
        file_deliveries(con, sources, contracts, moment, accept_shrink=accept_shrink),
        api_deliveries(con, sources, contracts, moment, landing=landing, refused=refused_tables(con)),
    )

    def refuse(refused: Iterable[Refusal]) -> None:
        for one in refused:
            refusals.append(one)
            # At once: a file that came from an API is gone afterwards, and the next run asks for it again.
            write_refusal(con, one.source, one.table, one.file, one.reason, moment)

    for one in found:
        if isinstance(one, Refusal):
            # What refuses a whole system is told once.
            if not any((one.source, one.reason) == (other.source, other.reason) for other in refusals):
                logger.warning("%s", one.sentence)
            refuse([one])
            continue
        place = f"{one.shown_table}: {one.place}"
        try:
            load = _load_file(con, known, one)
        except WarehouseError:
            raise
        except UserError as refusal:
            lines = str(refusal).splitlines()
            refuse(Refusal(one.source, one.table, one.connection, one.name, line) for line in lines)
            logger.warning("%s: refused", place)
        else:
            loads.append(load)
            if load.is_new:
                known.add(load)
            logger.info("%s%s", place, _outcome(load))
    forget_refusals(con, before=moment)
    connected = connections(con, sources, contracts)
    connected |= {(one.source, one.table): one.connection for one in refusals if one.table}
    write_tables(con, contracts, connected)
    write_orphans(con, contracts)
    return LoadReport(loads, refusals)


def _load_file(con: duckdb.DuckDBPyConnection, known: KnownFiles, delivery: Delivery) -> Load:
    contract, name = delivery.contract, delivery.path.name
    earlier = known.earlier_load(contract, delivery.name, delivery.file_hash, delivery.mapping_hash)
    if earlier is not None:
        return earlier
    with new_scratch(con) as scratch:
        mapping: Mapping | None = None
        try:
            columns = open_file(scratch, delivery.path, delivery.spec)
            mapping = _bind(scratch, delivery, columns)
            _refuse_empty_or_shrunk(con, delivery)
            has_rows = con.execute(f"select 1 from {contract.raw_table} limit 1").fetchone() is not None
            staged = stage(scratch, contract, mapping, delivery.received_at, name)
            return _write(con, scratch, delivery, mapping, columns, staged, has_rows=has_rows)
        except (MissingColumnsError, RetypedError) as broken:
            change = "missing" if isinstance(broken, MissingColumnsError) else "retyped"
            note_columns(con, contract, broken.columns, change, delivery.name, delivery.received_at)
            raise
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
            # Of the loader's own SQL, not of the file.
            raise
        except duckdb.Error as error:
            raise explained(error, con, name, mapping) from error


def _bind(scratch: Scratch, delivery: Delivery, columns: Sequence[str]) -> Mapping:
    name = delivery.path.name
    if delivery.connection == "files":
        return bind(scratch, delivery.spec, columns, name)
    compared = _names_all_columns(delivery.path) and not delivery.accept_shrink
    had_before = last_columns(scratch.connection, delivery.contract) if compared else []
    return bind_export(scratch, delivery.contract, columns, name, had_before)


def _names_all_columns(path: Path) -> bool:
    """False for JSON lines, which leave out what is empty: a column that isn't there says nothing."""
    return not any(part in (".jsonl", ".ndjson") for part in path.suffixes)


def _added_columns(
    con: duckdb.DuckDBPyConnection, delivery: Delivery, mapping: Mapping, columns: Sequence[str]
) -> list[str]:
    """The file's columns that its contract doesn't have, or, under a mapping, that the table's first file hadn't."""
    added = list(mapping.extra_columns)
    if delivery.connection == "files" and _names_all_columns(delivery.path):
        first = set(first_columns(con, delivery.contract))
        added = [name for name in columns if first and shown_column(name) not in first]
    return sorted({shown_column(name) for name in added})


def _refuse_empty_or_shrunk(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    received = count(con, "file_rows") + count(con, "rejected")
    if received == 0 and delivery.connection == "files":
        raise UserError(f"{delivery.path.name} holds no rows, only column names: check the export.")
    last = last_received(con, delivery.contract, delivery.name)
    if last and received < last * SHRINK_SHARE and not delivery.accept_shrink:
        raise UserError(
            f"{delivery.path.name} has {counted(received, 'row')} where the last load had {last:,}: "
            "check the export; if it is right, run again with --accept-shrink."
        )


def _write(
    con: duckdb.DuckDBPyConnection,
    scratch: Scratch,
    delivery: Delivery,
    mapping: Mapping,
    columns: Sequence[str],
    staged: Staged,
    *,
    has_rows: bool,
) -> Load:
    contract = delivery.contract
    con.begin()
    try:
        number = count(con, "ingestion.loads") + 1
        load_id = f"{delivery.received_at:%Y%m%dT%H%M%S}-{number:04d}-{delivery.file_hash[:8]}"
        version = con.execute(f"select max({VERSION}) from incoming").fetchone() if contract.meta.version else None
        newest = version[0] if version else None
        last_date = newest_date(con, contract) if contract.happened_when_dated else None
        added = _added_columns(con, delivery, mapping, columns)
        is_older = contract.meta.delivery == "full" and has_newer_export(
            con, contract, delivery.connection, delivery.name, delivery.file_hash
        )
        written = write_versions(
            scratch, contract, load_id, delivery.file_hash, newest, has_rows=has_rows, is_older=is_older
        )
        _write_quarantine(con, contract, load_id, delivery.name, staged)
        load = Load(
            load_id,
            contract.source,
            contract.table,
            delivery.name,
            delivery.file_hash,
            delivery.mapping_hash,
            delivery.received_at,
            *_window(con, contract, load_id, has_rows=has_rows),
            staged.received_count,
            written.loaded_count,
            staged.quarantined_count,
            staged.repeated_count + written.known_count,
            written.replaced_count,
            written.deleted_count,
            newest,
            json.dumps([shown_column(name) for name in columns]),
            delivery.connection,
        )
        accounted = load.loaded_count + load.quarantined_count + load.superseded_count
        if accounted != load.received_count:
            raise UserError(
                f"{delivery.path.name} has {load.received_count:,} rows, but its mapping makes {accounted:,} of them: "
                "an expression in sources.yml must give exactly one value a row, and the same one each time."
            )
        write_load(con, load)
        _write_days(con, contract, load, last_date, has_rows=has_rows)
        note_columns(con, contract, added, "added", delivery.name, delivery.received_at)
        con.commit()
    except BaseException:
        # A connection that broke has nothing to roll back; the first error is the one to tell.
        with suppress(duckdb.Error):
            con.rollback()
        raise
    return load


def _write_quarantine(
    con: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, file: str, staged: Staged
) -> None:
    """Keep the refused rows; those of earlier loads whose record came well now, or whose file came anew, are mended."""
    key_hash = f"hash({', '.join(key_parts(contract, 't'))})"
    table = contract.quarantine_table
    if count(con, f"{table} where mended_by is null"):
        con.execute(
            f"update {table} set mended_by = {literal(load_id)} where mended_by is null and (file = {literal(file)} "
            f"or key_hash in (select {key_hash} from incoming t where not is_repeat))"
        )
    if staged.quarantined_count:
        readable_key = f"if({has_key(contract)}, {key_hash}, null)"
        con.execute(
            f"insert into {table} (_load_id, file, row_number, reason, record, key_hash) "
            f"select {literal(load_id)}, {literal(file)}, r._row, r.reason, r.record, {readable_key} "
            "from rejected r left join typed_rows t on r._row = t._row order by r._row"
        )


def _write_days(
    con: duckdb.DuckDBPyConnection, contract: Contract, load: Load, last_date: str | None, *, has_rows: bool
) -> None:
    """Write the load's counts by the dates of the records and of their versions; NULL where a date can't be read.

    A row of a full export that says nothing new is dated by the export: it was seen again on that day.
    `last_date`: the newest date loaded before. A record that comes for the first time and is dated before it is late;
    None where records may be dated ahead.
    """
    date = f"cast({ident(contract.time_column)} as date)" if contract.time_column else "cast(null as date)"
    version = f"cast({VERSION} as date)"
    seen_again = "is_repeat" + (" or _row in (select _row from known where is_same)" if has_rows else "")
    newest = sql_value(load.newest_version) if contract.meta.delivery == "full" else VERSION
    of_load = f"{contract.raw_table} where _load_id = {literal(load.load_id)} and not _is_deleted"
    parts = [
        f"select {date} as day, {version} as version, 1 as loaded, 0 as refused, 0 as known, 0 as new from {of_load}"
    ]
    # A record is new once, however many versions of it a load brings.
    first_seen = "incoming where not is_repeat and not is_earlier and _row not in (select _row from known)"
    if not has_rows:
        first_seen = f"{of_load} and _superseded_by is null"
    parts.append(f"select {date}, {version}, 0, 0, 0, 1 from {first_seen}")
    if load.quarantined_count:
        parts.append(f"select {date}, {version}, 0, 1, 0, 0 from rejected left join typed_rows using (_row)")
    if load.superseded_count:
        parts.append(f"select {date}, cast({newest} as date), 0, 0, 1, 0 from incoming where {seen_again}")
    is_late = f"day < date {literal(last_date)}" if has_rows and last_date is not None else "false"
    con.execute(f"""
        insert into ingestion.load_days
        select
            {literal(load.load_id)}, {literal(contract.source)}, {literal(contract.table)}, day, version,
            sum(loaded) + sum(refused) + sum(known), sum(loaded), sum(refused), sum(known), sum(new),
            if(coalesce({is_late}, false), sum(new), 0)
        from ({" union all ".join(parts)}) as rows
        group by day, version order by day, version
    """)


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


def _outcome(load: Load) -> str:
    if not load.is_new:
        return ": loaded before, nothing new"
    gone = f", {load.deleted_count:,} gone" if load.deleted_count else ""
    return (
        f": {counted(load.received_count, 'row')} received, {load.loaded_count:,} loaded, "
        f"{load.quarantined_count:,} quarantined, {load.superseded_count:,} known already, "
        f"{load.replaced_count:,} earlier ones replaced{gone}"
    )
