"""What a run would take of the connected files, and what that enables; nothing of it is kept.

The files go through the loader itself, into a home that is thrown away: what it accepts here, a first run accepts.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import duckdb

from ingestion.connectors import api
from ingestion.contracts import Contract, Contracts, Role
from ingestion.deliveries import Refusal, check_sources, shown_table
from ingestion.errors import UserError
from ingestion.failures import WarehouseError
from ingestion.home import connect_warehouse, open_home
from ingestion.load import load_sources
from ingestion.manifest import Load
from ingestion.sources import Sources

# (source, table) → the marts that its records reach.
Marts = Mapping[tuple[str, str], tuple[str, ...]]

ROLES: dict[Role, str] = {
    "crm": "names, countries and segments of customers, the people behind them, meetings and deals",
    "billing": "recurring revenue and its movements, churn, renewals, failed and late payments",
    "support": "support load, reply and resolution times, tickets before churn",
    "product": "activity, adoption and depth of use, time to first value",
    "feedback": "NPS and CSAT with response rates, silence after a survey",
    "messaging": "reach, engagement with messages, contact fatigue",
    "commerce": "orders, repeat purchase, cohorts, revenue by month and customer",
    "loyalty": "points earned and spent, referrals",
    "success": "onboarding status, time to first value, goals reached",
    "interventions": "what was done for whom, effects of playbooks against controls",
}


@dataclass(frozen=True)
class TableCheck:
    """A connected table, and what would become of its rows: received = accepted + repeated + quarantined.

    `connection`: `files`, `exports`, or `api`, which a check doesn't read. `copy_count`: files that hold just what
    another one does. `marts`: those that its records reach.
    """

    contract: Contract
    connection: str
    marts: tuple[str, ...]
    file_count: int = 0
    copy_count: int = 0
    refused_count: int = 0
    received_count: int = 0
    accepted_count: int = 0
    repeated_count: int = 0
    quarantined_count: int = 0

    @property
    def name(self) -> str:
        return shown_table(self.contract.source, self.contract.table)

    @property
    def enables(self) -> str:
        """What it is good for, where it isn't empty."""
        return self.contract.meta.enables or ROLES[self.contract.meta.role]

    @property
    def has_rows(self) -> bool:
        return self.accepted_count > 0 or self.connection == "api"


@dataclass(frozen=True)
class BadRows:
    """Rows of one file that break the contract in the same way. `rows`: their numbers, as in `4, 9, 17-25`."""

    table: str
    file: str
    reason: str
    row_count: int
    rows: str


@dataclass(frozen=True)
class Orphans:
    """A foreign key of which some values lead nowhere."""

    column: str
    references: str
    orphan_count: int
    checked_count: int


@dataclass(frozen=True)
class MissingRole:
    """A role that no connected table has: what that leaves out, and the tables and systems that would fill it."""

    role: Role
    leaves_out: str
    marts: tuple[str, ...]
    tables: tuple[str, ...]
    systems: tuple[str, ...]


@dataclass(frozen=True)
class CheckReport:
    """All that a check found. `added`: (table, column) pairs that no contract has. It holds no value of any row."""

    tables: list[TableCheck]
    quarantined: list[BadRows]
    refusals: list[Refusal]
    added: list[tuple[str, str]]
    orphans: list[Orphans]
    missing: list[MissingRole]
    always: tuple[str, ...]


def read_marts(dbt_manifest: Path) -> tuple[Marts, tuple[str, ...]]:
    """Which marts the records of each raw table reach, and the marts that there are whatever is connected.

    A run's context depends on every order, but an as-of date is not what a table enables: the way through it doesn't
    count.
    """
    manifest = json.loads(dbt_manifest.read_text())
    nodes, children = manifest["nodes"], manifest["child_map"]
    marts = {key: node["name"] for key, node in nodes.items() if key.startswith("model.") and node["schema"] == "marts"}

    def reached(start: str) -> tuple[str, ...]:
        seen, ahead = {start}, [start]
        while ahead:
            found = {child for child in children[ahead.pop()] if child.startswith(("model.", "snapshot."))} - seen
            found = {child for child in found if nodes[child]["fqn"][1:3] != ["intermediate", "run"]}
            seen |= found
            ahead += found
        return tuple(sorted(marts[key] for key in seen & marts.keys()))

    by_table = {
        (node["source_name"], node["name"]): reached(key)
        for key, node in manifest["sources"].items()
        if node["schema"].startswith("raw_")
    }
    of_tables = {mart for names in by_table.values() for mart in names}
    return by_table, tuple(sorted(set(marts.values()) - of_tables))


