"""Landing files: what was read from an API, as JSON lines, until it is loaded.

A name tells what a file is, whatever ended the process that wrote it:
`<table>.jsonl` whole; `<table>.partial.jsonl` a sound beginning; `.part` a beginning that was being written, whose last
line may be torn; `.draft` of use only once whole, with the `.journal` of the answers that it was written from. After
the table stands `.news` where the file holds what changed since an earlier reading, not all that there is.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from ingestion.connectors.endpoints import Record

NEWS = ".news"
WHOLE, PARTIAL, PART, DRAFT, JOURNAL = ".jsonl", ".partial.jsonl", ".part", ".draft", ".journal"
_CHUNK_BYTES = 1 << 20


class Landing:
    """The landing files of one endpoint's tables. Leaving its `with` block keeps what is written, as it is.

    `tables`: the first one dates the next run.
    """

    def __init__(self, folder: Path, tables: Sequence[str], *, is_resumable: bool, is_from_start: bool) -> None:
        self.row_counts = dict.fromkeys(tables, 0)
        self.is_resumable = is_resumable
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._mark = "" if is_from_start else NEWS
        self._handles: dict[str, BinaryIO] = {}

    def __enter__(self) -> "Landing":
        for table in self.row_counts:
            for ending in (PART, DRAFT):
                for mark in ("", NEWS):
                    (self._folder / f"{table}{mark}{ending}").unlink(missing_ok=True)
            self._handles[table] = self._path(table).open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles.values():
            handle.close()

    def _path(self, table: str) -> Path:
        return self._folder / f"{table}{self._mark}{PART if self.is_resumable else DRAFT}"

    def write(self, rows: Mapping[str, Sequence[Record]]) -> None:
        """Append one page's rows, table by table in the order given, each flushed before the next."""
        for table, new in rows.items():
            if new:
                handle = self._handles[table]
                handle.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in new))
                handle.flush()
                self.row_counts[table] += len(new)

    def give_up_order(self) -> None:
        """From now on what is written is of use only once whole."""
        paths = {table: self._path(table) for table in self.row_counts}
        self.is_resumable = False
        for table, path in paths.items():
            path.rename(self._path(table))

    def keep(self, *, is_whole: bool) -> dict[str, Path | None]:
        """Give the files their final names. A table without rows has no file."""
        for handle in self._handles.values():
            os.fsync(handle.fileno())
        final: dict[str, Path | None] = dict.fromkeys(self.row_counts)
        # Once the first table has its name the next run is past all of it, so the others have theirs before.
        for table in reversed(final):
            if self.row_counts[table]:
                ending = WHOLE if is_whole else PARTIAL
                final[table] = self._path(table).rename(self._folder / f"{table}{self._mark}{ending}")
            else:
                self._path(table).unlink()
        return final

    def discard(self) -> dict[str, Path | None]:
        """Take the files away."""
        for table in self.row_counts:
            self._path(table).unlink()
        return dict.fromkeys(self.row_counts)


@dataclass(frozen=True)
class Left:
    """A file that an earlier run read and didn't load."""

    source: str
    table: str
    path: Path
    is_whole: bool
    is_from_start: bool
    row_count: int


def left_behind(landing: Path) -> Iterator[Left]:
    """What earlier runs read and didn't load.

    A beginning loses its torn last line; what is of use only once whole is taken away.
    """
    for path in sorted(landing.glob("*/*")):
        table = path.name.split(".", 1)[0]
        mark = NEWS if path.name.startswith(table + NEWS) else ""
        ending = path.name.removeprefix(table + mark)
        if ending == DRAFT:
            path.unlink()
        elif ending == PART:
            _cut_torn_line(path)
            path, ending = path.rename(path.with_name(f"{table}{mark}{PARTIAL}")), PARTIAL
        elif ending == WHOLE:
            # Killed before it was forgotten: its answers came to their end.
            path.with_name(table + JOURNAL).unlink(missing_ok=True)
        if ending in (WHOLE, PARTIAL):
            row_count = _line_count(path)
            if row_count:
                yield Left(path.parent.name, table, path, ending == WHOLE, not mark, row_count)
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
