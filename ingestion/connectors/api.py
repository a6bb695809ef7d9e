"""Systems that are read by their API: each table becomes a landing file of JSON lines in its contract's columns.

`recover` gives what earlier runs read and didn't load, `extract` what is new since what is loaded. Their caller loads
each file like any other export of that table, and then deletes it; nothing else writes into the landing folder.

    for one in recover(landing): load(one.path); one.path.unlink()
    for one in extract("zendesk", settings, contracts, landing, newest_in_raw_tables(), read_at=now): …
"""

import re
import shutil
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingestion.connectors.endpoints import (
    ApiError,
    Connector,
    Endpoint,
    Record,
    RowMaker,
    Settings,
    as_utc,
    found,
    moment,
)
from ingestion.connectors.journal import Journal
from ingestion.connectors.landing import JOURNAL, Landing, left_behind
from ingestion.contracts import Contract
from ingestion.errors import UserError
from ingestion.text import did_you_mean, listed

if TYPE_CHECKING:
    from ingestion.connectors.client import Api, Patience

SYSTEMS = ("hubspot", "salesforce", "stripe", "zendesk", "delighted", "klaviyo", "shopify", "smile")
# What listens on this machine may do without https.
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Extract:
    """What was read of a table.

    `path`: the landing file; None where there is nothing to load.
    `is_complete`: all that the table has, or that changed since; else `path` is a sound beginning. `is_from_start`: of
    all that the table has, not of what changed since.
    `problem`: why `extract` couldn't read all and what to do: one sentence, to be told with the table's name, without
    personal data or secrets.
    """

    source: str
    table: str
    path: Path | None
    is_complete: bool
    problem: str | None
    row_count: int
    is_from_start: bool


def tables_of(source: str) -> tuple[str, ...]:
    """The tables that a system's API gives. A contract's other tables come as exports only."""
    return tuple(table.name for endpoint in _connector(source).endpoints for table in endpoint.tables)


def check_settings(source: str, settings: Settings) -> list[str]:
    """One sentence for each mistake in what sources.yml says under `<source>.api`."""
    if source not in SYSTEMS:
        return [f"'{source}' has no API connector{did_you_mean(source, SYSTEMS)}; there is one for {listed(SYSTEMS)}."]
    known = {setting.name: setting for setting in _connector(source).settings}
    lacking = [name for name, setting in known.items() if setting.default is None and not settings.get(name)]
    mistakes = [f"{source}.api lacks '{name}': add it." for name in lacking] + [
        f"{source}.api has an unknown key '{name}'{did_you_mean(name, known)}; known here: {listed(known)}."
        for name in settings
        if name not in known
    ]
    if settings.get("base_url"):
        mistakes += _address_mistakes(f"{source}.api.base_url", settings["base_url"], _connector(source).hosts)
    return mistakes


def _address_mistakes(where: str, address: str, hosts: Sequence[str]) -> list[str]:
    """What is wrong with an address that secrets are sent to. It may hold one itself, so it is never repeated."""
    wanted = " or ".join(f"https://{host.replace('*', 'NAME')}" for host in hosts)
    try:
        url = urlsplit(address)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return [f"{where} is no address: write {wanted}."]
    if "@" in url.netloc:
        return [f"{where} holds a name or a password: write {wanted} alone; secrets are settings of their own."]
    if host in LOOPBACK:
        return [] if url.scheme in ("http", "https") else [f"{where} should begin with http:// or https://."]
    if url.scheme != "https":
        return [f"{where} should begin with https://, so that the secrets stay secret: write {wanted}."]
    if not any(re.fullmatch(re.escape(one).replace(r"\*", r"[a-z\d.-]+"), host) for one in hosts):
        return [f"{where} isn't where this system's API is: write {wanted}."]
    if url.path.strip("/") or url.query or url.fragment:
        return [f"{where} should end after the host: write {wanted}."]
    return []


def recover(landing: Path) -> Iterator[Extract]:
    """What earlier runs left in the landing folder: read, and not loaded because the run was killed or failed.

    Of a table that was being read comes what is sound, from which `extract` goes on once it is loaded; where a
    beginning is of no use it is deleted.
    """
    for left in left_behind(landing):
        yield Extract(left.source, left.table, left.path, left.is_whole, None, left.row_count, left.is_from_start)


def forget_others(landing: Path, connected: Collection[str]) -> None:
    """Delete what was read of systems that are connected by their API no longer."""
    for folder in landing.glob("*/"):
        if folder.name not in connected:
            shutil.rmtree(folder)


