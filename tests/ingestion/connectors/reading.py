"""Reading a fake system through its connector, as a run does."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from ingestion.connectors.api import Extract, extract
from ingestion.connectors.client import Patience
from ingestion.connectors.endpoints import Connector, Table
from ingestion.contracts import Contract, Contracts
from tests.ingestion.connectors.rows import START, Row, comparable, read_lines, rows_of
from tests.ingestion.connectors.server import Fault, Server, serving

READ_AT = START + timedelta(days=40)
# As many attempts as in earnest, and next to no waiting between them. On a busy machine an answer may take a while.
PATIENCE = Patience(attempts=4, first_wait=0.001, longest_wait=0.002, timeout=10)
SHORT_PATIENCE = replace(PATIENCE, timeout=0.3)


@dataclass
class Bench:
    """A fake system behind a server, the contracts of its tables, and a landing folder."""

    source: str
    contracts: dict[str, Contract]
    all_contracts: Contracts
    system: Any
    server: Server
    landing: Path
    patience: Patience = PATIENCE
    read_at: datetime = READ_AT

    def read(
        self,
        *tables: str,
        since: Mapping[str, datetime] | None = None,
        whole: Collection[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> dict[str, Extract]:
        """Read the tables named, or all."""
        given = {**self.system.settings, "base_url": self.server.origin, **(settings or {})}
        contracts = [self.contracts[table] for table in tables or self.contracts]
        extracts = extract(
            self.source,
            given,
            contracts,
            self.landing,
            since or {},
            read_at=self.read_at,
            whole=whole,
            patience=self.patience,
        )
        return {one.table: one for one in extracts}

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns that the API gives."""
        return tuple(table_of(self.source, table).fields)

    def comparable(self, table: str, rows: list[Row]) -> list[tuple[Any, ...]]:
        return comparable(rows, self.contracts[table], self.columns(table))

    def given(self, table: str) -> list[tuple[Any, ...]]:
        return self.comparable(table, self.system.rows[table])

    def came(self, one: Extract) -> list[tuple[Any, ...]]:
        return self.comparable(one.table, [] if one.path is None else read_lines(one.path))

    def newest(self, table: str, rows: list[Row]) -> datetime:
        """What a run asks the raw table for, to know from when on to read."""
        meta = self.contracts[table].meta
        column = meta.version or meta.dated_by or ""
        times = [row[column] for row in rows if row.get(column)]
        return max(datetime.fromisoformat(time) if isinstance(time, str) else time for time in times)


def table_of(source: str, name: str) -> Table:
    connector: Connector = import_module(f"ingestion.connectors.{source}").CONNECTOR
    return next(table for endpoint in connector.endpoints for table in endpoint.tables if table.name == name)


@contextmanager
def connected(
    source: str, contracts: Contracts, landing: Path, fault: Fault | None = None, *, count: int = 40
) -> Iterator[Bench]:
    own = {table: contract for (name, table), contract in contracts.items() if name == source}
    system = import_module(f"tests.ingestion.connectors.fakes.{source}").System(rows_of(own, count))
    with serving(system, fault) as server:
        patience = SHORT_PATIENCE if fault and fault.kind == "slow" else PATIENCE
        yield Bench(source, own, contracts, system, server, landing, patience)
