"""CSV: a header and records. DuckDB reads a sound file in bulk; a faulty one is read record by record.

Nothing is sniffed: delimiter and columns come from the header and the mapping, every value is text. A record that
can't be read is rejected with its row number, and reading goes on at the next line.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl

from ingestion.connectors.inspect import LONGEST_LINE_BYTES, open_bytes, reading, text_traits
from ingestion.errors import UserError
from ingestion.scratch import Scratch
from ingestion.text import counted, ident, literal

DELIMITERS = (",", ";", "\t", "|")
BATCH_ROWS = 50_000
# How many lines a quoted value may span before an open quote counts as a mistake.
LONGEST_RECORD_LINES = 200
SHOWN_RECORD_CHARACTERS = 10_000
ROW_NUMBER = "_row"
REJECTED_COLUMNS = "(_row bigint, reason varchar, record varchar)"


@dataclass(frozen=True)
class Record:
    """One record: its values, or why it can't be read and its raw text."""

    values: list[str] | None
    reason: str = ""
    raw: str = ""


@dataclass(frozen=True)
class Header:
    """`is_first_line`: no blank line stands before it."""

    columns: tuple[str, ...]
    delimiter: str
    is_first_line: bool


def open_csv(scratch: Scratch, path: Path, mapped: Sequence[str]) -> tuple[str, ...]:
    """Read a CSV into the temporary `file_rows` (its columns as text, and `_row`) and `rejected`.

    `mapped`: the mapping's values, by which the delimiter is recognised. Returns the file's columns.

    Raises:
        UserError: the file can't be read as a whole.
    """
    traits = text_traits(path)
    if traits.is_blank:
        raise UserError(f"{path.name} is empty: export it again.")
    header = _read_header(path, mapped)
    if not (traits.is_clean and header.is_first_line and _read_in_bulk(scratch, path, header)):
        _read_by_record(scratch, path, header)
    return header.columns


def _read_header(path: Path, mapped: Sequence[str]) -> Header:
    with reading(path), open_bytes(path) as handle:
        start = handle.read(LONGEST_LINE_BYTES).removeprefix(b"\xef\xbb\xbf")
    # The last line may be cut in the middle of a character.
    whole = start[: start.rfind(b"\n") + 1 or len(start)].decode("utf-8", errors="surrogateescape")
    text = whole.lstrip("\r\n")
    first_line = text.splitlines()[0] if text else ""
    if "\0" in first_line or not _is_utf8(first_line):
        raise UserError(f"{path.name} doesn't begin with a line of UTF-8 text: save it as CSV in UTF-8.")
    readings = [(delimiter, _first_record(text, delimiter)) for delimiter in DELIMITERS]
    delimiter, names = max(readings, key=lambda reading: (hits(reading[1], mapped), len(reading[1])))
    return Header(_distinct(names), delimiter, is_first_line=text == whole)


def _first_record(text: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])]
    except csv.Error:
        return []


def hits(names: Sequence[str], mapped: Sequence[str]) -> int:
    """How many of the mapping's values these columns can serve."""
    words = {name for name in names if name}
    return sum(
        value in words or any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", value) for word in words)
        for value in mapped
    )


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Column names that DuckDB, which ignores case, can tell apart; a column without a name is named by its place."""
    taken: set[str] = set()
    distinct = []
    for place, name in enumerate(names, start=1):
        candidate, copy = name or f"column {place}", 2
        while candidate.lower() in taken:
            candidate, copy = f"{name} ({copy})", copy + 1
        taken.add(candidate.lower())
        distinct.append(candidate)
    return tuple(distinct)


def _read_in_bulk(scratch: Scratch, path: Path, header: Header) -> bool:
    """False where DuckDB finds a record that it can't read."""
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header.columns)
    options = (
        f"auto_detect=false, header=false, skip=1, delim={literal(header.delimiter)}, quote='\"', escape='\"', "
        f"nullstr='', strict_mode=true, max_line_size={2 * LONGEST_LINE_BYTES}, columns={{{types}}}"
        + (", compression='gzip'" if path.suffix.lower() == ".gz" else "")
    )
    try:
        scratch.table("file_records", f"as from read_csv({literal(exact_glob(path))}, {options})")
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    # Rows of a fresh table stand in the order of the file, so their ids number them.
    scratch.view("file_rows", "as select *, rowid + 1 as _row from file_records")
    scratch.table("rejected", REJECTED_COLUMNS)
    return True


def _read_by_record(scratch: Scratch, path: Path, header: Header) -> None:
    columns = ", ".join(f"{ident(name)} varchar" for name in header.columns)
    scratch.table("file_rows", f"({columns}, _row bigint)")
    scratch.table("rejected", REJECTED_COLUMNS)
    good: list[list[str]] = []
    numbers: list[int] = []
    bad: list[tuple[int, str, str]] = []
    with reading(path), open_bytes(path) as handle:
        for row, record in enumerate(read_records(handle, header.delimiter, len(header.columns)), start=1):
            if record.values is None:
                bad.append((row, record.reason, record.raw))
            else:
                good.append(record.values)
                numbers.append(row)
            if len(good) + len(bad) >= BATCH_ROWS:
                _append(scratch, good, numbers, bad)
        _append(scratch, good, numbers, bad)


