"""The command line as its users meet it: in a process of its own, with exit codes and sentences."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingestion.home import Home, open_home
from orchestration.cli import console, main
from publishing.journal import read_last_run
from publishing.release import current_release
from tests.conftest import Run, Told
from tests.marts import build_only
from tests.publishing.small_release import Source, build_release
from tests.shop import CANARY_EMAIL, CUSTOMERS, order_lines, write_lines, write_shop

TENURE = str(Path(sys.executable).parent / "tenure")


def tenure(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TENURE, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=900,
        check=False,
    )


def said(result: subprocess.CompletedProcess[str]) -> str:
    """What the command printed; never a traceback."""
    text = result.stdout + result.stderr
    assert "Traceback" not in text, text
    return text


def test_a_home_without_a_release(tmp_path: Path) -> None:
    assert "No release has been published yet" in said(tenure("status", "--home", tmp_path))
    asked = tenure("query", "select 1", "--home", tmp_path)
    assert asked.returncode == 1
    assert "No release has been published yet: tenure run publishes one." in said(asked)
    assert tenure("rollback", "--home", tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "sources.yml"),
        ("sources: [", "sources.yml"),
        ("source:\n  files: {}\n", "sources"),
    ],
)
def test_sources_that_cannot_be_read(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "sources.yml"
    if content is not None:
        path.write_text(content)
    result = tenure("run", "--home", tmp_path / "home", "--sources", path)
    assert result.returncode == 1
    assert sentence in said(result)
    assert "could not load the sources" in said(tenure("status", "--home", tmp_path / "home"))


def test_a_home_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "home.json").write_text(json.dumps({"format": 99}))
    for command in (["run"], ["status"], ["demo"]):
        result = tenure(*command, "--home", tmp_path)
        assert result.returncode == 1
        assert "was written by a newer version of Tenure (format 99, this one reads 1)" in said(result)


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = tenure("run", "--home", tmp_path / "file")
    assert result.returncode == 1
    assert "can't be used as home" in said(result)


def test_two_runs_at_once(tmp_path: Path) -> None:
    write_shop(tmp_path)
    with (tmp_path / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        result = tenure("run", "--home", tmp_path)
    assert result.returncode == 1
    assert f"another run (process 4711) is using {tmp_path}" in said(result)


def test_an_as_of_date_that_is_none(tmp_path: Path) -> None:
    write_shop(tmp_path)
    result = tenure("run", "--home", tmp_path, "--as-of", "31/12/2024")
    assert result.returncode == 2
    assert "Invalid value for '--as-of'" in said(result)


@pytest.mark.wide
def test_a_full_disk(shop_home: Home, tmp_path: Path) -> None:
    """A file-size limit stands for the full disk: a write fails with the same kind of error."""
    before = current_release(shop_home)
    rows = [
        {**row, "order_id": f"{row['order_id']}-{copy}", "line_id": f"{row['line_id']}-{copy}"}
        for copy in range(400)
        for row in order_lines()
    ]
    sources = write_shop(tmp_path / "files", rows)
    size = max(path.stat().st_size for path in shop_home.root.iterdir() if path.is_file())
    limited = f"ulimit -f {size // 1024 + 300}; exec {TENURE} run --home {shop_home.root} --sources {sources}"
    result = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 1
    assert "The disk is full" in said(result) or "disk" in said(result)
    assert current_release(shop_home) == before
    again = tenure("run", "--home", shop_home.root, "--sources", sources)
    assert again.returncode == 0, said(again)


@pytest.mark.wide
@pytest.mark.parametrize(
    "moment",
    [
        "starting in",
        "order_lines: file 1 of",
        "built stg_files__order_lines",
        "built int_run__context",
        "built int_customers__ledger",
        "built fct_orders",
        "built rpt_repeat_purchase",
        "judging ",
        "judging fct_orders",
        "writing release",
        "writing marts.fct_orders",
        "writing the report",
    ],
)
def test_killed_at_every_stage(shop_home: Home, tmp_path: Path, moment: str) -> None:
    _kill_and_recover(shop_home, tmp_path, moment)


def _kill_and_recover(home: Home, tmp_path: Path, moment: str) -> None:
    before = current_release(home)
    sources = write_shop(tmp_path / "files")
    line = {**order_lines()[0], "order_id": "new", "line_id": "new", "ordered_at": "2024-06-21 10:00:00"}
    write_lines(tmp_path / "files" / "orders_next.csv", [line])
    command = [TENURE, "run", "--home", str(home.root), "--sources", str(sources)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for text in process.stdout:
            if moment in text:
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail(f"the run never came to {moment!r}")
    assert current_release(home) == before

    recovered = tenure("run", "--home", home.root, "--sources", sources)
    assert recovered.returncode == 0, said(recovered)
    counted = tenure("query", "select sum(line_count) as n from rpt_order_line_balance", "--home", home.root)
    assert said(counted).split() == ["n", str(len(order_lines()) + 1)]


@pytest.mark.whole_run
def test_status_query_and_rollback(shop_home: Home) -> None:
    release = current_release(shop_home)
    assert release
    status = said(tenure("status", "--home", shop_home.root))
    assert release.release_id in status
    assert "as of 2024-06-20, data through 2024-06-20" in status
    assert re.search(r"^Files +files +2 +2024-06-20 +ok", status, re.MULTILINE)
    started = time.monotonic()
    rows = said(tenure("query", "select count(*) as orders from fct_orders", "--home", shop_home.root))
    assert time.monotonic() - started < 30
    assert re.fullmatch(r"orders\s+\d+\s+", rows)
    wrong = tenure("query", "select nosuch from fct_orders", "--home", shop_home.root)
    assert wrong.returncode == 1
    assert 'Referenced column "nosuch" not found' in said(wrong)
    write = tenure("query", "delete from fct_orders", "--home", shop_home.root)
    assert write.returncode == 1
    assert "read-only" in said(write)


def test_status_says_how_each_connected_source_stands(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    sources = [
        Source("stripe", "Stripe", "invoices", "billing", status="stale", daily=30, behind=12),
        Source("stripe", "Stripe", "refunds", "billing", daily=1),
        Source("zendesk", "Zendesk", "tickets", "support", "api", "refused", daily=40, reason="[red]It has no id."),
        Source("segment", "Segment", "events", "product", daily=100, missing="2024-06-03"),
        Source("shopify", "Shopify", "orders", "commerce", daily=30, missing="2024-05-03"),
        Source("klaviyo", "Klaviyo", "events", "messaging", None, "not connected"),
    ]
    release = build_release(
        home.releases / "one",
        "select 'a', 'o', timestamp '2024-06-02', null, 'EUR', 1, 'sale', null",
        sources=sources,
        strays=[("HubSpot", "[b]kunden.csv is named for no table: rename it.")],
    )
    home.current.symlink_to(release)
    started = time.monotonic()
    lines = [" ".join(line.split()) for line in said(tenure("status", "--home", tmp_path)).splitlines()]
    assert time.monotonic() - started < 10
    table = lines.index("System Connection Tables Newest record Status")
    assert lines[table + 1 :] == [
        "Segment exports 1 2024-06-20 ok",
        "Shopify exports 1 2024-06-20 ok",
        "Stripe exports 2 2024-06-20 stale",
        "Zendesk api 1 2024-06-20 refused",
        "stale Stripe invoices: Its newest record is of 8 June 2024, 12 days before the as-of date: "
        "it may have stopped (limit 7 days).",
        "refused Zendesk tickets: [red]It has no id. What had come before stays.",
        "refused HubSpot: [b]kunden.csv is named for no table: rename it.",
        "missing Segment events: no rows on 2024-06-03",
    ]


@pytest.mark.whole_run
def test_a_blocked_run_tells_all_that_it_found_and_the_ways_on(
    shop_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = write_shop(tmp_path / "files", order_lines()[:100])
    sources.write_text(f"{sources.read_text()}  hubspot: {{exports: hubspot}}\n")
    hubspot = tmp_path / "files" / "hubspot"
    hubspot.mkdir()
    (hubspot / "owners.csv").write_text("id,email,createdAt,updatedAt\n1,a@example.org,2024-06-01,2024-06-01\n")
    (hubspot / "contacts.csv").write_text("mail\nb@example.org\n")
    (hubspot / "kunden.csv").write_text("id\n1\n")
    build_only(monkeypatch, "rpt_source_health", "rpt_source_refusals")
    monkeypatch.setattr(console, "file", sys.stdout)
    monkeypatch.setattr(sys, "argv", ["tenure", "run", "--home", str(shop_home.root), "--sources", str(sources)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = "".join(capsys.readouterr())
    assert "Traceback" not in told
    assert "order_lines could not be loaded, what was there stays: orders.csv has 100 rows where" in told
    ways = told.splitlines()[-1]
    assert ways.startswith("Ways on: mend the data or the export at its source")
    assert "run again with --accept-shrink; or take the source out of sources.yml" in ways
    status = said(tenure("status", "--home", shop_home.root))
    last = read_last_run(shop_home)
    assert last is not None
    for warning in (
        "HubSpot: kunden.csv is named for no table",
        # Nothing of it was ever loaded, and it is told all the same.
        "HubSpot contacts could not be loaded: contacts.csv lacks the column",
    ):
        assert f"warning: {warning}" in told
        assert f"warning: {warning}" in status
        assert any(one.startswith(warning) for one in last.warnings)
    assert "orders.csv has 100 rows where" in status


@pytest.mark.whole_run
def test_the_readmes_two_commands(demo_told: Told, demo_run: Run) -> None:
    """`make run` is these two; the demo's few bad rows show as findings, and the release is published."""
    assert "Wrote the demo company" in demo_told.demo
    assert "Traceback" not in demo_told.demo + demo_told.run
    last_line = demo_told.run.strip().splitlines()[-1]
    assert last_line.startswith(f"Published {demo_told.home.releases}")
    report = Path(re.search(r"report: (.*)/\*\.html", last_line).group(1))  # type: ignore[union-attr]
    assert {page.name for page in report.glob("*.html")} == {
        "revenue.html",
        "cohorts.html",
        "sources.html",
        "identity.html",
    }
    assert "Stages: start " in demo_told.run
    assert "Quarantine" in said(tenure("status", "--home", demo_told.home.root))


