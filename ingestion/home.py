"""The home: the one folder that holds everything a deployment writes."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.errors import UserError

HOME_FORMAT = 1
PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MEMORY_LIMIT = "6GB"
LOCK_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Home:
    """Paths inside a home. `open_home` makes one; nothing else joins these paths."""

    root: Path

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def releases(self) -> Path:
        return self.published / "releases"

    @property
    def current(self) -> Path:
        return self.published / "current"

    @property
    def landing(self) -> Path:
        """What was read from APIs and isn't loaded yet."""
        return self.root / "landing"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def temp(self) -> Path:
        return self.root / "tmp"

    @property
    def dbt_target(self) -> Path:
        return self.root / "dbt_target"

    @property
    def dbt_results(self) -> Path:
        """How each node of the last dbt build ended; absent while one runs, and after one that was cut off."""
        return self.dbt_target / "run_results.json"


def default_home() -> Path:
    """`TENURE_HOME`, or `.tenure` in the checkout."""
    return Path(os.environ.get("TENURE_HOME") or PROJECT_ROOT / ".tenure")


def sources_path(home: Home, given: Path | None = None) -> Path:
    """The sources.yml given, or `TENURE_SOURCES`, or the one in the home."""
    return given or Path(os.environ.get("TENURE_SOURCES") or home.root / "sources.yml")


def open_home(root: Path) -> Home:
    """Make the folder if need be, and check that this version can read what is in it.

    Raises:
        UserError: the folder can't be written, or a newer version wrote it.
    """
    home = Home(root.expanduser().resolve())
    stamp = home.root / "home.json"
    try:
        for folder in (home.root, home.releases, home.dagster, home.temp):
            folder.mkdir(parents=True, exist_ok=True)
        if not stamp.exists():
            scratch = stamp.with_suffix(f".{os.getpid()}")
            scratch.write_text(json.dumps({"format": HOME_FORMAT}) + "\n")
            scratch.replace(stamp)
        written = int(json.loads(stamp.read_text())["format"])
    except OSError as error:
        raise UserError(
            f"{home.root} can't be used as home: {error.strerror or error}; "
            "free space there, or give a folder that you may write to with --home."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{stamp} is damaged: it should hold {{'format': {HOME_FORMAT}}}; restore it.") from error
    if written > HOME_FORMAT:
        raise UserError(
            f"{home.root} was written by a newer version of Tenure (format {written}, this one reads {HOME_FORMAT}): "
            "upgrade Tenure, or use another --home."
        )
    return home


@contextmanager
def lock_home(home: Home) -> Iterator[None]:
    """Hold the home for one run. The lock goes with the process, so a killed run never leaves one behind.

    Raises:
        UserError: another run holds it.
    """
    path = home.root / "run.lock"
    try:
        handle = path.open("a+")
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}; run as a user who may write there.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise UserError(
                f"another run (process {holder}) is using {home.root}: wait until it has ended, then run again."
            ) from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _connect_patiently(home: Home, read_only: bool) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            return duckdb.connect(
                str(home.warehouse),
                read_only=read_only,
                config={"memory_limit": memory_limit(), "temp_directory": str(home.temp)},
            )
        except duckdb.ParserException as error:
            raise UserError(
                f"TENURE_MEMORY_LIMIT is {memory_limit()!r}, which is no amount of memory: set it like 6GB."
            ) from error
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise UserError(
                    f"another program has {home.warehouse} open: close it (readers should open published/current, "
                    "never the warehouse), then run again."
                ) from error
        time.sleep(0.2)


def memory_limit() -> str:
    """How much memory DuckDB may use, e.g. `6GB`: `TENURE_MEMORY_LIMIT` or the default."""
    return os.environ.get("TENURE_MEMORY_LIMIT") or DEFAULT_MEMORY_LIMIT


@contextmanager
def connect_warehouse(home: Home, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the build warehouse, for the length of a `with` block, with bounded memory.

    What a killed run leaves behind (its dbt, for a moment) still holds the file: that is waited for.

    Raises:
        UserError: another program keeps the warehouse open.
    """
    connection = _connect_patiently(home, read_only)
    try:
        # Not a connect option: the zone belongs to icu, which DuckDB loads after it has read its options.
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()