def check_files(
    sources: Sources,
    contracts: Contracts,
    dbt_manifest: Path,
    *,
    accept_shrink: bool,
    received_at: datetime,
) -> CheckReport:
    """Read all connected files as a first run would. What an API has is left to the run.

    `accept_shrink`: as of `load_sources`; within one check it matters where a table has several files.

    Raises:
        UserError: sources.yml has mistakes, one line each; or there is no room to work in.
    """
    check_sources(sources, contracts)
    marts, always = read_marts(dbt_manifest)
    with_files = {source: one for source, one in sources.connectors.items() if one.api is None}
    with TemporaryDirectory(prefix="tenure-check-") as folder:
        home = open_home(Path(folder))
        with connect_warehouse(home) as con:
            try:
                loaded = load_sources(
                    con,
                    replace(sources, connectors=with_files),
                    contracts,
                    landing=home.landing,
                    accept_shrink=accept_shrink,
                    received_at=received_at,
                )
            except WarehouseError as error:
                where = home.root.parent
                raise UserError(f"{error} The check works in {where}; TMPDIR names another folder.") from error
            tables = _tables(con, contracts, marts, loaded.loads)
            tables += [
                TableCheck(contracts[source, table], "api", marts[source, table])
                for source in sources.connectors
                if source not in with_files
                for table in api.tables_of(source)
            ]
            return CheckReport(
                tables,
                _quarantined(con, tables),
                loaded.refusals,
                _added(con),
                _orphans(con),
                _missing(contracts, tables, marts),
                always,
            )


def _tables(
    con: duckdb.DuckDBPyConnection, contracts: Contracts, marts: Marts, loads: Iterable[Load]
) -> list[TableCheck]:
    copies = Counter((load.source, load.table_name) for load in loads if not load.is_new)
    found = con.execute("""
        with loads as (
            select
                source, table_name, count(*) as files, sum(received_count) as received, sum(loaded_count) as loaded,
                sum(superseded_count) as superseded, sum(quarantined_count) as quarantined
            from ingestion.loads group by all
        ),
        refused as (
            select source, table_name, count(distinct file) as files from ingestion.refusals group by all
        )
        select
            source, table_name, connection, coalesce(loads.files, 0), coalesce(refused.files, 0),
            coalesce(received, 0), coalesce(loaded, 0), coalesce(superseded, 0), coalesce(quarantined, 0)
        from ingestion.tables
        left join loads using (source, table_name)
        left join refused using (source, table_name)
        where connection is not null
        order by ingestion.tables.rowid
    """).fetchall()
    return [
        TableCheck(
            contracts[source, table],
            connection,
            marts[source, table],
            files,
            copies[source, table],
            refused,
            *map(int, counts),
        )
        for source, table, connection, files, refused, *counts in found
    ]


def _quarantined(con: duckdb.DuckDBPyConnection, tables: Iterable[TableCheck]) -> list[BadRows]:
    """All rows in quarantine, table by table and file by file; neighbours that break the same rule become a range."""
    return [
        BadRows(table.name, file, reason, int(row_count), rows)
        for table in tables
        if table.quarantined_count
        for file, reason, row_count, rows in con.execute(f"""
            with numbered as (
                select
                    _load_id, file, reason, row_number,
                    row_number - row_number() over (partition by _load_id, reason order by row_number) as island
                from {table.contract.quarantine_table}
            ),
            ranges as (
                select _load_id, file, reason, min(row_number) as first, max(row_number) as last
                from numbered group by _load_id, file, reason, island
            )
            select
                file, reason, sum(last - first + 1),
                string_agg(if(first = last, first::varchar, first || '-' || last), ', ' order by first)
            from ranges group by _load_id, file, reason order by _load_id, min(first)
        """).fetchall()
    ]


def _added(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    found = con.execute(
        "select source, table_name, column_name from ingestion.schema_changes where change = 'added' order by rowid"
    ).fetchall()
    return [(shown_table(source, table), column) for source, table, column in found]


def _orphans(con: duckdb.DuckDBPyConnection) -> list[Orphans]:
    found = con.execute("""
        select source, table_name, column_name, references_column, orphan_count, checked_count
        from ingestion.orphans where orphan_count > 0 order by rowid
    """).fetchall()
    return [
        Orphans(f"{shown_table(source, table)}.{column}", shown_table(source, references), orphan_count, checked_count)
        for source, table, column, references, orphan_count, checked_count in found
    ]


def _missing(contracts: Contracts, tables: Iterable[TableCheck], marts: Marts) -> list[MissingRole]:
    with_rows = [table for table in tables if table.has_rows]
    roles = {table.contract.meta.role for table in with_rows}
    there = {mart for table in with_rows for mart in table.marts}
    missing = []
    for role in get_args(Role):
        of_role = [contract for contract in contracts.values() if contract.meta.role == role]
        if role in roles or not of_role:
            continue
        reached = {mart for contract in of_role for mart in marts[contract.source, contract.table]}
        missing.append(
            MissingRole(
                role,
                ROLES[role],
                tuple(sorted(reached - there)),
                tuple(contract.table for contract in of_role if contract.source == "files"),
                tuple(sorted({contract.source for contract in of_role} - {"files"})),
            )
        )
    return missing
