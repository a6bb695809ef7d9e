"""The answers that are kept of a list without an order of change: when the next run takes them, and when it doesn't."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

from ingestion.connectors.journal import KEPT
from ingestion.contracts import Contracts
from tests.ingestion.connectors.reading import connected
from tests.ingestion.connectors.server import SECRET, Fault
from tests.ingestion.connectors.test_api_faults import check_refusal


def test_a_place_in_a_list_that_no_longer_holds_is_left(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path, Fault("500", at=4)) as bench:
        (one,) = bench.read("customers").values()
        check_refusal(bench, one)
        given = list(bench.server.given)
        # The next page is refused, and then the list is there again.
        bench.server.fault = Fault("404", at=bench.server.page_requests + 1, times=1)
        (one,) = bench.read("customers").values()
        assert (one.problem, bench.came(one)) == (None, bench.given("customers"))
        assert bench.server.given[3:6] == given


@pytest.mark.parametrize(("pause", "asked_again"), [(KEPT, 0), (KEPT + timedelta(seconds=1), 3), (-KEPT, 3)])
def test_what_was_answered_long_ago_is_asked_again(
    pause: timedelta, asked_again: int, contracts: Contracts, tmp_path: Path
) -> None:
    with connected("smile", contracts, tmp_path, Fault("500", at=4)) as bench:
        bench.read("customers")
        bench.server.fault = None
        bench.read_at += pause
        (one,) = bench.read("customers").values()
        assert (one.problem, bench.came(one)) == (None, bench.given("customers"))
        assert len(bench.server.given) - len(set(bench.server.given)) == asked_again


@pytest.mark.parametrize("changed", ["secret", "version"])
def test_the_answers_of_another_account_are_left(
    changed: str, contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected("smile", contracts, tmp_path, Fault("500", at=4)) as bench:
        bench.read("customers")
        bench.server.fault = None
        for row in bench.system.rows["customers"]:
            row["first_name"] = "Other"
        if changed == "secret":
            monkeypatch.setattr(bench.system, "is_authorised", lambda headers: "renewed" in headers["authorization"])
            (one,) = bench.read("customers", settings={"key": "renewed"}).values()
        else:
            connector = import_module("ingestion.connectors.smile").CONNECTOR
            newer = replace(connector, headers={"version": "2"})
            monkeypatch.setattr("ingestion.connectors.smile.CONNECTOR", newer)
            (one,) = bench.read("customers").values()
        assert (one.problem, bench.came(one)) == (None, bench.given("customers"))


@pytest.mark.parametrize("line", [b"1\n", b"null\n", b"[]\n", b"\x00\x00", b'["2026-02-14T08:00:00+00:00", "zz", 1]\n'])
def test_a_damaged_journal_is_begun_anew(line: bytes, contracts: Contracts, tmp_path: Path) -> None:
    with connected("smile", contracts, tmp_path) as bench:
        (tmp_path / "smile").mkdir()
        (tmp_path / "smile" / "customers.journal").write_bytes(line)
        (one,) = bench.read("customers").values()
        assert (one.problem, bench.came(one)) == (None, bench.given("customers"))


@pytest.mark.parametrize("where", [-10, -3_000])
def test_a_damaged_answer_is_asked_for_again(where: int, contracts: Contracts, tmp_path: Path) -> None:
    with connected("smile", contracts, tmp_path, Fault("500", at=4)) as bench:
        bench.read("customers")
        bench.server.fault = None
        journal = tmp_path / "smile" / "customers.journal"
        content = bytearray(journal.read_bytes())
        content[where : where + 5] = bytes(5)
        journal.write_bytes(content)
        (one,) = bench.read("customers").values()
        assert (one.problem, bench.came(one)) == (None, bench.given("customers"))


def test_a_journal_tells_no_secret(contracts: Contracts, tmp_path: Path) -> None:
    with connected("smile", contracts, tmp_path, Fault("500", at=4)) as bench:
        bench.read("customers")
        assert SECRET not in (tmp_path / "smile" / "customers.journal").read_text(errors="replace")
