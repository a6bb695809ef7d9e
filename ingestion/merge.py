"""Which rows of a file are good, and where each belongs among the rows that are there: all in SQL, over one file.

The temporary relations build on each other: `file_rows` (the file's columns and `_row`) → `mapped_rows` (each mapped
value beside them) → `typed_rows` (contract types) → `incoming` (good rows, with occurrence). `rejected` takes the rest.
`_extra` holds, as JSON, the values of columns that the contract doesn't have; `_version` that of its version column.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.checks import Check, all_pass, checks, needs_trim, reasons, source_name, typed
from ingestion.connectors.delimited import ROW_NUMBER
from ingestion.contracts import Contract
from ingestion.errors import UserError
from ingestion.mapping import Mapping
from ingestion.scratch import Scratch
from ingestion.text import ident, listed, literal

EXTRA, VERSION = "_extra", "_version"
# A column that breaks its type in more than this share of a file's rows has changed its type.
RETYPED_SHARE = 0.5
# With fewer rows than these, only a column that fits in none of them has.
FEWEST_ROWS_FOR_SHARE, FEWEST_ROWS = 20, 5
# Fractions in a whole-number column mean another unit (euros for cents), in which most values may well be whole: they
# would pass, and be wrong. So fewer of them show it, but not a single one.
FRACTIONS_SHARE, FEWEST_FRACTIONS = 0.05, 2


@dataclass(frozen=True)
class Staged:
    """What stands in `incoming`. `repeated_count`: rows that say the same as another row of the file."""

    received_count: int
    quarantined_count: int
    repeated_count: int


class RetypedError(UserError):
    """A file in which columns have changed their type."""

    def __init__(self, columns: list[str], sentence: str) -> None:
        super().__init__(sentence)
        self.columns = columns


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a relation."""
    found = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(found[0]) if found else 0


def stage(scratch: Scratch, contract: Contract, mapping: Mapping, received_at: datetime, file_name: str) -> Staged:
    """Make `incoming` from `file_rows`, and add what breaks the contract to `rejected`.

    `incoming` is a view over the file: reading a few of its columns anew costs less than writing all of them down,
    and text that comes dictionary-encoded is written to the raw table at half the cost.

    Raises:
        RetypedError: a column breaks its type in most rows.
    """
    connection = scratch.connection
    values = ", ".join(f"{sql} as {source_name(name)}" for name, sql in mapping.expressions.items())
    # A window must see the file once: computed anew for each use, ties could fall differently.
    make = scratch.table if mapping.has_window else scratch.view
    make("mapped_rows", f"as select *, {values}, {_extra(mapping)} as {source_name(EXTRA)} from file_rows")
    received = count(connection, "file_rows") + count(connection, "rejected")

    trimmed = _trimmed_columns(connection, mapping)
    _typed_view(scratch, "typed_rows", "mapped_rows", contract, mapping, trimmed)
    _reject_bad(scratch, contract, mapping, received_at, trimmed, file_name)
    repeated = _place_repeated(scratch, contract)
    scratch.view("incoming", f"as {_incoming(connection, contract)}")
    return Staged(received, count(connection, "rejected"), repeated)


def _extra(mapping: Mapping) -> str:
    """SQL: the columns that the contract doesn't have, as JSON text; NULL where all are empty."""
    if not mapping.extra_columns:
        return "cast(null as varchar)"
    extras = mapping.extra_columns.items()
    pairs = ", ".join(f"{literal(name)}, {_as_json(ident(name), kind)}" for name, kind in extras)
    is_empty = " and ".join(f"{ident(name)} is null" for name in mapping.extra_columns)
    return f"case when not ({is_empty}) then cast(json_object({pairs}) as varchar) end"