@pytest.mark.whole_run
def test_values_are_shown_as_they_are_and_a_query_writes_nothing(shop_home: Home, tmp_path: Path) -> None:
    shown = said(tenure("query", "select '[/b][red]x' as \"[red]\"", "--home", shop_home.root))
    assert shown.split() == ["[red]", "[/b][red]x"]
    target = tmp_path / "out.csv"
    written = tenure("query", f"copy (select 1) to '{target}'", "--home", shop_home.root)
    assert written.returncode == 1
    assert not target.exists()


def test_a_check_tells_rows_and_loads_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    rows = [{**row, "unit_price": "-1"} if n in (3, 4, 8) else row for n, row in enumerate(order_lines(), start=1)]
    sources = write_shop(tmp_path / "files", rows)
    checked = tenure("check", "--sources", sources, "--home", home)
    assert checked.returncode == 0, said(checked)
    assert "order_lines: orders.csv, rows 3-4, 8: unit_price is below 0" in said(checked)
    assert f"Received {len(rows) + CUSTOMERS}" in said(checked)
    assert "rpt_repeat_purchase" in said(checked)
    assert "support: " in said(checked)
    assert CANARY_EMAIL not in said(checked)
    assert not home.exists()
    (tmp_path / "files" / "orders.csv").write_text("")
    refused = tenure("check", "--sources", sources)
    assert refused.returncode == 1
    assert "orders.csv is empty: export it again. Nothing is published without this table." in said(refused)
    assert "1 refusal, as said above; nothing was loaded." in said(refused)
    assert tenure("check", "--sources", tmp_path / "none.yml").returncode == 1


def test_an_empty_name_to_explain(tmp_path: Path) -> None:
    for names in ([""], ["per_ann", ""]):
        result = tenure("explain", *names, "--home", tmp_path)
        assert result.returncode == 1
        assert said(result).strip() == "Name one id, or two records or ids; none of them empty."


def test_a_mistyped_home_makes_none(tmp_path: Path) -> None:
    for command in (["status"], ["query", "select 1"], ["rollback"]):
        result = tenure(*command, "--home", tmp_path / "typo")
        assert result.returncode == 1
        assert "There is no home at" in said(result)
    assert not (tmp_path / "typo").exists()
