"""The identity ledger's models, run as they are written, in plain DuckDB: dbt would take seconds for each day."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any

import duckdb
import yaml
from jinja2 import Environment, Template

from ingestion.home import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"
VARS: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
LEDGER = (
    "int_customers__known_ledger",
    "int_customers__known_records",
    "int_customers__assignments",
    "int_customers__ledger",
)
MARTS = (
    "int_customers__id_spells",
    "int_customers__record_ids",
    "int_customers__id_moves",
    "map_source_records",
    "fct_identity_events",
    "map_id_redirects",
)
TESTS = ("assert_source_records_have_one_id", "assert_ids_redirect_to_where_records_are")

Record = tuple[str, str, str, str]
"""entity, source, list_kind, source_record_id"""


class Ledger:
    """A warehouse with nothing but the run's date, clusters, the ledger, and what is made of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self.connection = connection or duckdb.connect(config={"threads": 1})
        self.connection.execute("create schema if not exists state")
        self.connection.execute("create or replace table int_run__context (as_of_date date)")
        self.connection.execute("create or replace table int_customers__cause as select 'data' as cause")
        self.connection.execute(
            """create or replace table int_customers__clusters (entity varchar, source varchar, list_kind varchar,
            source_record_id varchar, cluster_id varchar, first_seen_at timestamp)"""
        )

    def run(self, day: date, clusters: Iterable[tuple[str, Iterable[Record]]] | str) -> int:
        """One run: cluster ids with their records, or a query for the clusters. Returns how many rows it appended."""
        before = self._length()
        self.connection.execute("delete from int_run__context")
        self.connection.execute("insert into int_run__context values (?)", [day])
        self.connection.execute("delete from int_customers__clusters")
        if isinstance(clusters, str):
            self.connection.execute(f"insert into int_customers__clusters by name {clusters}")
        else:
            rows = [(*record, name, None) for name, records in clusters for record in records]
            if rows:
                self.connection.executemany("insert into int_customers__clusters values (?, ?, ?, ?, ?, ?)", rows)
        for model in LEDGER:
            self._build(model)
        return self._length() - before

    def build_marts(self) -> None:
        for model in MARTS:
            self._build(model)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(query).fetchall()

    def ids(self) -> dict[Record, str]:
        """Each record's id, as the last run gave it."""
        query = "select entity, source, list_kind, source_record_id, durable_id from int_customers__assignments"
        return {(entity, source, kind, record): durable for entity, source, kind, record, durable in self.sql(query)}

    def rows(self) -> list[tuple[Any, ...]]:
        return self.sql("from state.identity_ledger order by ledger_number") if self._exists("identity_ledger") else []

    def failing(self) -> dict[str, list[tuple[Any, ...]]]:
        """What the singular tests of the project find."""
        found = {name: self.sql(self._render(name)) for name in TESTS}
        return {name: rows for name, rows in found.items() if rows}

    def _build(self, model: str) -> None:
        sql = self._render(model)
        if model != "int_customers__ledger":
            self.connection.execute(f"create or replace table {model} as {sql}")
        elif self._exists("identity_ledger"):
            self.connection.execute(f"insert into state.identity_ledger by name {sql}")
        else:
            self.connection.execute(f"create table state.identity_ledger as {sql}")

    def _render(self, name: str) -> str:
        def get_relation(_database: str, schema: str, name: str) -> str | None:
            return f"{schema}.{name}" if self._exists(name) else None

        return template(name, "ledger_before", ref=_table).render(
            this="state.identity_ledger",
            is_incremental=lambda: self._exists("identity_ledger"),
            execute=True,
            target=SimpleNamespace(database="memory"),
            adapter=SimpleNamespace(get_relation=get_relation),
        )

    def _exists(self, name: str) -> bool:
        return bool(self.sql(f"select 1 from duckdb_tables() where schema_name = 'state' and table_name = '{name}'"))

    def _length(self) -> int:
        if not self._exists("identity_ledger"):
            return 0
        return int(self.sql("select count(*) from state.identity_ledger")[0][0])


@cache
def template(name: str, *macros: str, **known: Any) -> Template:
    """A model or singular test with the macros of these files, and what else it calls."""
    path = next(path for folder in ("models", "tests") for path in (PROJECT / folder).rglob(f"{name}.sql"))
    environment = Environment(extensions=["jinja2.ext.do"])
    environment.globals.update(config=lambda **_: "", **known)
    texts = [(PROJECT / "macros" / f"{macro}.sql").read_text() for macro in ("metric_version", *macros)]
    return environment.from_string("".join(texts) + path.read_text())


def _table(model: str) -> str:
    return "state.identity_ledger" if model == "int_customers__ledger" else model