def _trimmed_columns(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> set[str]:
    """The text columns in which no value needs trimming."""
    texts = [name for name, kind in mapping.types.items() if kind == "VARCHAR"]
    if not texts:
        return set()
    needs = ", ".join(f"bool_or({needs_trim(name)})" for name in texts)
    found = connection.execute(f"select {needs} from mapped_rows").fetchall()[0]
    return {name for name, is_needed in zip(texts, found, strict=True) if not is_needed}


def _as_json(value: str, kind: str) -> str:
    is_nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
    return f"to_json({value})" if is_nested else f"cast({value} as varchar)"


def _reject_bad(
    scratch: Scratch,
    contract: Contract,
    mapping: Mapping,
    received_at: datetime,
    trimmed: set[str],
    file_name: str,
) -> None:
    """Add the rows that break the contract to `rejected`.

    One pass finds them by a single condition; reasons and records are made for them alone.
    """
    found = checks(contract, mapping.types, trimmed, received_at)
    # In a where clause DuckDB would compute each cast anew for every condition that looks at it.
    bad_row = f"if({all_pass(found)}, null, [_row])"
    scratch.table("bad_numbers", f"as select unnest({bad_row}) as _row from typed_rows")
    if not count(scratch.connection, "bad_numbers"):
        return
    scratch.table("bad_rows", "as from mapped_rows where _row in (select _row from bad_numbers)")
    _typed_view(scratch, "typed_bad_rows", "bad_rows", contract, mapping, trimmed)
    _refuse_retyped(scratch.connection, found, file_name)
    scratch.connection.execute(f"""
        insert into temp.rejected
        select _row, {reasons(found)}, bad_records.file_record
        from typed_bad_rows
        join (select _row, {_file_record(scratch.connection)} as file_record from bad_rows) as bad_records using (_row)
    """)


def _refuse_retyped(connection: duckdb.DuckDBPyConnection, found: list[Check], file_name: str) -> None:
    """Refuse the file where a column's type fits too few rows: a quarantine of most of a table is no table."""
    received, bad = count(connection, "file_rows"), count(connection, "bad_numbers")
    if received < FEWEST_ROWS or bad < FEWEST_FRACTIONS or bad <= FRACTIONS_SHARE * received:
        return
    most_bad = RETYPED_SHARE * received if received >= FEWEST_ROWS_FOR_SHARE else received - 1
    broken: dict[str, str] = {}
    for check in found:
        if check.typed_column is None:
            continue
        rows = count(connection, f"typed_bad_rows where ({check.passes}) is false")
        fractions = count(connection, f"typed_bad_rows where {check.has_fraction}") if check.has_fraction else 0
        share = f"in {rows / received:.0%}"
        if rows > most_bad:
            broken[check.typed_column] = share
        elif fractions >= FEWEST_FRACTIONS and fractions > FRACTIONS_SHARE * received:
            broken[check.typed_column] = f"(whole numbers by contract, fractions now) {share}"
    if broken:
        shares = listed(f"{column} {share}" for column, share in broken.items())
        raise RetypedError(
            [*broken],
            f"{file_name} breaks the type of {shares} of its rows: the source seems to have changed it; export it as "
            "before, or change the contract and what is built on it.",
        )


def _typed_view(
    scratch: Scratch, name: str, origin: str, contract: Contract, mapping: Mapping, trimmed: set[str]
) -> None:
    mapped = [
        f"{typed(column, mapping.types[column.name], is_trimmed=column.name in trimmed)} as {ident(column.name)}"
        if column.name in mapping.types
        else f"cast(null as {column.data_type}) as {ident(column.name)}"
        for column in contract.columns
    ]
    sources = [source_name(column) for column in mapping.types]
    typed_values = f"select {', '.join(['_row', *sources, *mapped])}, {source_name(EXTRA)} as {EXTRA} from {origin}"
    version = ident(contract.meta.version) if contract.meta.version else "cast(null as timestamp)"
    scratch.view(name, f"as select *, {version} as {VERSION} from ({typed_values})")


def _file_record(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL: the file's own columns of a row as JSON text. A float that JSON has no word for goes as text."""
    fields = []
    for name, kind, *_ in connection.execute("describe from file_rows").fetchall():
        if name == ROW_NUMBER:
            continue
        value = ident(name)
        if kind in ("DOUBLE", "FLOAT"):
            value = f"if(isfinite({value}), to_json({value}), to_json(cast({value} as varchar)))"
        fields.append(f"{literal(name)}, {value}")
    return f"cast(json_object({', '.join(fields)}) as varchar)"


def key_parts(contract: Contract, alias: str) -> list[str]:
    """SQL values which, together with the occurrence, tell one record from another."""
    parts = [f"{alias}.{ident(name)}" for name in contract.meta.key]
    if contract.line_id is not None:
        line_id = f"{alias}.{ident(contract.line_id)}"
        others = [name for name in contract.meta.key_without_id or () if name not in contract.meta.key]
        parts += [f"if({line_id} is null, {alias}.{ident(name)}, null)" for name in others]
    return parts


def same_key(contract: Contract, left: str, right: str, *, with_occurrence: bool = True) -> str:
    """SQL: two rows are versions of one record. Without occurrences: their keys agree."""
    pairs = list(zip(key_parts(contract, left), key_parts(contract, right), strict=True))
    # The first key column is never empty: a plain equality, by which a scan can skip blocks.
    first, *rest = pairs
    terms = [f"{first[0]} = {first[1]}", *(f"{one} is not distinct from {other}" for one, other in rest)]
    return " and ".join([*terms, f"{left}._occurrence = {right}._occurrence"] if with_occurrence else terms)


def same_content(contract: Contract, left: str, right: str) -> str:
    """SQL: two rows hold the same value in every column of the contract."""
    return " and ".join(
        f"{left}.{ident(name)} is not distinct from {right}.{ident(name)}" for name in contract.column_names
    )


def _place_repeated(scratch: Scratch, contract: Contract) -> int:
    """Make `placed`, what each row whose key the file repeats is to its record. Returns how many say nothing new.

    `is_repeat`: another row of the file says the same; `is_earlier`: another row is a newer version.

    Few keys repeat, so they are found by their hashes, and only their rows are sorted. Rejected rows keep their
    place in the count: a line that is corrected in the next export must not shift its neighbours.
    """
    connection = scratch.connection
    key_hash = f"hash({', '.join(key_parts(contract, 't'))})"
    scratch.table(
        "repeated",
        f"as select key from (select {key_hash} as key from typed_rows t) group by key having count(*) > 1",
    )
    has_id = _has_id(contract, "t")
    key = ", ".join(key_parts(contract, "t"))
    content = ", ".join(f"t.{ident(name)}" for name in contract.column_names)
    scratch.table(
        "placed",
        f"""as
        with repeated_rows as (
            select
                t.*, {has_id} as has_id, hash({content}) as content,
                {has_id} and t._row not in (select _row from rejected) as is_version
            from typed_rows t semi join repeated on repeated.key = {key_hash}
        ),
        numbered as (
            select
                _row, has_id, is_version, content, {VERSION}, dense_rank() over (order by {key}) as record,
                row_number() over (same_key order by _row) as nth,
                count(*) over (same_key) as of_all,
                is_version and row_number() over (
                    partition by {key}, is_version, content order by {VERSION} desc nulls last, _row desc
                ) > 1 as is_repeat
            from repeated_rows t
            window same_key as (partition by {key}, is_version)
        )
        select
            _row, if(has_id, 0, nth) as _occurrence, is_repeat,
            is_version and row_number() over (
                partition by record, is_version and not is_repeat order by {VERSION} desc nulls last, _row desc
            ) > 1 as is_earlier
        from numbered where of_all > 1""",
    )
    scratch.drop("repeated")
    return count(connection, "placed where is_repeat")


def _incoming(connection: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """SQL of the good rows; a join that has nothing to add is left out, because it would cost a pass."""
    columns = ", ".join(f"t.{ident(name)}" for name in contract.column_names)
    alone = f"if({_has_id(contract, 't')}, 0, 1)"
    joins = ""
    occurrence, is_repeat, is_earlier = alone, "false", "false"
    if count(connection, "placed"):
        joins += " left join placed on placed._row = t._row"
        occurrence = f"coalesce(placed._occurrence, {alone})"
        is_repeat, is_earlier = "coalesce(placed.is_repeat, false)", "coalesce(placed.is_earlier, false)"
    if count(connection, "rejected"):
        joins += " anti join rejected on rejected._row = t._row"
    return (
        f"select {columns}, t._row, cast({occurrence} as integer) as _occurrence, t.{VERSION}, t.{EXTRA}, "
        f"{is_repeat} as is_repeat, {is_earlier} as is_earlier from typed_rows t{joins}"
    )


def _has_id(contract: Contract, alias: str) -> str:
    return f"({alias}.{ident(contract.line_id)} is not null)" if contract.line_id is not None else "true"
