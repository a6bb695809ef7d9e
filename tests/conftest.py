import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingestion.home import PROJECT_ROOT, Home, connect_warehouse, open_home

os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


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


Runner = Callable[..., Run]


def run_pipeline(root: Path, sources: Path, *, as_of: str = "", accept_shrink: bool = False) -> Run:
    """One whole run, as `tenure run` does it, in this process."""
    from orchestration.cli import execute_job

    home = open_home(root)
    handler = _Lines()
    tenure = logging.getLogger("tenure")
    tenure.setLevel(logging.INFO)
    tenure.addHandler(handler)
    try:
        errors = execute_job(home, sources, as_of, accept_shrink)
    finally:
        tenure.removeHandler(handler)
    return Run(home, not errors, errors, "\n".join(handler.lines))


@pytest.fixture(scope="session")
def shop_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The test shop, run once for each worker. Tests that change the home work on a copy."""
    from tests.shop import write_shop

    folder = tmp_path_factory.mktemp("shop")
    run = run_pipeline(folder / "home", write_shop(folder / "files"))
    assert run.succeeded, run.errors
    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources.yml of a small demo company, written once for each worker."""
    from tests.demo import write_small_demo

    return write_small_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def demo_run(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small demo, run once for each worker. Tests that change the home work on a copy."""
    run = run_pipeline(tmp_path_factory.mktemp("demo_run"), demo)
    assert run.succeeded, run.errors
    return run


@pytest.fixture
def shop_home(shop_run: Run, tmp_path: Path) -> Home:
    """A copy of the home of `shop_run`, to change."""
    shutil.copytree(shop_run.home.root, tmp_path / "home", symlinks=True)
    return open_home(tmp_path / "home")


@pytest.fixture
def warehouse(shop_home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_warehouse(shop_home) as connection:
        yield connection
