"""Versions of records in a raw table: which row is current, which came earlier, which record is gone.

A record is what shares a key. Its rows are its versions: `_superseded_by` is NULL for the current one and names the
load by which another became current. Where a contract names a version column, the newest version is current, in
whatever order they come; without one, what comes later is. A record that a full export no longer holds gets a
tombstone: a last version that says `_is_deleted`.

All works on the temporary relations of one load (see `merge`), inside its transaction.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.contracts import Contract
from ingestion.manifest import loads_of_content, newest_version
from ingestion.merge import EXTRA, VERSION, count, key_parts, same_content, same_key
from ingestion.scratch import Scratch
from ingestion.text import ident, literal, sql_value

CURRENT = "_superseded_by is null"


@dataclass(frozen=True)
class Written:
    """What became of a file's good rows."""

    loaded_count: int
    known_count: int
    replaced_count: int
    deleted_count: int


def write_versions(
    scratch: Scratch,
    contract: Contract,
    load_id: str,
    file_hash: str,
    version: datetime | None,
    *,
    has_rows: bool,
    is_older: bool,
) -> Written:
    """Write `incoming` to the raw table.

    `version`: the newest version of the file's good rows, if they have one. `is_older`: a full export that comes after
    a newer one; it fills the past and changes nothing of the present.
    """
    con = scratch.connection
    if not has_rows:
        loaded = _insert(con, contract, load_id, f"if(is_earlier, {literal(load_id)}, null)", "incoming i", "true")
        return Written(loaded, 0, 0, 0)
    _find_known(scratch, contract, is_older=is_older)
    known = count(con, "known where is_same")
    replaced = _supersede(con, contract, load_id, file_hash)
    state = f"if(i.is_earlier or not coalesce(known.wins, true), {literal(load_id)}, null)"
    origin, is_new = "incoming i left join known using (_row)", "is_same is not true"
    if not count(con, "known"):
        state, origin, is_new = f"if(i.is_earlier, {literal(load_id)}, null)", "incoming i", "true"
    loaded = _insert(con, contract, load_id, state, origin, is_new)
    deleted = 0
    if contract.meta.delivery == "full":
        deleted = _bury(scratch, contract, load_id, version, is_older=is_older)
    return Written(loaded, known, replaced, deleted)


def _find_known(scratch: Scratch, contract: Contract, *, is_older: bool) -> None:
    """Make `known`: for each incoming row whose record is there, its current row, and how the two compare.

    `is_same`: the row brings nothing new. `wins`: it is the record's newest version. A record that came with a
    version is compared with all of its versions; without one, with the current alone, because a correction that is
    taken back is news. A tombstone gives way to any export that is not older than the one it came from.

    Keys are compared first: of a big table most rows are met by none, and their other columns are never read.
    """
    keys = ", ".join(f"{part} as key_{place}" for place, part in enumerate(key_parts(contract, "r")))
    versions = "true" if contract.meta.version else f"r.{CURRENT}"
    scratch.table(
        "met",
        f"""as
        select i._row, r.raw_row
        from (
            select {keys}, r._occurrence, r.rowid as raw_row from {contract.raw_table} r
            where {versions} and {_near(scratch.connection, contract)}
        ) r
        join incoming i on {_same_key_parts(contract)}
        where not i.is_repeat""",
    )
    same = f"r._is_deleted is not true and {same_content(contract, 'i', 'r')}"
    revived = "false" if is_older else f"bool_or(r.{CURRENT} and r._is_deleted)"
    comparable = f"(r.{CURRENT} or i.{VERSION} is not null)"
    newest = f"i.{VERSION} >= r.{VERSION}" + ("" if is_older else f" or i.{VERSION} is null or r.{VERSION} is null")
    scratch.table(
        "known",
        f"""as
        select
            met._row,
            max(met.raw_row) filter (where r.{CURRENT}) as old_row,
            bool_or({same} and {comparable}) and not {revived} as is_same,
            bool_or(r.{CURRENT} and coalesce({newest}, false)) or {revived} as wins
        from met
        join (select *, rowid as raw_row from {contract.raw_table}) r on met.raw_row = r.raw_row
        join incoming i on met._row = i._row
        group by met._row"""
        if count(scratch.connection, "met")
        else "(_row bigint, old_row bigint, is_same boolean, wins boolean)",
    )


def _same_key_parts(contract: Contract) -> str:
    parts = key_parts(contract, "i")
    # The first key column is never empty: a plain equality, by which the join can be hashed.
    terms = [f"r.key_0 = {parts[0]}"]
    terms += [f"r.key_{place} is not distinct from {part}" for place, part in enumerate(parts[1:], start=1)]
    return " and ".join([*terms, "r._occurrence = i._occurrence"])


