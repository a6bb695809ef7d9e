"""Temporary tables and views of one load, dropped when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


class Scratch:
    """Makes temporary relations on a connection and remembers them. `new_scratch` drops them at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._made: list[tuple[str, str]] = []

    def table(self, name: str, definition: str) -> None:
        """`definition`: `as select …`, or a column list."""
        self._make("table", name, definition)

    def view(self, name: str, definition: str) -> None:
        self._make("view", name, definition)

    def _make(self, kind: str, name: str, definition: str) -> None:
        self.connection.execute(f"create temp {kind} {name} {definition}")
        self._made.append((kind, name))

    def drop(self, name: str) -> None:
        """Drop one of the relations before the end."""
        made = next(made for made in self._made if made[1] == name)
        self.connection.execute(f"drop {made[0]} temp.{name}")
        self._made.remove(made)

    def drop_all(self) -> None:
        for kind, name in reversed(self._made):
            # After a failed write the connection may be unusable; the error that matters is already on its way.
            with suppress(duckdb.Error):
                self.connection.execute(f"drop {kind} if exists temp.{name}")
        self._made.clear()


@contextmanager
def new_scratch(connection: duckdb.DuckDBPyConnection) -> Iterator[Scratch]:
    """A scratch for the length of a `with` block."""
    scratch = Scratch(connection)
    try:
        yield scratch
    finally:
        scratch.drop_all()
