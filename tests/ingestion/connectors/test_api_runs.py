"""Runs one after the other: what is asked for again, what a killed run leaves, and what reaches no log."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from ingestion.connectors.api import SYSTEMS, check_settings, extract, recover
from ingestion.contracts import Contracts
from ingestion.errors import UserError
from tests.ingestion.connectors.reading import READ_AT, Bench, connected
from tests.ingestion.connectors.rows import read_lines
from tests.ingestion.connectors.server import EMAIL, SECRET, Answer, Asked, Fault

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("hubspot", "deals"),
        ("salesforce", "accounts"),
        ("stripe", "refunds"),
        ("zendesk", "tickets"),
        ("zendesk", "satisfaction_ratings"),
        ("delighted", "survey_responses"),
        ("klaviyo", "profiles"),
        ("klaviyo", "events"),
        ("shopify", "orders"),
        ("smile", "referrals"),
    ],
)
def test_a_later_run_reads_from_the_look_back_on(source: str, table: str, contracts: Contracts, tmp_path: Path) -> None:
    with connected(source, contracts, tmp_path, count=200) as bench:
        meta = bench.contracts[table].meta
        column = meta.version or meta.dated_by or ""
        newest = bench.newest(table, bench.system.rows[table])
        (one,) = bench.read(table, since={table: newest}).values()
        assert one.path is not None
        came = {row["id"] for row in read_lines(one.path)}
        # Thirty days is the longest look-back; what lies within the usual three has come.
        recent = {row["id"] for row in bench.system.rows[table] if row[column] > newest - timedelta(days=3)}
        assert recent <= came
        assert source == "stripe" or table == "satisfaction_ratings" or len(came) < 190


def test_a_record_from_the_future_hides_nothing(contracts: Contracts, tmp_path: Path) -> None:
    with connected("zendesk", contracts, tmp_path) as bench:
        bench.system.rows["tickets"][0]["updated_at"] = READ_AT - timedelta(days=1)
        (one,) = bench.read("tickets", since={"tickets": READ_AT + timedelta(days=900)}).values()
        assert one.row_count == 1


def test_what_is_full_by_contract_is_read_whole_each_time(contracts: Contracts, tmp_path: Path) -> None:
    with connected("hubspot", contracts, tmp_path) as bench:
        (one,) = bench.read("companies", since={"companies": READ_AT}).values()
        assert bench.came(one) == bench.given("companies")


def test_a_table_to_be_read_again_comes_whole_with_those_read_with_it(contracts: Contracts, tmp_path: Path) -> None:
    with connected("shopify", contracts, tmp_path) as bench:
        extracts = bench.read(since=dict.fromkeys(bench.contracts, READ_AT), whole=["order_lines"])
        assert bench.came(extracts["orders"]) == bench.given("orders")
        assert bench.came(extracts["order_lines"]) == bench.given("order_lines")
        assert (extracts["customers"].path, extracts["customers"].is_complete) == (None, True)


def test_a_full_table_that_has_become_empty_is_told(contracts: Contracts, tmp_path: Path) -> None:
    with connected("hubspot", contracts, tmp_path) as bench:
        bench.system.rows["companies"].clear()
        (first,) = bench.read("companies").values()
        assert (first.path, first.is_complete, first.problem) == (None, True, None)
        (later,) = bench.read("companies", since={"companies": READ_AT}).values()
        assert later.problem == "the API gives nothing, where it gave records before: check what the account may read."


def test_custom_fields_that_an_account_lacks_are_left_out(contracts: Contracts, tmp_path: Path) -> None:
    with connected("salesforce", contracts, tmp_path) as bench:
        for row in bench.system.rows["accounts"]:
            del row["health"]
        (one,) = bench.read("accounts").values()
        assert one.problem is None
        assert one.path is not None
        assert all("health" not in row and "vat_number" in row for row in read_lines(one.path))


def test_recover_gives_what_is_sound(tmp_path: Path) -> None:
    folder = tmp_path / "zendesk"
    folder.mkdir()
    (folder / "tickets.part").write_bytes(b'{"id":"1"}\n{"id":"2"}\n{"id":"3')
    (folder / "users.part").write_bytes(b'{"id":"1')
    (folder / "organizations.jsonl").write_bytes(b'{"id":"1"}\n')
    (folder / "satisfaction_ratings.draft").write_bytes(b'{"id":"1"}\n')
    found = {one.table: one for one in recover(tmp_path)}
    assert set(found) == {"tickets", "organizations"}
    assert (found["tickets"].row_count, found["tickets"].is_complete) == (2, False)
    assert found["tickets"].path == folder / "tickets.partial.jsonl"
    assert [row["id"] for row in read_lines(found["tickets"].path)] == ["1", "2"]
    assert found["organizations"].is_complete
    # What isn't loaded is there the next time.
    assert [one.table for one in recover(tmp_path)] == ["organizations", "tickets"]
    assert list(recover(tmp_path / "nowhere")) == []


def test_recover_finds_the_last_whole_line_of_a_long_file(tmp_path: Path) -> None:
    (tmp_path / "zendesk").mkdir()
    path = tmp_path / "zendesk" / "tickets.part"
    path.write_bytes(b'{"id":"1"}\n' + b"x" * (3 << 20))
    (one,) = recover(tmp_path)
    assert one.row_count == 1
    assert one.path is not None
    assert one.path.read_bytes() == b'{"id":"1"}\n'


def killed(bench: Bench, tables: list[str], settings: dict[str, str], folder: Path) -> Path:
    """Read tables in a process that is killed while it waits for the fourth page; its home folder."""
    home = folder / "user"
    home.mkdir()
    program = textwrap.dedent(f"""
        from pathlib import Path
        from datetime import UTC, datetime
        from ingestion.connectors.api import extract
        from ingestion.contracts import read_contracts
        contracts = read_contracts(Path("{ROOT}/dbt_project"))
        own = [contracts["{bench.source}", table] for table in {tables}]
        settings = {{**{settings}, "base_url": "{bench.server.origin}"}}
        list(extract("{bench.source}", settings, own, Path("{bench.landing}"), {{}}, read_at=datetime.now(UTC)))
    """)
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=home)
    while bench.server.page_requests < 4 and child.poll() is None:
        bench.server.is_closing.wait(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert bench.server.page_requests == 4
    return home


def test_kill_9_in_the_middle_loses_nothing(contracts: Contracts, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    with connected("zendesk", contracts, landing, Fault("slow", at=4)) as bench:
        settings = {"email": "ops@acme.example", "token": SECRET}
        home = killed(bench, ["tickets"], settings, tmp_path)
        # dlt has written nothing of its own.
        assert not list(home.iterdir())
        bench.server.fault = None
        rows = [row for one in recover(landing) if one.path for row in read_lines(one.path)]
        assert len(rows) == 21
        (one,) = bench.read("tickets", since={"tickets": bench.newest("tickets", rows)}).values()
        assert one.path is not None
        by_id = {row["id"]: row for row in [*rows, *read_lines(one.path)]}
        assert bench.comparable("tickets", list(by_id.values())) == bench.given("tickets")


@pytest.mark.parametrize(("torn_bytes", "torn_answers"), [(0, 0), (1, 1), (5_000, 2), (1_000_000, 3)])
def test_kill_9_in_a_list_without_order_asks_for_nothing_twice(
    torn_bytes: int, torn_answers: int, contracts: Contracts, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    with connected("stripe", contracts, landing, Fault("slow", at=4)) as bench:
        killed(bench, ["invoices", "invoice_lines"], {"key": SECRET}, tmp_path)
        assert list(recover(landing)) == []
        journal = landing / "stripe" / "invoices.journal"
        # A kill may tear the last answer, or more where the machine goes down.
        os.truncate(journal, max(journal.stat().st_size - torn_bytes, 0))
        bench.server.fault = None
        bench.read_at = datetime.now(UTC)
        for one in bench.read("invoices", "invoice_lines").values():
            assert one.problem is None
            assert bench.came(one) == bench.given(one.table)
        assert len(bench.server.given) - len(set(bench.server.given)) == torn_answers
        assert not list(landing.glob("*/*.journal"))


@pytest.mark.parametrize("source", SYSTEMS)
@pytest.mark.parametrize("fault", [None, Fault("500", times=2), Fault("401", at=3), Fault("cut"), Fault("torn")])
def test_no_secret_and_no_address_reaches_a_log_or_an_error(
    source: str,
    fault: Fault | None,
    contracts: Contracts,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dlt.common import logger
    from dlt.sources.helpers.requests import Client

    # The first client starts dlt, which sets its own logger up.
    Client()
    # dlt's own logger passes nothing on to those above it.
    monkeypatch.setattr(logger, "LOGGER", logging.getLogger("what_dlt_says"))
    caplog.set_level(logging.DEBUG)
    with connected(source, contracts, tmp_path, fault, count=20) as bench:
        for rows in bench.system.rows.values():
            for row in rows:
                row.update({name: EMAIL for name in row if "email" in name and name != "email_consent"})
        extracts = bench.read()
    told = caplog.text + "".join(str(one) for one in extracts.values())
    assert "Making GET request" in told
    assert "urllib3" in told
    for canary in (SECRET, EMAIL, EMAIL.replace("@", "%40")):
        assert canary not in told
    assert not [path for path in tmp_path.glob("*/*") if SECRET in path.name or SECRET in path.read_text()]


def test_dlt_waits_until_an_api_is_connected_and_reports_to_nobody() -> None:
    program = (
        "import os, sys; from ingestion.connectors.api import extract, recover; "
        "assert 'dlt' not in sys.modules; assert os.environ['RUNTIME__DLTHUB_TELEMETRY'] == 'false'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_settings_are_checked_before_anything_is_asked(contracts: Contracts, tmp_path: Path) -> None:
    good = {"base_url": "https://acme.zendesk.com/", "email": "a@b.example", "token": "t"}
    assert check_settings("zendesk", good) == []
    assert check_settings("zendesk", {"base_url": good["base_url"], "email": "a@b.example", "tokn": "t"}) == [
        "zendesk.api lacks 'token': add it.",
        "zendesk.api has an unknown key 'tokn' (did you mean 'token'?); "
        "known here: base_url, email, token, category_field, is_escalated_field.",
    ]
    assert "did you mean 'zendesk'" in check_settings("zendsk", {})[0]
    with pytest.raises(UserError, match=r"smile\.api lacks 'key'"):
        list(extract("smile", {}, contracts.values(), tmp_path, {}, read_at=READ_AT))
    settings = {"key": SECRET, "base_url": "http://api.smile.io"}
    with pytest.raises(UserError, match="should begin with https://"):
        list(extract("smile", settings, contracts.values(), tmp_path, {}, read_at=READ_AT))


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("https://acme.zendesk.com", None),
        ("https://ACME.zendesk.com:443/", None),
        ("http://127.0.0.1:8080", None),
        ("http://localhost:8080/", None),
        ("http://acme.zendesk.com", "should begin with https://, so that the secrets stay secret: write https://NAME"),
        ("acme.zendesk.com", "should begin with https://"),
        ("ftp://localhost", "should begin with http:// or https://"),
        (f"https://ops:{SECRET}@acme.zendesk.com", "holds a name or a password: write https://NAME.zendesk.com alone"),
        (f"https://{SECRET}@127.0.0.1", "holds a name or a password"),
        ("https://acme.zendesk.com.evil.example", "isn't where this system's API is: write https://NAME.zendesk.com"),
        ("https://evilzendesk.com", "isn't where this system's API is"),
        ("https://evil.example\\.zendesk.com", "isn't where this system's API is"),
        ("https://zendesk.com", "isn't where this system's API is"),
        ("https://", "isn't where this system's API is"),
        ("https://acme.zendesk.com/api/v2", "should end after the host"),
        (f"https://acme.zendesk.com?token={SECRET}", "should end after the host"),
        ("https://acme.zendesk.com:port", "is no address"),
        ("https://[acme.zendesk.com", "is no address"),
    ],
)
def test_secrets_are_sent_to_the_systems_own_address_alone(address: str, sentence: str | None) -> None:
    mistakes = check_settings("zendesk", {"base_url": address, "email": "a@b.example", "token": "t"})
    if sentence is None:
        assert mistakes == []
    else:
        (mistake,) = mistakes
        assert mistake.startswith("zendesk.api.base_url ")
        assert sentence in mistake
        assert SECRET not in mistake
        assert "evil" not in mistake


@pytest.mark.parametrize("source", SYSTEMS)
def test_a_systems_own_address_is_accepted(source: str) -> None:
    connector = import_module(f"ingestion.connectors.{source}").CONNECTOR
    defaults = {setting.name: setting.default or "x" for setting in connector.settings}
    address = defaults["base_url"].replace("x", f"https://{connector.hosts[0].replace('*', 'acme--dev.sandbox')}", 1)
    given = address if defaults["base_url"] == "x" else defaults["base_url"]
    assert check_settings(source, {**defaults, "base_url": given}) == []


def test_a_next_page_at_another_address_is_not_followed(contracts: Contracts, tmp_path: Path) -> None:
    with connected("klaviyo", contracts, tmp_path) as bench, connected("klaviyo", contracts, tmp_path) as other:
        answer = bench.system.answer

        def elsewhere(asked: Asked) -> Answer:
            got: Answer = answer(asked)
            if got.body["links"]["next"]:
                got.body["links"]["next"] = got.body["links"]["next"].replace(asked.origin, other.server.origin)
            return got

        bench.system.answer = elsewhere
        (one,) = bench.read("profiles").values()
        assert "its next page is at another address" in str(one.problem)
        assert other.server.requests == 0
