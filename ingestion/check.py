"""What a run would take of the connected files, and what that enables; nothing of it is kept.

The files go through the loader itself, into a home that is thrown away: what it accepts here, a run accepts. It is
empty, as for a first run, or it begins with a deployment's load manifest, with which the loader compares.
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
from ingestion.home import Home, connect_warehouse, open_home
from ingestion.load import load_sources
from ingestion.manifest import Load, has_newer_export
from ingestion.sources import Sources
from ingestion.text import literal

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


# What of a deployment's manifest the loader compares a file with.
COMPARED = ("loads", "load_days", "files")


@dataclass(frozen=True)
class TableCheck:
    """A connected table, and what would become of its rows: received = accepted + repeated + quarantined.

    `connection`: `files`, `exports`, or `api`, which a check doesn't read. `file_count`: files to load, `known_count`:
    those loaded before, `copy_count`: those that hold just what another one does. `held_count`: records that the
    deployment has. `marts`: those that its records reach.
    """

    contract: Contract
    connection: str
    marts: tuple[str, ...]
    file_count: int = 0
    known_count: int = 0
    copy_count: int = 0
    refused_count: int = 0
    received_count: int = 0
    accepted_count: int = 0
    repeated_count: int = 0
    quarantined_count: int = 0
    held_count: int = 0

    @property
    def name(self) -> str:
        return shown_table(self.contract.source, self.contract.table)

    @property
    def enables(self) -> str:
        """What it is good for, where it isn't empty."""
        return self.contract.meta.enables or ROLES[self.contract.meta.role]

    @property
    def has_rows(self) -> bool:
        return self.accepted_count + self.held_count > 0 or self.connection == "api"


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
    """All that a check found. It holds no value of any row.

    `older`: (table, file) pairs of full exports that come after a newer one. `added`: (table, column) pairs that no
    contract has. `orphans`: None where they weren't looked for, because the records that ids lead to may be in the
    deployment. `compared`: whether the files were compared with what a deployment has loaded.
    """

    tables: list[TableCheck]
    quarantined: list[BadRows]
    refusals: list[Refusal]
    older: list[tuple[str, str]]
    added: list[tuple[str, str]]
    orphans: list[Orphans] | None
    missing: list[MissingRole]
    always: tuple[str, ...]
    compared: bool


def read_marts(dbt_manifest: Path) -> tuple[Marts, tuple[str, ...]]:
    """Which marts the records of each raw table reach, and the marts that there are whatever is connected.

    A run's context depends on every order, but an as-of date is not what a table enables: the way through it doesn't
    count. Who is who depends on every record of a customer; through it a table reaches what is told of customers, and
    nothing of revenue.
    """
    manifest = json.loads(dbt_manifest.read_text())
    nodes, children = manifest["nodes"], manifest["child_map"]
    marts = {key: node["name"] for key, node in nodes.items() if key.startswith("model.") and node["schema"] == "marts"}

    def reached(start: str) -> tuple[str, ...]:
        seen, ahead = {start}, [start]
        while ahead:
            node = ahead.pop()
            found = {child for child in children[node] if child.startswith(("model.", "snapshot."))} - seen
            found = {child for child in found if nodes[child]["fqn"][1:3] != ["intermediate", "run"]}
            if node in nodes and nodes[node]["fqn"][2] == "customers":
                found = {child for child in found if nodes[child]["fqn"][2] != "revenue"}
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
    compare_with: Home | None = None,
    accept_shrink: bool,
    received_at: datetime,
) -> CheckReport:
    """Read all connected files as a first run would. What an API has is left to the run.

    `compare_with`: a home whose warehouse is there: read them as its next run would. While a run holds the warehouse
    they are read as for a first one. `accept_shrink`: as of `load_sources`.

    Raises:
        UserError: sources.yml has mistakes, one line each; or there is no room to work in; or the warehouse of the
            home can't be read.
    """
    check_sources(sources, contracts)
    marts, always = read_marts(dbt_manifest)
    with_files = {source: one for source, one in sources.connectors.items() if one.api is None}
    with TemporaryDirectory(prefix="tenure-check-") as folder:
        home = open_home(Path(folder))
        with connect_warehouse(home) as con:
            compared = compare_with is not None and _take_manifest(con, compare_with.warehouse)
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
            tables = _tables(con, contracts, marts, loaded.loads, compared=compared)
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
                _older(con, contracts, loaded.loads),
                _added(con),
                None if compared else _orphans(con),
                _missing(contracts, tables, marts),
                always,
                compared,
            )


