"""Plain files (CSV, Parquet, JSON lines): which files a mapping names, and each one as rows of its own columns."""

import itertools
import json
import re
from pathlib import Path

import duckdb
import polars as pl

from ingestion.connectors.delimited import (
    BATCH_ROWS,
    REJECTED_COLUMNS,
    ROW_NUMBER,
    append_batch,
    append_rejected,
    exact_glob,
    line_fault,
    lines_of,
    open_csv,
    shown,
)
from ingestion.connectors.inspect import open_bytes, reading, text_traits
from ingestion.errors import UserError
from ingestion.scratch import Scratch
from ingestion.sources import FileFormat, FileTable
from ingestion.text import listed, literal

FORMATS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
}
WILDCARD = re.compile(r"[*?\[]")
PARQUET_MAGIC = b"PAR1"


def find_files(spec: FileTable) -> tuple[list[Path], list[str]]:
    """The files that the globs name, sorted by path, and one sentence for each glob that names none."""
    found: set[Path] = set()
    problems = []
    for pattern in spec.path:
        try:
            matches = _matches(pattern)
        except OSError as error:
            folder = Path(pattern).parent if error.filename == pattern else error.filename
            problems.append(f"the folder {folder} can't be read: {error.strerror}.")
            continue
        files = {match for match in matches if not match.is_dir()}
        found |= files
        if not files and matches:
            problems.append(f"{pattern} is a folder: write {pattern}/*.csv, or the ending that its files have.")
        elif not files:
            problems.append(f"no file matches {pattern}: check the path, or take the table out of sources.yml.")
    return sorted(found), problems


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_symlink() or path.exists():
        return [path]
    fixed = list(itertools.takewhile(lambda part: not WILDCARD.search(part), path.parts[1:-1]))
    start = Path(path.anchor, *fixed)
    rest = path.parts[1 + len(fixed) :]
    for folder in start.glob(str(Path(*rest[:-1]))) if len(rest) > 1 else [start]:
        # glob passes over a folder that it may not list; a missing one is told as a missing file.
        if folder.is_dir():
            next(folder.iterdir(), None)
    return [match for match in start.glob(str(Path(*rest))) if not match.name.startswith(".")]


def open_file(scratch: Scratch, path: Path, spec: FileTable) -> tuple[str, ...]:
    """Make the temporary relations `file_rows` (the file's columns and `_row`, from 1) and `rejected` of one file.

    Returns the file's column names.

    Raises:
        UserError: the file as a whole can't be read.
    """
    file_format = _format(path, spec)
    with reading(path):
        if path.stat().st_size == 0:
            raise UserError(f"{path.name} is empty: export it again.")
    match file_format:
        case "csv":
            columns = open_csv(scratch, path, list(spec.columns.values()))
        case "jsonl":
            columns = _open_jsonl(scratch, path)
        case "parquet":
            columns = _open_parquet(scratch, path)
    if ROW_NUMBER in (column.lower() for column in columns):
        raise UserError(f"{path.name} has a column {ROW_NUMBER}, the name of the row's number here: rename it.")
    return columns


def _format(path: Path, spec: FileTable) -> FileFormat:
    if spec.format is not None:
        return spec.format
    name = path.name.lower()
    for ending, file_format in FORMATS.items():
        if name.endswith(ending):
            return file_format
    ending = path.suffix or "none"
    raise UserError(
        f"{path.name} has the ending {ending}, not one of {', '.join(FORMATS)}: "
        "export it as one of these, or say in sources.yml what it is (format: csv, parquet or jsonl)."
    )


def _open_parquet(scratch: Scratch, path: Path) -> tuple[str, ...]:
    with reading(path), path.open("rb") as handle:
        start = handle.read(len(PARQUET_MAGIC))
        handle.seek(max(path.stat().st_size - len(PARQUET_MAGIC), 0))
        end = handle.read()
    if start != PARQUET_MAGIC:
        raise UserError(f"{path.name} isn't a Parquet file, though it is read as one: check the export or its ending.")
    relation = f"read_parquet({literal(exact_glob(path))})"
    try:
        if end != PARQUET_MAGIC:
            raise duckdb.InvalidInputException
        columns = _columns(scratch.connection, relation)
        if ROW_NUMBER not in columns:
            scratch.view("file_rows", f"as select *, file_row_number + 1 as {ROW_NUMBER} from {relation}")
    except duckdb.Error as error:
        raise UserError(f"{path.name} is a damaged Parquet file: export it again.") from error
    scratch.table("rejected", REJECTED_COLUMNS)
    return columns


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> tuple[str, ...]:
    return tuple(name for name, *_ in connection.execute(f"describe from {relation}").fetchall())


def _open_jsonl(scratch: Scratch, path: Path) -> tuple[str, ...]:
    if text_traits(path).is_blank:
        raise UserError(f"{path.name} is empty: export it again.")
    scratch.table("file_lines", "(line varchar, _row bigint)")
    scratch.table("rejected", REJECTED_COLUMNS)
    _read_lines(scratch, path)
    connection = scratch.connection
    bad_line = "not json_valid(line) or json_type(line) <> 'OBJECT'"
    connection.execute(f"""
        insert into temp.rejected
        select _row, if(json_valid(line), 'is not a JSON object', 'is not valid JSON'), left(line, 10000)
        from file_lines where {bad_line}
    """)
    connection.execute("delete from temp.file_lines where _row in (select _row from rejected)")
    keys = [
        key
        for (key,) in connection.execute("""
        select key from (select unnest(json_keys(line)) as key, _row from file_lines)
        group by key order by min(_row), key
    """).fetchall()
    ]
    folded = [key.lower() for key in keys]
    twins = [key for key in keys if folded.count(key.lower()) > 1]
    if twins:
        raise UserError(f"{path.name} has keys that differ only in case ({listed(twins)}): rename them.")
    if keys:
        structure = literal(json.dumps(dict.fromkeys(keys, "VARCHAR"), ensure_ascii=False))
        scratch.table("file_rows", f"as select unnest(from_json(line, {structure})), _row from file_lines")
    else:
        scratch.table("file_rows", "as select _row from file_lines")
    scratch.drop("file_lines")
    return tuple(keys)


def _read_lines(scratch: Scratch, path: Path) -> None:
    lines: list[str] = []
    numbers: list[int] = []
    bad: list[tuple[int, str, str]] = []

    def flush() -> None:
        if lines:
            append_batch(scratch, "file_lines", pl.DataFrame({"line": lines, ROW_NUMBER: numbers}))
        append_rejected(scratch, bad)
        lines.clear()
        numbers.clear()

    with reading(path), open_bytes(path) as handle:
        for row, (line, length) in enumerate(lines_of(handle), start=1):
            fault = line_fault(line, length)
            if fault:
                bad.append((row, fault, shown(line)))
            else:
                lines.append(line)
                numbers.append(row)
            if len(lines) + len(bad) >= BATCH_ROWS:
                flush()
        flush()
