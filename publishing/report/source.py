"""What a report may read: the marts of one release, its manifest and the result of its gate."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """An open release. `rows` runs SQL on it, read-only."""

    manifest: dict[str, Any]
    gate: dict[str, Any]
    connection: duckdb.DuckDBPyConnection

    @property
    def release_id(self) -> str:
        return str(self.manifest["release_id"])

    @property
    def as_of_date(self) -> date:
        return date.fromisoformat(str(self.manifest["as_of_date"])[:10])

    @property
    def data_through(self) -> dict[str, date]:
        """The date of the newest record of each source."""
        days = self.manifest.get("data_through") or {}
        return {name: date.fromisoformat(day[:10]) for name, day in sorted(days.items())}

    @property
    def created_at(self) -> datetime:
        return _utc(self.manifest["created_at"])

    def rows(self, sql: str, **numbers: int | None) -> list[Row]:
        """The result of `sql`, one dict a row; `$name` in it stands for the number of that name.

        The numbers are written into the text: binding them makes DuckDB import pandas, which takes two seconds.
        """
        for name, number in numbers.items():
            sql = sql.replace(f"${name}", "null" if number is None else f"{number:d}")
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@contextmanager
def open_release(release_dir: Path) -> Iterator[Release]:
    """Opens the release in `release_dir` for reading and closes it again."""
    manifest = json.loads((release_dir / "manifest.json").read_text(encoding="utf-8"))
    gate = json.loads((release_dir / "gate.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(release_dir / "tenure.duckdb"), read_only=True) as connection:
        yield Release(manifest, gate, connection)


def _utc(stamp: str) -> datetime:
    at = datetime.fromisoformat(stamp)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
