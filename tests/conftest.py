import fcntl
import logging
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import duckdb
import pytest
from hypothesis import settings

from ingestion.home import PROJECT_ROOT, Home, connect_warehouse, open_home, sources_path

# How long an example takes tells of the machine and of what else it does.
settings.register_profile("tenure", deadline=None)
settings.register_profile("wide", deadline=None, max_examples=1_000)
settings.load_profile("tenure")
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


def examples(few: int) -> int:
    """How many examples a slow property has: so few in the suite, ten times as many in the wide tests."""
    return few * settings().max_examples // 100


def public_data() -> Path:
    """Folder of the public sets that some tests check against: TENURE_DATA, or shared/data beside the checkout."""
    return Path(os.environ.get("TENURE_DATA") or PROJECT_ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def data() -> Path:
    folder = public_data()
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not in {folder}")
    return folder


@dataclass(frozen=True)
class Run:
    """How a whole run in this process ended."""

    home: Home
    succeeded: bool
    errors: list[str]
    log: str

    def sql(self, query: str) -> list[tuple[object, ...]]:
        """Ask the current release."""
        with duckdb.connect(str(self.home.current / "tenure.duckdb"), read_only=True) as connection:
            return connection.sql(query).fetchall()


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def run_pipeline(root: Path, sources: Path, *, as_of: str = "", known_at: str = "", accept_shrink: bool = False) -> Run:
    """One whole run, as `tenure run` does it, in this process."""
    from orchestration.cli import execute_job

    home = open_home(root)
    handler = _Lines()
    tenure = logging.getLogger("tenure")
    tenure.setLevel(logging.INFO)
    tenure.addHandler(handler)
    try:
        errors = execute_job(home, sources, as_of, known_at, accept_shrink)
    finally:
        tenure.removeHandler(handler)
    return Run(home, not errors, errors, "\n".join(handler.lines))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with whole runs first: of two workers one starts with the demo's run, the other with the shop's.

    A file's tests stay together (`--dist loadfile`), so that what they share is made once; what takes long doesn't
    begin when the other worker has nothing left.
    """
    shared: dict[Path, set[str]] = {}
    for item in items:
        runs = {"demo_run", "shop_run"} & set(getattr(item, "fixturenames", []))
        shared.setdefault(item.path, set()).update(runs or {mark.name for mark in item.iter_markers("whole_run")})
    order = [{"demo_run"}, {"shop_run"}, {"demo_run", "shop_run"}, {"whole_run"}, set()]
    kinds = {path: order.index(runs - {"whole_run"} or runs) for path, runs in shared.items()}
    first = {kind: next(path for path in kinds if kinds[path] == kind) for kind in set(kinds.values())}
    items.sort(key=lambda item: (kinds[item.path] > 1 or item.path != first[kinds[item.path]], kinds[item.path]))


Made = TypeVar("Made")


def _once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What `make` makes of a folder, made by the first worker that asks for it; the others wait for it."""
    everybodys = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder = everybodys / name
    folder.mkdir(exist_ok=True)
    made = folder / "made.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(make(folder)))
    found: Made = pickle.loads(made.read_bytes())
    return found


@pytest.fixture(scope="session")
def shop_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The test shop, run once for all workers. Tests that change the home work on a copy."""
    from tests.shop import write_shop

    def make(folder: Path) -> Run:
        run = run_pipeline(folder / "home", write_shop(folder / "files"))
        assert run.succeeded, run.errors
        return run

    return _once(tmp_path_factory, "shop", make)


@dataclass(frozen=True)
class Told:
    """What the two commands of the README printed for the small demo."""

    home: Home
    demo: str
    run: str = ""


def _tenure(command: str, home: Path, *arguments: str) -> str:
    """What a command prints that succeeds."""
    tenure = str(Path(sys.executable).parent / "tenure")
    called = subprocess.run(
        [tenure, command, "--home", str(home), *arguments], capture_output=True, text=True, timeout=900, check=False
    )
    assert called.returncode == 0, called.stdout + called.stderr
    return called.stdout + called.stderr


@pytest.fixture(scope="session")
def _demo_told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    from tests.demo import SMALL

    def make(folder: Path) -> Told:
        sizes = (part for name, size in SMALL.items() for part in (f"--{name}", str(size)))
        return Told(Home(folder / "home"), _tenure("demo", folder / "home", *sizes))

    return _once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="session")
def demo(_demo_told: Told) -> Path:
    """The sources.yml of a small demo company, written once for all workers."""
    return sources_path(_demo_told.home)


@pytest.fixture(scope="session")
def demo_told(_demo_told: Told, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """`tenure demo` and `tenure run`, called once for all workers. Tests that change the home work on a copy."""

    def make(_: Path) -> Told:
        return replace(_demo_told, run=_tenure("run", _demo_told.home.root))

    return _once(tmp_path_factory, "demo_run", make)


@pytest.fixture(scope="session")
def demo_run(demo_told: Told) -> Run:
    """The small demo's run, with a release."""
    return Run(demo_told.home, True, [], demo_told.run)


def copy_home(home: Home, to: Path) -> Home:
    """A home to change. The SQL that dbt wrote down for people, thousands of files, stays where it is."""
    shutil.copytree(home.root, to, symlinks=True, ignore=shutil.ignore_patterns("compiled", "run"))
    return open_home(to)


@pytest.fixture
def shop_home(shop_run: Run, tmp_path: Path) -> Home:
    """A copy of the home of `shop_run`, to change."""
    return copy_home(shop_run.home, tmp_path / "home")


@pytest.fixture
def warehouse(shop_home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_warehouse(shop_home) as connection:
        yield connection
