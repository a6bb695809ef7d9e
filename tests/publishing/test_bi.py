"""Superset on two releases: what its charts say against SQL, without a restart in between. `make test-bi`."""

import json
import math
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.home import PROJECT_ROOT, Home
from publishing.bi.assemble import query, read_assets, uuid_of
from publishing.release import current_release, list_releases, rollback
from tests.conftest import _tenure

pytestmark = pytest.mark.bi

ASSETS = read_assets()
PATIENCE_SECONDS = 300
DEMO = ("--customers", "60", "--events", "8000")
EARLIER = "2026-04-20"
Row = dict[str, Any]


class Server:
    """A running Superset, asked as its user."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.headers: dict[str, str] = {}
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def log_in(self, password: str) -> None:
        """Ask as admin from now on; what changes something needs the token against forged requests, too."""
        login = {"username": "admin", "password": password, "provider": "db", "refresh": False}
        token = self.ask("/api/v1/security/login", login)["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        self.headers["X-CSRFToken"] = self.ask("/api/v1/security/csrf_token/")["result"]

    def ask(self, path: str, body: Row | None = None, **headers: str) -> Any:
        headers = {**self.headers, **headers, **({"Content-Type": "application/json"} if body else {})}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode() if body else None, headers
        )
        with self._opener.open(request, timeout=60) as answer:
            return json.load(answer)

    def ids(self, kind: str) -> dict[str, int]:
        """Superset's number of every chart, dataset or dashboard, by its lasting id."""
        found = self.ask(f"/api/v1/{kind}/?q=(columns:!(id,uuid),page_size:100)")["result"]
        return {one["uuid"]: one["id"] for one in found}

    def rows(self, chart: str) -> list[Row]:
        """What a chart shows."""
        number = self.ids("chart")[uuid_of("chart", chart)]
        (result,) = self.ask(f"/api/v1/chart/{number}/data/")["result"]
        assert not result["is_cached"]
        rows: list[Row] = result["data"]
        return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two releases, the newest current, the one before it of an earlier day."""
    root = tmp_path_factory.mktemp("bi") / "home"
    _tenure("demo", root, *DEMO)
    _tenure("run", root, "--as-of", EARLIER)
    _tenure("run", root)
    return Home(root)


def _start(home: Home) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [PROJECT_ROOT / ".bi" / "bin" / "python", "-m", "publishing.bi.start", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--home", home.root], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    server = Server(process, port)
    until = time.monotonic() + PATIENCE_SECONDS
    while not server.headers:
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < until, "Superset didn't come up"
        time.sleep(1)
        try:
            server.log_in((home.root / "bi" / "admin_password").read_text())
        except OSError:
            continue
    return server


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    server = _start(home)
    yield server
    if server.process.poll() is None:
        _interrupt(server)


def _interrupt(server: Server) -> str:
    server.process.send_signal(signal.SIGINT)
    said, _ = server.process.communicate(timeout=20)
    return said


def _sql(home: Home, text: str) -> list[Row]:
    """Rows of the current release, as JSON has them: decimals as numbers, days as milliseconds."""
    with duckdb.connect(str((home.current / "tenure.duckdb").resolve()), read_only=True) as connection:
        result = connection.execute(text)
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in result.fetchall()]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return datetime.combine(value, clock(), UTC).timestamp() * 1000
    return None if isinstance(value, float) and math.isnan(value) else value


def _sorted(rows: list[Row]) -> list[str]:
    # 1 and 1.0 are one number.
    as_floats = [{k: float(v) if type(v) is int else v for k, v in row.items()} for row in rows]
    return sorted(json.dumps(row, sort_keys=True) for row in as_floats)


def _compare(home: Home, server: Server) -> dict[str, list[Row]]:
    """Every chart against its query on the current release, and headlines and cells against the marts' own rates."""
    shown = {name: server.rows(name) for name in ASSETS.charts}
    for name, chart in ASSETS.charts.items():
        assert _sorted(shown[name]) == _sorted(_sql(home, query(ASSETS, chart))), name
    for name, metric, column in (
        ("NRR", "nrr", "nrr"),
        ("GRR", "grr", "grr"),
        ("Logo churn", "logo_churn", "logo_churn_rate"),
        ("Revenue churn", "revenue_churn", "1 - grr"),
        ("Customers (n)", "n", "start_customer_count"),
    ):
        marts = f"""
            select month, {column} as {metric} from marts.rpt_nrr_monthly
            where dimension = 'all' and segment = 'all' and window_months = 12 and is_complete
        """
        assert _sorted(shown[name]) == _sorted(_sql(home, marts)), name
    for name, metric, column in (
        ("Customers kept, by cohort", "customers_kept", "retention_rate"),
        ("Revenue kept, by cohort", "revenue_kept", "revenue_retention_rate"),
    ):
        marts = f"""
            select age, strftime(cohort_month, '%Y-%m') || ' (' || cohort_size || ')' as cohort, {column} as {metric}
            from marts.rpt_cohort_retention
            where dimension = 'all' and age_basis = 'calendar' and is_complete
        """
        assert _sorted(shown[name]) == _sorted(_sql(home, marts)), name
    (release,) = shown["Release"]
    assert release["release_id"] == home.current.resolve().name
    return shown