def _take_manifest(con: duckdb.DuckDBPyConnection, warehouse: Path) -> bool:
    """Copy what the loader compares files with out of a deployment's warehouse, which is only read.

    Returns False while a run holds it.
    """
    try:
        con.execute(f"attach {literal(str(warehouse))} as compared (read_only)")
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            return False
        raise UserError(f"{warehouse} can't be read to compare with: check it, or leave --home out.") from error
    try:
        con.execute("create schema ingestion")
        con.execute("create temp table held (source varchar, table_name varchar, current_count bigint)")
        there = con.execute(
            "select table_name from duckdb_tables() where database_name = 'compared' and schema_name = 'ingestion'"
        ).fetchall()
        for (table,) in there:
            if table in COMPARED:
                con.execute(f"create table ingestion.{table} as from compared.ingestion.{table}")
            elif table == "tables":
                con.execute("insert into held select source, table_name, current_count from compared.ingestion.tables")
    finally:
        con.execute("detach compared")
    return True


def _tables(
    con: duckdb.DuckDBPyConnection, contracts: Contracts, marts: Marts, loads: Iterable[Load], *, compared: bool
) -> list[TableCheck]:
    new = [load for load in loads if load.is_new]
    # A file that needs no load says what one of this check does, or one of the deployment.
    here = {load.load_id for load in new}
    repeated = Counter((load.source, load.table_name, load.load_id in here) for load in loads if not load.is_new)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for load in new:
        counts.setdefault((load.source, load.table_name), Counter()).update(
            files=1,
            received=load.received_count,
            accepted=load.loaded_count,
            repeated=load.superseded_count,
            quarantined=load.quarantined_count,
        )
    held = "(select max(current_count) from held where (source, table_name) = (t.source, t.table_name))"
    found = con.execute(f"""
        select
            source, table_name, connection,
            (
                select count(distinct file) from ingestion.refusals r
                where (r.source, r.table_name) = (t.source, t.table_name)
            ),
            coalesce({held if compared else 0}, 0)
        from ingestion.tables t where connection is not null order by rowid
    """).fetchall()
    checked = []
    for source, table, connection, refused_count, held_count in found:
        count = counts.get((source, table), Counter())
        checked.append(
            TableCheck(
                contracts[source, table],
                connection,
                marts[source, table],
                file_count=count["files"],
                known_count=repeated[source, table, False],
                copy_count=repeated[source, table, True],
                refused_count=refused_count,
                received_count=count["received"],
                accepted_count=count["accepted"],
                repeated_count=count["repeated"],
                quarantined_count=count["quarantined"],
                held_count=held_count,
            )
        )
    return checked


def _older(con: duckdb.DuckDBPyConnection, contracts: Contracts, loads: Iterable[Load]) -> list[tuple[str, str]]:
    """The full exports of this check that are older than one that the deployment has loaded."""
    full = [load for load in loads if load.is_new and contracts[load.source, load.table_name].meta.delivery == "full"]
    if full:
        # What remains is the manifest as it was before the check.
        new = ", ".join(literal(load.load_id) for load in full)
        con.execute(f"delete from ingestion.loads where load_id in ({new})")
    return [
        (shown_table(load.source, load.table_name), load.file)
        for load in full
        if has_newer_export(con, contracts[load.source, load.table_name], load.connection, load.file, load.file_hash)
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