def _append(scratch: Scratch, good: list[list[str]], numbers: list[int], bad: list[tuple[int, str, str]]) -> None:
    if good:
        values = {f"c{place}": column for place, column in enumerate(zip(*good, strict=True))}
        append_batch(scratch, "file_rows", pl.DataFrame({**values, ROW_NUMBER: numbers}))
    append_rejected(scratch, bad)
    good.clear()
    numbers.clear()


def append_rejected(scratch: Scratch, bad: list[tuple[int, str, str]]) -> None:
    """Write rejected records (row, reason, raw text) to `rejected` and empty the list."""
    if bad:
        append_batch(scratch, "rejected", pl.DataFrame(bad, schema=[ROW_NUMBER, "reason", "record"], orient="row"))
        bad.clear()


def append_batch(scratch: Scratch, table: str, batch: pl.DataFrame) -> None:
    """Append a frame to a temporary table, by position."""
    scratch.connection.register("frame_batch", batch)
    try:
        scratch.connection.execute(f"insert into temp.{table} from frame_batch")
    finally:
        scratch.connection.unregister("frame_batch")


def lines_of(handle: BinaryIO) -> Iterator[tuple[str, int]]:
    """The lines of a byte stream that aren't blank, each with its full length; an over-long one is cut."""
    lines = _Lines(handle)
    while (taken := lines.next())[0]:
        if taken[0].strip():
            yield taken


def read_records(handle: BinaryIO, delimiter: str, width: int) -> Iterator[Record]:
    """The records after the header, good and bad, in the order of the file. Blank lines are none.

    An open quote is followed over at most LONGEST_RECORD_LINES lines; if no sound record comes of it, its first line
    alone is rejected and the next line is read for itself, so that one stray quote never swallows the rest.
    """
    lines = _Lines(handle)
    next(_assembled(lines, delimiter, None), None)
    yield from _assembled(lines, delimiter, width)


class _Lines:
    """Lines of a byte stream with a way back, cut at LONGEST_LINE_BYTES."""

    def __init__(self, handle: BinaryIO) -> None:
        self._text = io.TextIOWrapper(handle, "utf-8-sig", errors="surrogateescape", newline=None)
        self._returned: deque[tuple[str, int]] = deque()

    def next(self) -> tuple[str, int]:
        """(line with its line end, its full length); ('', 0) at the end."""
        if self._returned:
            return self._returned.popleft()
        line = self._text.readline(LONGEST_LINE_BYTES + 1)
        length = len(line)
        if length > LONGEST_LINE_BYTES and not line.endswith("\n"):
            while (more := self._text.readline(LONGEST_LINE_BYTES)) and not more.endswith("\n"):
                length += len(more)
            length += len(more)
        return line, length

    def give_back(self, lines: Sequence[tuple[str, int]]) -> None:
        self._returned.extendleft(reversed(lines))


def _assembled(lines: _Lines, delimiter: str, width: int | None) -> Iterator[Record]:
    """`width`: how many values a record has; None takes any number."""
    while (taken := lines.next())[0]:
        line, length = taken
        if not line.strip("\n\ufeff"):
            continue
        fault = line_fault(line, length)
        if fault:
            yield Record(None, fault, shown(line))
        elif '"' not in line:
            yield _fitted(line.rstrip("\n").split(delimiter), width, line)
        else:
            yield _quoted(line, lines, delimiter, width)


def _fitted(values: list[str], width: int | None, text: str) -> Record:
    if width is None or len(values) == width:
        return Record(values)
    if len(values) > width and not any(values[width:]):
        return Record(values[:width])
    return Record(None, f"has {counted(len(values), 'value')} where the header has {width}", shown(text))


def _quoted(line: str, lines: _Lines, delimiter: str, width: int | None) -> Record:
    text = line
    ahead: list[tuple[str, int]] = []
    while True:
        values, is_open = _parse(text, delimiter)
        if values is not None:
            record = _fitted(values, width, text)
            if record.values is not None or not ahead:
                return record
        addition = _to_next_quote(lines, ahead) if is_open else ""
        if not addition:
            break
        text += addition
    lines.give_back(ahead)
    return Record(None, "has a quote that isn't closed, or text after a closed one", shown(line))


def _to_next_quote(lines: _Lines, ahead: list[tuple[str, int]]) -> str:
    """The lines up to the next one with a quote, also put to `ahead`; nothing where a limit or fault comes first."""
    text = ""
    while len(ahead) < LONGEST_RECORD_LINES and (taken := lines.next())[0]:
        ahead.append(taken)
        if line_fault(*taken):
            break
        text += taken[0]
        if '"' in taken[0]:
            return text
    return ""


def _parse(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """(values, False) of a sound record; (None, whether a quote is still open) otherwise."""
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return None, "unexpected end" in str(error)
    return (records[0], False) if len(records) == 1 else (None, False)


def line_fault(line: str, length: int) -> str:
    """Why a line can't be read at all, or an empty text."""
    if length > LONGEST_LINE_BYTES:
        return f"is a line of {length:,} characters, longer than {LONGEST_LINE_BYTES:,}"
    if "\0" in line:
        return "contains a NUL character"
    return "" if _is_utf8(line) else "is not valid UTF-8"


def shown(text: str) -> str:
    """The raw text as the quarantine keeps it: cut, without NUL, invalid bytes as \\xNN."""
    cut = text[:SHOWN_RECORD_CHARACTERS].rstrip("\n").replace("\0", "\\x00")
    return cut.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")


def exact_glob(path: Path) -> str:
    """A path that DuckDB, which reads `[`, `*` and `?` as wildcards, takes as it is."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
