"""DuckDB as Great Expectations reads it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import sqlalchemy
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider


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


class DescribedColumns(TableMetricProvider):
    """Names and types of a mart's columns, asked of DuckDB: GX would ask it Postgres' catalog, for most of its time."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)
    default_kwarg_values: ClassVar[dict[str, Any]] = {"include_nested": True}  # pyrefly: ignore[bad-override]

    @metric_value(engine=OneConnectionEngine)
    def _of_table(
        cls,  # noqa: N805
        execution_engine: OneConnectionEngine,
        metric_domain_kwargs: dict[str, Any],
        **_: Any,
    ) -> list[dict[str, str]]:
        rows = execution_engine.get_domain_records(metric_domain_kwargs)
        with execution_engine.get_connection() as connection:
            described = connection.exec_driver_sql(f"describe {rows}").fetchall()
        return [{"name": name, "type": column_type} for name, column_type, *_ in described]


EngineType = type[SqlAlchemyExecutionEngine]


class WarehouseDatasource(SQLDatasource):
    """A read-only DuckDB file; its tables are judged in place."""

    type: Literal["warehouse"] = "warehouse"  # pyrefly: ignore[bad-override]

    @property
    def execution_engine_type(self) -> EngineType:
        return OneConnectionEngine
