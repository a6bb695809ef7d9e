"""DuckDB as Great Expectations reads it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import sqlalchemy
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine


class OneConnectionEngine(SqlAlchemyExecutionEngine):
    """Keeps one connection open: GX reads rows after giving a connection back, and DuckDB has dropped them by then."""

    _connection: sqlalchemy.Connection | None = None

    @contextmanager
    def get_connection(self) -> Generator[sqlalchemy.Connection, None, None]:
        if not self._connection:
            self._connection = self.engine.connect()
        yield self._connection

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self.engine.dispose()


EngineType = type[SqlAlchemyExecutionEngine]


class WarehouseDatasource(SQLDatasource):
    """A read-only DuckDB file; its tables are judged in place."""

    type: Literal["warehouse"] = "warehouse"

    @property
    def execution_engine_type(self) -> EngineType:
        return OneConnectionEngine
