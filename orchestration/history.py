"""Dagster's history of runs, without waiting for the disk at each of a run's thousands of events.

Dagster makes an SQLAlchemy engine and opens an SQLite file anew for every event: each engine compiles the same
statements again, and where nobody else has the file open, SQLite writes its log back and flushes the disk twice each
time that it's closed. Together that is most of what Dagster costs. A run that dies loses nothing by this; one whose
machine loses its power may lack its last events, but the file stays sound.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import QueuePool

STORAGES = (sqlite_event_log, sqlite_run_storage)


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep one engine of Dagster's for each SQLite file that is opened meanwhile, and its connection, until the end."""
    engines: dict[str, Engine] = {}
    with ExitStack() as until_end:

        def kept_engine(url: str, **options: Any) -> Engine:
            if url not in engines:
                engine = create_engine(url, **{**options, "poolclass": QueuePool})
                event.listen(engine, "connect", _relax)
                until_end.callback(engine.dispose)
                # Dagster disposes of an engine after each use.
                setattr(engine, "dispose", lambda: None)  # noqa: B010
                engines[url] = engine
            return engines[url]

        for storage in STORAGES:
            until_end.callback(partial(setattr, storage, "create_engine", storage.create_engine))
            setattr(storage, "create_engine", kept_engine)  # noqa: B010
        yield


def _relax(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("pragma synchronous = normal")