def extract(
    source: str,
    settings: Settings,
    contracts: Iterable[Contract],
    landing: Path,
    since: Mapping[str, datetime],
    *,
    read_at: datetime,
    whole: Collection[str] = (),
    patience: "Patience | None" = None,
) -> Iterator[Extract]:
    """Read a system's tables into `landing/<source>/`, one `Extract` a table, as each one is done.

    `settings`: what sources.yml says under `<source>.api`, environment variables filled in.
    `since`: table → its newest version or date in the raw table; a table that isn't there is read whole, and so is one
    whose contract says `delivery: full`. `whole`: tables to read whole all the same, such as those that couldn't be
    loaded when they were read last.

    A table that can't be read says so in its `problem`; the others go on.

    Raises:
        UserError: the settings are wrong, or the landing folder can't be written.
    """
    mistakes = check_settings(source, settings)
    if mistakes:
        raise UserError("\n".join(f"sources.yml: {mistake}" for mistake in mistakes))
    # dlt takes over a second to import: only where an API is connected.
    from ingestion.connectors.client import Api, Patience

    connector = _connector(source)
    defaults = {setting.name: setting.default for setting in connector.settings if setting.default}
    api = Api(source, connector, {**defaults, **settings}, read_at=read_at, patience=patience or Patience())
    by_table = {contract.table: contract for contract in contracts if contract.source == source}
    # A record that is dated in the future must not hide what happens until then.
    known = {table: min(as_utc(newest), api.read_at) for table, newest in since.items()}
    refusal: ApiError | None = None
    for endpoint in connector.endpoints:
        if any(table.name in by_table for table in endpoint.tables):
            reading = _Reading(source, endpoint, by_table, landing / source, known, whole)
            refusal = yield from reading.run(api, refusal)


def _connector(source: str) -> Connector:
    connector: Connector = import_module(f"ingestion.connectors.{source}").CONNECTOR
    return connector


class _Reading:
    """The reading of one endpoint: from when on, and into which files."""

    def __init__(
        self,
        source: str,
        endpoint: Endpoint,
        contracts: Mapping[str, Contract],
        folder: Path,
        since: Mapping[str, datetime],
        whole: Collection[str],
    ) -> None:
        self._source = source
        self._endpoint = endpoint
        self._folder = folder
        self._makers = [RowMaker(table, contracts[table.name]) for table in endpoint.tables if table.name in contracts]
        self._tables = [maker.table.name for maker in self._makers]
        self._is_full = any(contracts[table].meta.delivery == "full" for table in self._tables)
        newest = since.get(endpoint.tables[0].name)
        self._was_read = newest is not None
        is_again = not set(whole).isdisjoint(self._tables)
        self._start = None if newest is None or self._is_full or is_again else newest - endpoint.look_back
        # Of what is read again from its start a beginning is of no use: `since` is already past it.
        self._is_resumable = endpoint.ordered_by is not None and not self._is_full and not (is_again and self._was_read)
        self._latest: datetime | None = None

    def run(self, api: "Api", refusal: ApiError | None) -> Generator[Extract, None, ApiError | None]:
        """Yield each table. Takes and returns what refuses the whole system, where something does."""
        fault = refusal
        paths: Mapping[str, Path | None] = dict.fromkeys(self._tables)
        counts = dict.fromkeys(self._tables, 0)
        if refusal is None:
            try:
                fault, paths, counts = self._read(api)
            except OSError as error:
                raise UserError(f"{self._folder} can't be written: {error.strerror}; free space there.") from error
        for table, path in paths.items():
            problem = self._problem(fault, path)
            count = counts[table] if path else 0
            yield Extract(self._source, table, path, problem is None, problem, count, self._start is None)
        return fault if fault is not None and fault.is_final else None

    def _read(self, api: "Api") -> tuple[ApiError | None, Mapping[str, Path | None], dict[str, int]]:
        """Read into the landing files: what put an end to it, where they are, and their rows."""
        files = Landing(self._folder, self._tables, is_resumable=self._is_resumable, is_from_start=self._start is None)
        with files, self._journal(api) as journal:
            api.keep_answers_in(journal)
            fault = self._fill(files, api)
            api.keep_answers_in(None)
            is_kept = fault is None or (files.is_resumable and fault.is_sound)
            paths = files.keep(is_whole=fault is None) if is_kept else files.discard()
            leads_on = fault is not None and fault.is_sound
            if journal is not None and not leads_on:
                journal.forget()
        if journal is not None and journal.was_of_use and fault is not None and not leads_on:
            # What was answered then leads nowhere now: a place in a list doesn't hold for ever.
            return self._read(api)
        return fault, paths, files.row_counts

    def _journal(self, api: "Api") -> AbstractContextManager[Journal | None]:
        if self._is_resumable:
            return nullcontext()
        return Journal(self._folder / f"{self._tables[0]}{JOURNAL}", api.account, api.read_at)

    def _fill(self, files: Landing, api: "Api") -> ApiError | None:
        """Write page after page; return what put an end to it before the last one."""
        try:
            for page in self._endpoint.read(api, self._start):
                if files.is_resumable and self._goes_back(page):
                    files.give_up_order()
                # The first table, whose newest row dates the next run, is written after its parts.
                files.write({maker.table.name: maker.rows(page, api) for maker in reversed(self._makers)})
        except ApiError as error:
            return error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            shape = f"its records have another shape than was known ({type(error).__name__})"
            return ApiError(f"{shape}; check the API's version")
        return None

    def _goes_back(self, page: Sequence[Record]) -> bool:
        """Whether a record comes that a run which goes on after the records before it would miss."""
        path = tuple((self._endpoint.ordered_by or "").split("."))
        for record in page:
            time = moment(found(record, path))
            if time is None or (self._latest is not None and time < self._latest - self._endpoint.look_back):
                return True
            self._latest = time if self._latest is None else max(self._latest, time)
        return False

    def _problem(self, fault: ApiError | None, path: Path | None) -> str | None:
        if fault is not None and fault.is_final:
            return str(fault)
        if fault is not None:
            return f"the API can't be read{' to its end' if path else ''}: {fault}."
        if path is None and self._is_full and self._was_read:
            return "the API gives nothing, where it gave records before: check what the account may read."
        return None
