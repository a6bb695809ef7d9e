"""Landing files: what was read from an API, as JSON lines, until it is loaded.

A name tells what a file is, whatever ended the process that wrote it:
`<table>.jsonl` whole; `<table>.partial.jsonl` a sound beginning; `.part` a beginning that was being written, whose last
line may be torn; `.draft` of use only once whole, with the `.journal` of the answers that it was written from.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from ingestion.connectors.endpoints import Record

WHOLE, PARTIAL, PART, DRAFT = ".jsonl", ".partial.jsonl", ".part", ".draft"
_CHUNK_BYTES = 1 << 20


class Landing:
    """The landing files of one endpoint's tables. Leaving its `with` block keeps what is written, as it is."""

    def __init__(self, folder: Path, tables: Sequence[str], *, is_resumable: bool) -> None:
        self.row_counts = dict.fromkeys(tables, 0)
        self.is_resumable = is_resumable
        folder.mkdir(parents=True, exist_ok=True)
        self._stems = {table: folder / table for table in tables}
        self._handles: dict[str, BinaryIO] = {}

    def __enter__(self) -> "Landing":
        for table, stem in self._stems.items():
            for ending in (PART, DRAFT):
                stem.with_name(table + ending).unlink(missing_ok=True)
            self._handles[table] = self._path(table).open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles.values():
            handle.close()

    def _path(self, table: str) -> Path:
        return self._stems[table].with_name(table + (PART if self.is_resumable else DRAFT))

    def write(self, rows: Mapping[str, Sequence[Record]]) -> None:
        """Append one page's rows, table by table in the order given, each flushed before the next."""
        for table, new in rows.items():
            if new:
                handle = self._handles[table]
                handle.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in new))
                handle.flush()
                self.row_counts[table] += len(new)

    def begin_anew(self) -> None:
        """Take away what was written, to write it again."""
        for table, handle in self._handles.items():
            handle.seek(0)
            handle.truncate()
            self.row_counts[table] = 0

    def give_up_order(self) -> None:
        """From now on what is written is of use only once whole."""
        paths = {table: self._path(table) for table in self._stems}
        self.is_resumable = False
        for table, path in paths.items():
            path.rename(self._path(table))

    def keep(self, *, is_whole: bool) -> dict[str, Path | None]:
        """Give the files their final names. A table without rows has no file."""
        final: dict[str, Path | None] = {}
        for table, stem in self._stems.items():
            handle = self._handles[table]
            os.fsync(handle.fileno())
            if not self.row_counts[table]:
                self._path(table).unlink()
                final[table] = None
            else:
                path = stem.with_name(table + (WHOLE if is_whole else PARTIAL))
                final[table] = self._path(table).rename(path)
        return final

    def discard(self) -> dict[str, Path | None]:
        """Take the files away."""
        for table in self._stems:
            self._path(table).unlink()
        return dict.fromkeys(self._stems)


def left_behind(landing: Path) -> Iterator[tuple[str, str, Path, bool, int]]:
    """What earlier runs read and didn't load: source, table, file, whether it is whole, rows.

    A beginning loses its torn last line; what is of use only once whole is taken away.
    """
    for path in sorted(landing.glob("*/*")):
        source, table = path.parent.name, path.name.split(".", 1)[0]
        if path.name == table + DRAFT:
            path.unlink()
        elif path.name == table + PART:
            _cut_torn_line(path)
            path = path.rename(path.with_name(table + PARTIAL))
        is_whole = path.name == table + WHOLE
        if is_whole or path.name == table + PARTIAL:
            row_count = _line_count(path)
            if row_count:
                yield source, table, path, is_whole, row_count
            else:
                path.unlink()


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as handle:
        end = handle.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _CHUNK_BYTES)
            handle.seek(start)
            newline = handle.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        handle.truncate(end)


def _line_count(path: Path) -> int:
    with path.open("rb") as handle:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: handle.read(_CHUNK_BYTES), b""))
