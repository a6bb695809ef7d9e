"""A fake system connected to a deployment by sources.yml, and what came of it in the raw tables."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.contracts import Contract, read_contracts
from ingestion.home import PROJECT_ROOT, connect_warehouse, open_home
from ingestion.load import load_sources
from ingestion.sources import read_sources
from ingestion.text import ident
from tests.ingestion.connectors.reading import Bench
from tests.ingestion.connectors.server import SECRET

VARIABLE = "TENURE_TEST_SECRET"

# `tenure run`, or the loading alone, in a process that kills itself as it comes to a function for the n-th time.
KILLED = """
import importlib, os, signal, sys
from pathlib import Path

how, home, sources, function, nth = sys.argv[1:]
if function:
    module, _, name = function.rpartition(".")
    module = importlib.import_module(module)
    original, calls = getattr(module, name), []

    def counted(*arguments, **named):
        calls.append(name)
        if len(calls) == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    setattr(module, name, counted)
if how == "run":
    from orchestration.cli import main

    sys.argv = ["tenure", "run", "--home", home, "--sources", sources]
    main()
else:
    from tests.ingestion.connectors.deploying import load

    load(Path(home), Path(sources))
"""


def load(root: Path, sources: Path) -> None:
    """Load what the sources have, as a run does before it builds anything."""
    home = open_home(root)
    with connect_warehouse(home) as con:
        load_sources(
            con,
            read_sources(sources),
            read_contracts(PROJECT_ROOT / "dbt_project"),
            landing=home.landing,
            accept_shrink=False,
            received_at=datetime.now(UTC),
        )


def api_of(bench: Bench) -> dict[str, Any]:
    """How sources.yml connects a fake system; its secrets are in the environment."""
    settings = {key: f"${{{VARIABLE}}}" if value == SECRET else value for key, value in bench.system.settings.items()}
    return {"api": {**settings, "base_url": bench.server.origin}}


def start(how: str, home: Path, sources: Path, function: str = "", nth: int = 1) -> subprocess.Popen[str]:
    """Start a `run`, or a `load`, that is killed as it comes to a function for the n-th time."""
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, how, str(home), str(sources), function, str(nth)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, VARIABLE: SECRET},
        cwd=PROJECT_ROOT,
    )


def said(process: subprocess.Popen[str], *, killed: bool) -> str:
    """What a process printed, once it has ended as it should."""
    told, _ = process.communicate(timeout=300)
    assert process.returncode == (-signal.SIGKILL if killed else 0), told
    return told


def raw_rows(warehouse: Path, contracts: dict[str, Contract]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a system's raw tables, and of their quarantine, without which load brought them."""
    found = {}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        for table, contract in contracts.items():
            columns = ", ".join(map(ident, contract.column_names))
            columns += ", _occurrence, _superseded_by is null, _version, _is_deleted, _extra"
            rows = con.execute(f"select {columns} from {contract.raw_table} order by all").fetchall()
            refused = con.execute(f"select reason, record from {contract.quarantine_table} order by all").fetchall()
            found[table] = rows + refused
    return found


def lost(warehouse: Path) -> list[tuple[Any, ...]]:
    """Loads whose rows aren't all accounted for."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            "from ingestion.loads where received_count <> loaded_count + quarantined_count + superseded_count"
        ).fetchall()
