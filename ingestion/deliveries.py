"""What is on its way in: the files of every connected source, and what is read from APIs, each with its contract."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.connectors import api
from ingestion.connectors.exports import find_exports
from ingestion.connectors.files import find_files
from ingestion.connectors.inspect import file_hash, file_stamp
from ingestion.contracts import Contract, Contracts
from ingestion.errors import UserError
from ingestion.manifest import first_loads, known_hashes, last_mapping_hash, loaded_tables, newest_by_api, write_hash
from ingestion.mapping import check_mapping, export_spec, mapping_hash
from ingestion.sources import FileTable, Sources
from ingestion.text import did_you_mean, listed, natural_order


@dataclass(frozen=True)
class Refusal:
    """What could not be loaded, and why.

    `table`: None where the file belongs to none. `file`: None where no single file of a table is to blame.
    """

    source: str
    table: str | None
    connection: str
    file: str | None
    reason: str

    @property
    def sentence(self) -> str:
        return f"{shown_table(self.source, self.table) if self.table else self.source}: {self.reason}"


@dataclass(frozen=True)
class Delivery:
    """One file on its way in.

    `connection`: `files`, whose columns are mapped; `exports` or `api`, whose columns are the contract's.
    `name`: what the manifest calls it, for files the path relative to sources.yml. `place`: what progress calls it.
    """

    contract: Contract
    connection: str
    spec: FileTable
    path: Path
    name: str
    file_hash: str
    received_at: datetime
    accept_shrink: bool
    place: str = field(default="")

    @property
    def source(self) -> str:
        return self.contract.source

    @property
    def table(self) -> str:
        return self.contract.table

    @property
    def shown_table(self) -> str:
        return shown_table(self.source, self.table)

    @property
    def mapping_hash(self) -> str:
        return mapping_hash(self.spec, self.contract)


def shown_table(source: str, table: str) -> str:
    """A raw table as people name it: canonical tables by their own name, others with their system."""
    return table if source == "files" else f"{source}.{table}"


def check_sources(sources: Sources, contracts: Contracts) -> None:
    """Check what a sources.yml says against the contracts, before anything is read.

    Raises:
        UserError: one line per mistake.
    """
    mistakes = []
    for table, spec in sources.files.items():
        contract = contracts.get(("files", table))
        if contract is None:
            known = [f"files.{name}" for source, name in contracts if source == "files"]
            near = did_you_mean(f"files.{table}", known)
            mistakes.append(
                f"{sources.name} connects files.{table}, which is no table{near}; there is {listed(known)}."
            )
            continue
        try:
            check_mapping(spec, contract)
        except UserError as error:
            mistakes.append(str(error))
    systems = sorted({source for source, _ in contracts} - {"files"})
    mistakes += [
        f"{sources.name} connects {source}, for which there is no connector{did_you_mean(source, systems)}; "
        f"there is {listed(systems)}, and files for everything else."
        for source in sources.connectors
        if source not in systems
    ]
    for source, connector in sources.connectors.items():
        if connector.api is not None and source in systems:
            mistakes += [f"{sources.name}: {mistake}" for mistake in api.check_settings(source, connector.api)]
    if mistakes:
        raise UserError("\n".join(mistakes))


def connections(con: duckdb.DuckDBPyConnection, sources: Sources, contracts: Contracts) -> dict[tuple[str, str], str]:
    """(source, table) → how it is connected, of every table that is.

    A system's table is, by exports, once a file of it was loaded: if its files stay away, it has stopped.
    """
    loaded = loaded_tables(con)
    found = {("files", table): "files" for table in sources.files}
    for source, connector in sources.connectors.items():
        tables = [table for name, table in contracts if name == source]
        if connector.api is not None:
            found |= {(source, table): "api" for table in api.tables_of(source)}
        else:
            found |= {(source, table): "exports" for table in tables if (source, table) in loaded}
    return found


def missing_critical_files(sources: Sources, contracts: Contracts) -> list[str]:
    """A sentence for each connected critical table that has no file: without it, nothing could be published."""
    refusals: list[Refusal] = []
    for contract, connection, spec in _connected_files(sources, contracts, refusals):
        problems = find_files(spec)[1]
        refusals += [Refusal(contract.source, contract.table, connection, None, problem) for problem in problems]
    critical = [
        refused for refused in refusals if refused.table and contracts[refused.source, refused.table].meta.is_critical
    ]
    return list(dict.fromkeys(refused.sentence for refused in critical))


def file_deliveries(
    con: duckdb.DuckDBPyConnection,
    sources: Sources,
    contracts: Contracts,
    received_at: datetime,
    *,
    accept_shrink: bool,
) -> Iterator[Delivery | Refusal]:
    """The files of canonical tables and of systems' exports, table by table, in the order in which they count.

    By path; but a file that has been loaded before (and returns because its mapping changed) keeps its place before
    later ones, so that it doesn't win over the correction that once replaced its rows.
    """
    refusals: list[Refusal] = []
    known = known_hashes(con)
    for contract, connection, spec in _connected_files(sources, contracts, refusals):
        paths, problems = find_files(spec)
        refusals += [Refusal(contract.source, contract.table, connection, None, problem) for problem in problems]
        known_since = first_loads(con, contract)
        found = []
        for path in paths:
            name = os.path.relpath(path, sources.root)
            try:
                found.append((path, name, _hash(con, known, path)))
            except UserError as refusal:
                refusals.append(Refusal(contract.source, contract.table, connection, name, str(refusal)))
        never = "~"
        found.sort(key=lambda one: (known_since.get(one[2], never), natural_order(one[0].stem)))
        for number, (path, name, content) in enumerate(found, start=1):
            place = f"file {number} of {len(found)}, {name}"
            yield Delivery(contract, connection, spec, path, name, content, received_at, accept_shrink, place)
    yield from refusals


def api_deliveries(
    con: duckdb.DuckDBPyConnection,
    sources: Sources,
    contracts: Contracts,
    received_at: datetime,
    *,
    landing: Path,
    refused: Collection[tuple[str, str]],
) -> Iterator[Delivery | Refusal]:
    """What the connected APIs have that isn't loaded yet, first of all what an earlier run read and didn't load.

    A landing file goes once it is taken. From when on a table is read, its loads by API say; `refused`, of which the
    last run could not load something, are read whole.
    """
    connected = {source: one.api for source, one in sources.connectors.items() if one.api is not None}
    api.forget_others(landing, connected)
    if not connected:
        return

    def delivery(one: api.Extract, path: Path) -> Delivery:
        contract = contracts[one.source, one.table]
        name = f"{one.source} API, {one.table} at {received_at:%Y-%m-%d %H:%M:%S}"
        place = f"API, {one.row_count:,} read"
        spec = export_spec(contract, [path])
        return Delivery(contract, "api", spec, path, name, file_hash(path), received_at, False, place)

    for left in api.recover(landing):
        if left.path is None or (left.source, left.table) not in contracts:
            continue
        # What changed since is of no use to a warehouse that lost what had been before.
        if left.is_from_start or newest_by_api(con, contracts[left.source, left.table]) is not None:
            yield delivery(left, left.path)
        left.path.unlink()
    for source, settings in connected.items():
        of_source = [contract for contract in contracts.values() if contract.source == source]
        since = {one.table: newest for one in of_source if (newest := newest_by_api(con, one)) is not None}
        again = {table for name, table in refused if name == source}
        # What an older contract refused may be good under this one.
        again |= {one.table for one in of_source if last_mapping_hash(con, one) not in (None, _export_hash(one))}
        for one in api.extract(source, settings, of_source, landing, since, read_at=received_at, whole=again):
            if one.path is not None:
                yield delivery(one, one.path)
                one.path.unlink()
            if one.problem is not None:
                yield Refusal(source, one.table, "api", None, one.problem)


def _connected_files(
    sources: Sources, contracts: Contracts, refusals: list[Refusal]
) -> Iterable[tuple[Contract, str, FileTable]]:
    """Each table that is to be read from files: its contract, how it is connected, and where its files are."""
    for table, spec in sources.files.items():
        yield contracts["files", table], "files", spec
    for source, connector in sources.connectors.items():
        if connector.exports is None:
            continue
        tables = [table for name, table in contracts if name == source]
        try:
            found, problems = find_exports(Path(connector.exports), tables)
        except UserError as error:
            refusals += [Refusal(source, table, "exports", None, str(error)) for table in tables]
            continue
        refusals += [Refusal(source, None, "exports", None, problem) for problem in problems]
        for table, paths in found.items():
            yield contracts[source, table], "exports", export_spec(contracts[source, table], paths)


def _export_hash(contract: Contract) -> str:
    return mapping_hash(export_spec(contract, [Path()]), contract)


def _hash(con: duckdb.DuckDBPyConnection, known: Mapping[tuple[str, str], str], path: Path) -> str:
    """The hash of a file, read anew only where the file was touched since it was hashed last."""
    place, stamp = str(path), file_stamp(path)
    found = known.get((place, stamp))
    if found is None:
        found = file_hash(path)
        write_hash(con, place, stamp, found)
    return found