def test_charts_say_what_sql_says_before_and_after_a_swap(home: Home, server: Server) -> None:
    newest = current_release(home)
    assert newest
    new = _compare(home, server)
    assert new["NRR"]
    assert new["Revenue kept, by cohort"]
    assert new["Failed payments in numbers"]
    last_bridge = sum(row["amount"] for row in new["MRR bridge, last 12 months"])
    assert last_bridge == pytest.approx(max(new["MRR"], key=lambda row: row["month"])["mrr"], abs=1e-9)

    rollback(home)
    old = _compare(home, server)
    rollback(home, newest.release_id)

    assert _compare(home, server) == new
    differing = {name for name in new if _sorted(new[name]) != _sorted(old[name])}
    assert {"Release", "MRR", "NRR", "GRR", "Logo churn", "Revenue churn", "MRR bridge, last 12 months"} <= differing


def test_overlapping_queries_do_not_keep_the_old_release(home: Home, server: Server) -> None:
    """DuckDB shares an open file among those who name it alike; a query begun after the swap must not get that."""
    *_, earlier, newest = list_releases(home)
    with ThreadPoolExecutor(1) as slow:
        for release in (earlier, newest):
            held = slow.submit(
                _sql_lab, server, "select count(*) as n from range(200000) as a cross join range(200000) as b"
            )
            time.sleep(1)
            rollback(home, release.release_id)
            assert server.rows("Release")[0]["release_id"] == release.release_id
            assert not held.done(), "the query that was to hold the old release ended too early"
            held.result()


def _sql_lab(server: Server, text: str) -> Any:
    database = server.ask("/api/v1/database/")["result"][0]["id"]
    return server.ask("/api/v1/sqllab/execute/", {"database_id": database, "sql": text, "runAsync": False})


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("create table marts.mine as select 1", "DML|read-only"),
        ("delete from marts.release_info", "DML|read-only"),
        ("copy marts.release_info to 'mine.csv'", "disabled|DML"),
        ("select * from read_text('/etc/hostname')", "disabled"),
        ("set enable_external_access = true", "locked|DML"),
    ],
)
def test_nothing_but_the_release_is_read_and_nothing_written(server: Server, text: str, refusal: str) -> None:
    assert _sql_lab(server, "select count(*) as n from marts.release_info")["data"] == [{"n": 1}]
    with pytest.raises(urllib.error.HTTPError) as refused:
        _sql_lab(server, text)
    assert re.search(refusal, refused.value.read().decode())


def test_nobody_sees_anything_without_the_password_or_by_another_name(server: Server) -> None:
    stranger = Server(server.process, server.port)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        stranger.ask("/api/v1/chart/")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        server.ask("/api/v1/chart/", Host="evil.example")


def test_pages_may_load_nothing_from_elsewhere(server: Server) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/login/", timeout=60) as page:
        policy = page.headers["Content-Security-Policy"]
    assert "img-src 'self'" in policy
    assert "://" not in policy


def test_a_second_start_changes_nothing_but_what_was_changed(home: Home, server: Server) -> None:
    """Ids stay, what a user made stays, what the files no longer have goes; Ctrl-C ends the first."""
    own = {"slice_name": "My own", "viz_type": "table", "datasource_type": "table", "params": "{}"}
    dataset = next(iter(server.ids("dataset").values()))
    server.ask("/api/v1/chart/", {**own, "datasource_id": dataset})
    stale = server.ask(
        "/api/v1/chart/", {**own, "slice_name": "Gone", "datasource_id": dataset, "is_managed_externally": True}
    )["id"]
    kinds = ("chart", "dataset", "dashboard")
    before = {kind: server.ids(kind) for kind in kinds}

    assert "Traceback" not in _interrupt(server)
    again = _start(home)
    after = {kind: again.ids(kind) for kind in kinds}
    said = _interrupt(again)

    before["chart"] = {lasting: number for lasting, number in before["chart"].items() if number != stale}
    assert after == before
    assert len(after["chart"]) == len(ASSETS.charts) + 1
    assert again.process.returncode in (0, -signal.SIGINT)
    assert f"http://127.0.0.1:{again.port}/superset/dashboard/retention/" in said
    assert (home.root / "bi" / "admin_password").read_text() not in said


def test_without_a_release_it_says_so(tmp_path: Path) -> None:
    command = [PROJECT_ROOT / ".bi" / "bin" / "python", "-m", "publishing.bi.start", "--home", tmp_path]
    ended = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, env={**os.environ})
    assert ended.returncode == 1
    assert ended.stderr == f"No release has been published in {tmp_path} yet: tenure run publishes one.\n"
