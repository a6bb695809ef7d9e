"""Dagster's history of runs, without waiting for the disk at each of a run's thousands of events.

Dagster opens an SQLite file anew for every event. Where nobody else has the file open, SQLite writes its log back and
flushes the disk twice each time that it's closed: most of what Dagster costs. A run that dies loses nothing by this;
one whose machine loses its power may lack its last events, but the file stays sound.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep each SQLite file that is opened meanwhile open until the end."""
    kept: dict[str, sqlite3.Connection] = {}
    with ExitStack() as until_end:

        def keep(connection: Any, _record: Any) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            connection.execute("pragma synchronous = normal")
            for _, _, path in connection.execute("pragma database_list").fetchall():
                if path and path not in kept:
                    kept[path] = until_end.enter_context(closing(sqlite3.connect(path, check_same_thread=False)))
                if path:
                    # It counts as open from its first read in the file's mode, which Dagster sets later.
                    kept[path].execute("select 1 from sqlite_master").fetchall()

        event.listen(Engine, "connect", keep)
        until_end.callback(event.remove, Engine, "connect", keep)
        yield
