"""Writing the demo's files: each system's exports in the form that it is known for, and the truth as Parquet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

Tables = dict[str, list[tuple[str, pl.DataFrame]]]
# Times in text say that they are UTC.
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Exports:
    """What one system delivers, and what is true of it.

    `tables`: per raw table its files in the order of their delivery, each as the end of its name ("" or "_2026-05")
    and its rows in the contract's columns. `truth`: rows for the truth file of that name.
    """

    tables: Tables
    truth: dict[str, pl.DataFrame] = field(default_factory=dict)


def write_exports(folder: Path, tables: Tables, *, json_lines: Iterable[str] = ()) -> None:
    """Write each file as CSV, or as JSON lines for the tables named so; none that would hold no rows."""
    folder.mkdir(parents=True, exist_ok=True)
    as_lines = set(json_lines)
    for table, files in tables.items():
        for suffix, frame in files:
            # The loader takes an export without rows for a broken one.
            if frame.is_empty():
                continue
            if table in as_lines:
                _write_json_lines(frame, folder / f"{table}{suffix}.jsonl")
            else:
                frame.write_csv(folder / f"{table}{suffix}.csv", datetime_format=TIME_FORMAT)


def _write_json_lines(frame: pl.DataFrame, path: Path) -> None:
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    frame.with_columns(pl.col(times).dt.strftime(TIME_FORMAT)).write_ndjson(path)


def write_truth(folder: Path, truth: dict[str, pl.DataFrame]) -> None:
    """Write each truth file as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in truth.items():
        frame.write_parquet(folder / f"{name}.parquet")
