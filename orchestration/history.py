"""Dagster's history of runs, without waiting for the disk at each of a run's thousands of events.

Dagster opens an SQLite file anew for every event. Where nobody else has the file open, SQLite writes its log back and
flushes the disk twice each time that it's closed: most of what Dagster costs. A run that dies loses nothing by this;
one whose machine loses its power may lack its last events, but the file stays sound.

Dagster makes an SQLAlchemy engine for every event, too, and each compiles the same statements again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

STORAGES = (sqlite_event_log, sqlite_run_storage)


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep each SQLite file that is opened meanwhile open until the end, and one engine of Dagster's for each."""
    kept: dict[str, sqlite3.Connection] = {}
    engines: dict[str, Engine] = {}
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

        def kept_engine(url: str, **options: Any) -> Engine:
            if url not in engines:
                engines[url] = create_engine(url, **options)
            return engines[url]

        for storage in STORAGES:
            until_end.callback(partial(setattr, storage, "create_engine", storage.create_engine))
            setattr(storage, "create_engine", kept_engine)  # noqa: B010
        event.listen(Engine, "connect", keep)
        until_end.callback(event.remove, Engine, "connect", keep)
        yield