def _near(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """SQL: true for raw rows that may share a key with an incoming one. By the range, a scan skips old blocks."""
    first = contract.meta.key[0]
    if next(column.data_type for column in contract.columns if column.name == first) != "timestamp":
        return "true"
    found = con.execute(f"select min({ident(first)}), max({ident(first)}) from incoming").fetchone()
    if found is None or found[0] is None:
        return "false"
    return f"r.{ident(first)} between {sql_value(found[0])} and {sql_value(found[1])}"


def _supersede(con: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, file_hash: str) -> int:
    """Mark the rows that this load replaces. Returns how many.

    Where the same file was loaded under another mapping, its rows that the new mapping doesn't yield go too, and so
    do an order's lines without a line id once it comes with line ids (or the reverse): they would stand beside their
    own correction.
    """
    mark = f"update {contract.raw_table} set _superseded_by = {literal(load_id)} where {CURRENT} and"
    newer = "select old_row from known join incoming using (_row) where not is_same and wins and not is_earlier"
    marks = [f"{mark} rowid in ({newer})"] if count(con, "known") else []
    if earlier := loads_of_content(con, contract, file_hash):
        of_content = f"_load_id in ({', '.join(literal(one) for one in earlier)})"
        # Who was gone is gone still, if the same export comes again on another day.
        stays = "_is_deleted or rowid in (select old_row from known where old_row is not null)"
        marks.append(f"{mark} {of_content} and not ({stays})")
    if contract.line_id is not None:
        order_id, line_id = ident(contract.meta.key[0]), ident(contract.line_id)
        marks.append(
            f"{mark} ({order_id}, {line_id} is null) in (select ({order_id}, {line_id} is not null) from incoming) "
            "and rowid not in (select old_row from known where old_row is not null)"
        )
    return sum(int(changed[0]) for sql in marks if (changed := con.execute(sql).fetchone()))


def _insert(
    con: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, superseded_by: str, origin: str, condition: str
) -> int:
    names = ", ".join(ident(name) for name in contract.column_names)
    values = ", ".join(f"i.{ident(name)}" for name in contract.column_names)
    inserted = con.execute(
        f"insert into {contract.raw_table} "
        f"({names}, _load_id, _row_number, _occurrence, _superseded_by, {VERSION}, _is_deleted, {EXTRA}) "
        f"select {values}, {literal(load_id)}, i._row, i._occurrence, {superseded_by}, i.{VERSION}, false, i.{EXTRA} "
        f"from {origin} where not i.is_repeat and {condition}"
    ).fetchone()
    return int(inserted[0]) if inserted else 0


def _bury(scratch: Scratch, contract: Contract, load_id: str, version: datetime | None, *, is_older: bool) -> int:
    """Write a tombstone for each record that the newest full export lacks. Returns how many.

    An export that is older than one loaded before says nothing of what is gone: only the records that it brings and
    the newer one lacks are. Where a rejected row's key can't be read, nothing is buried: it might be that row's.
    A tombstone is as new as the newest version that the table has: who is missing was there until then.
    """
    con = scratch.connection
    raw = contract.raw_table
    versions = [one for one in (version, newest_version(con, contract)) if one is not None]
    if is_older:
        gone = f"r._load_id = {literal(load_id)} and r._row_number not in (select _row from known)"
    elif count(con, f"rejected where _row not in (select _row from typed_rows where {has_key(contract)})"):
        return 0
    else:
        gone = f"not exists (from typed_rows t where {same_key(contract, 't', 'r', with_occurrence=False)})"
    scratch.table(
        "gone", f"as select r.rowid as old_row from {raw} r where r.{CURRENT} and not r._is_deleted and {gone}"
    )
    names = ", ".join(ident(name) for name in contract.column_names)
    con.execute(
        f"insert into {raw} ({names}, _load_id, _occurrence, {VERSION}, _is_deleted, {EXTRA}) "
        f"select {names}, {literal(load_id)}, _occurrence, {sql_value(max(versions, default=None))}, true, {EXTRA} "
        f"from {raw} where rowid in (select old_row from gone)"
    )
    con.execute(f"update {raw} set _superseded_by = {literal(load_id)} where rowid in (select old_row from gone)")
    return count(con, "gone")


def has_key(contract: Contract) -> str:
    """SQL: the key of a typed row can be read; a part that may be empty says nothing by being so."""
    parts = [name for name in contract.meta.key if name in contract.required_columns] or contract.meta.key[:1]
    return " and ".join(f"{ident(name)} is not null" for name in parts)
