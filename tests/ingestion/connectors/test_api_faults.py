"""Every connector against a server that misbehaves: the result is the same, or a refusal that says what to do."""

import socket
import time
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ingestion.connectors.api import SYSTEMS, Extract
from ingestion.connectors.endpoints import Connector, Endpoint
from ingestion.contracts import Contracts
from tests.ingestion.connectors.reading import PATIENCE, READ_AT, Bench, connected
from tests.ingestion.connectors.rows import START, Row, read_lines
from tests.ingestion.connectors.server import SECRET, Answer, Asked, Fault

# One table of each way to page.
LISTS = [
    ("hubspot", "companies"),
    ("hubspot", "deals"),
    ("salesforce", "accounts"),
    ("stripe", "invoices"),
    ("zendesk", "tickets"),
    ("zendesk", "organizations"),
    ("zendesk", "satisfaction_ratings"),
    ("delighted", "survey_responses"),
    ("klaviyo", "events"),
    ("shopify", "orders"),
    ("smile", "customers"),
]
# The first table of every other endpoint, which pages in one of these ways.
OTHERS = [
    ("hubspot", "owners"),
    ("hubspot", "contacts"),
    ("hubspot", "engagements"),
    ("hubspot", "associations"),
    ("salesforce", "users"),
    ("salesforce", "contacts"),
    ("salesforce", "opportunities"),
    ("salesforce", "opportunity_history"),
    ("stripe", "customers"),
    ("stripe", "prices"),
    ("stripe", "coupons"),
    ("stripe", "subscriptions"),
    ("stripe", "charges"),
    ("stripe", "refunds"),
    ("stripe", "disputes"),
    ("zendesk", "users"),
    ("zendesk", "ticket_field_history"),
    ("zendesk", "sla_events"),
    ("klaviyo", "profiles"),
    ("klaviyo", "campaigns"),
    ("shopify", "customers"),
    ("shopify", "abandoned_checkouts"),
    ("smile", "points_transactions"),
    ("smile", "referrals"),
]
# Several lists one after the other: a page of one in place of the first of another can't be told.
CHAINS = [("hubspot", "engagements"), ("hubspot", "associations"), ("klaviyo", "campaigns")]
CHAINS += [("shopify", "abandoned_checkouts")]
EVERY = [*LISTS, *(pytest.param(*one, marks=pytest.mark.wide) for one in OTHERS)]
UNCHAINED = [*LISTS, *(pytest.param(*one, marks=pytest.mark.wide) for one in OTHERS if one not in CHAINS)]
CIRCLING = 60


def test_every_endpoint_is_put_to_the_test() -> None:
    connectors = {source: import_module(f"ingestion.connectors.{source}").CONNECTOR for source in SYSTEMS}
    ends = {(source, one.tables[0].name) for source, connector in connectors.items() for one in connector.endpoints}
    assert ends == {*LISTS, *OTHERS}


def endpoint_of(source: str, table: str) -> Endpoint:
    connector: Connector = import_module(f"ingestion.connectors.{source}").CONNECTOR
    return next(endpoint for endpoint in connector.endpoints if table in [one.name for one in endpoint.tables])


def tables_with(bench: Bench, table: str) -> list[str]:
    """The table and those that are read with it."""
    return [one.name for one in endpoint_of(bench.source, table).tables]


def is_resumable(bench: Bench, table: str) -> bool:
    is_full = bench.contracts[table].meta.delivery == "full"
    return endpoint_of(bench.source, table).ordered_by is not None and not is_full


def check_refusal(bench: Bench, one: Extract) -> None:
    """A refusal is one sentence that says what to do and is told with the table's name; what came with it is right."""
    assert one.problem is not None
    assert not one.is_complete
    assert f"{one.source}.{one.table}" not in one.problem
    assert one.problem.endswith(".")
    assert "\n" not in one.problem
    assert any(word in one.problem for word in ("run again", "check", "renew"))
    assert SECRET not in one.problem
    assert bench.server.origin not in one.problem
    if one.path is None:
        assert {path.suffix for path in bench.landing.glob(f"*/{one.table}.*")} <= {".journal"}
    else:
        assert is_resumable(bench, one.table)
        assert one.path.name == f"{one.table}.partial.jsonl"
        assert set(bench.came(one)) <= set(bench.given(one.table))


@pytest.mark.parametrize("kind", ["429", "500", "cut", "torn", "slow"])
@pytest.mark.parametrize(("source", "table"), EVERY)
def test_a_fault_that_passes_changes_nothing(
    source: str, table: str, kind: str, contracts: Contracts, tmp_path: Path
) -> None:
    with connected(source, contracts, tmp_path, Fault(kind, times=1 if kind == "slow" else 3)) as bench:
        for one in bench.read(*tables_with(bench, table)).values():
            assert one.problem is None
            assert bench.came(one) == bench.given(one.table)
        assert bench.server.page_requests > len(bench.server.pages)


@pytest.mark.parametrize(
    "kind",
    [
        *("429", "500", "cut", "torn", "401", "403"),
        *(pytest.param(kind, marks=pytest.mark.wide) for kind in ("404", "302")),
    ],
)
@pytest.mark.parametrize(("source", "table"), EVERY)
def test_a_fault_that_stays_is_told_and_the_next_run_goes_on(
    source: str, table: str, kind: str, contracts: Contracts, tmp_path: Path
) -> None:
    with connected(source, contracts, tmp_path, Fault(kind, at=4)) as bench:
        tables = tables_with(bench, table)
        loaded: dict[str, list[Row]] = {name: [] for name in tables}
        # Of other answers nobody knows what they mean for what came before.
        is_sound = kind not in ("404", "302")
        for one in bench.read(*tables).values():
            check_refusal(bench, one)
            is_kept = is_sound and is_resumable(bench, one.table)
            assert (one.path is not None) == is_kept or not bench.came(one)
            loaded[one.table] += take(one)
        # Three pages came, and no more than the attempts allowed were made for the fourth.
        assert bench.server.page_requests <= 3 + 4
        bench.server.fault = None
        since = {table: bench.newest(table, loaded[table])} if loaded[table] else {}
        for one in bench.read(*tables, since=since).values():
            assert one.problem is None
            loaded[one.table] += take(one)
            assert set(newest_versions(bench, one.table, loaded[one.table])) == set(bench.given(one.table))
        if is_sound and not is_resumable(bench, table):
            # What comes in no order of change isn't asked for again either.
            assert len(set(bench.server.given)) == len(bench.server.given)
        assert not list(tmp_path.glob("*/*.journal"))


def take(one: Extract) -> list[Row]:
    """Load a landing file, as the loader does."""
    if one.path is None:
        return []
    rows = read_lines(one.path)
    assert len(rows) == one.row_count
    one.path.unlink()
    return rows


def newest_versions(bench: Bench, table: str, rows: list[Row]) -> list[tuple[Any, ...]]:
    """What a raw table holds of rows that came one after the other."""
    meta = bench.contracts[table].meta
    current: dict[Any, Row] = {}
    for row in rows:
        key = tuple(row.get(name) for name in meta.key)
        known = current.get(key)
        if known is None or meta.version is None or (row.get(meta.version) or "~") >= (known.get(meta.version) or ""):
            current[key] = row
    return bench.comparable(table, list(current.values()))


@pytest.mark.parametrize("kind", ["repeat", "circle"])
@pytest.mark.parametrize("times", [1, 10_000])
@pytest.mark.parametrize(("source", "table"), UNCHAINED)
def test_pages_that_come_again_end_or_are_refused(
    source: str, table: str, kind: str, times: int, contracts: Contracts, tmp_path: Path
) -> None:
    with connected(source, contracts, tmp_path, Fault(kind, at=3, times=times)) as bench:
        for one in bench.read(*tables_with(bench, table)).values():
            if one.problem is None:
                assert set(bench.came(one)) == set(bench.given(one.table))
            else:
                check_refusal(bench, one)
        assert bench.server.page_requests < CIRCLING


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize(("source", "table"), LISTS)
def test_a_renamed_field_is_refused_by_its_name(
    source: str, table: str, at: int, contracts: Contracts, tmp_path: Path
) -> None:
    with connected(source, contracts, tmp_path, Fault("renamed", at=at)) as bench:
        (one,) = bench.read(table).values()
        check_refusal(bench, one)
        assert one.path is None
        assert f"{bench.system.renamed[0]}" in str(one.problem)


@pytest.mark.parametrize(("source", "table"), [one for one in LISTS if one[0] != "stripe"])
def test_records_that_change_while_they_are_read_are_right_after_the_next_run(
    source: str, table: str, contracts: Contracts, tmp_path: Path
) -> None:
    def change() -> None:
        meta = bench.contracts[table].meta
        rows = bench.system.rows[table]
        rows.sort(key=lambda row: (row[meta.version or meta.dated_by], row["id"]))
        later = rows[-1][meta.version or meta.dated_by] + timedelta(hours=5)
        # One that was read, one that wasn't, and one that is new.
        if meta.version:
            rows[2][meta.version] = later
            rows[-3][meta.version] = later + timedelta(hours=1)
        dates = {name: later for name in (meta.version, meta.dated_by) if name}
        rows.append({**rows[-1], "id": str(int(rows[-1]["id"]) + 500), **dates})

    with connected(source, contracts, tmp_path, Fault("act", at=3, times=1, act=lambda: change())) as bench:
        before = {row["id"] for row in bench.system.rows[table]}
        (one,) = bench.read(table).values()
        assert one.problem is None
        loaded = take(one)
        assert {row["id"] for row in loaded} >= before
        (one,) = bench.read(table, since={table: bench.newest(table, loaded)}).values()
        loaded += take(one)
        assert newest_versions(bench, table, loaded) == bench.given(table)


@pytest.mark.parametrize("source", ["hubspot", "zendesk", "stripe"])
def test_a_refused_secret_ends_the_reading_of_the_system(source: str, contracts: Contracts, tmp_path: Path) -> None:
    with connected(source, contracts, tmp_path, Fault("401")) as bench:
        problems = {one.problem for one in bench.read().values()}
        (problem,) = problems
        assert problem is not None
        assert "was refused (HTTP 401): renew it" in problem
        assert bench.server.page_requests == 2


def test_a_wrong_client_secret_is_a_refused_secret(contracts: Contracts, tmp_path: Path) -> None:
    with connected("salesforce", contracts, tmp_path) as bench:
        (one,) = bench.read("accounts", settings={"client_secret": "old"}).values()
        assert "`client_secret` of salesforce was refused" in str(one.problem)


def test_a_table_that_fails_leaves_the_others(contracts: Contracts, tmp_path: Path) -> None:
    with connected("zendesk", contracts, tmp_path, Fault("500", at=1, times=4)) as bench:
        extracts = bench.read()
        assert {table for table, one in extracts.items() if one.problem} == {"organizations"}
        assert bench.came(extracts["tickets"]) == bench.given("tickets")


def test_a_server_that_asks_to_wait_is_given_the_time_up_to_a_bound(contracts: Contracts, tmp_path: Path) -> None:
    with connected("smile", contracts, tmp_path, Fault("429", times=1)) as bench:
        bench.patience = replace(PATIENCE, longest_wait=0.2)
        start = time.monotonic()
        (one,) = bench.read("customers").values()
        assert one.is_complete
        # Retry-After says 1 s; a first wait of its own would have been 1 ms.
        assert 0.2 <= time.monotonic() - start < 1


def test_a_system_that_never_answers_is_asked_for_one_table(contracts: Contracts, tmp_path: Path) -> None:
    with connected("smile", contracts, tmp_path, Fault("slow", at=1)) as bench:
        problems = {one.problem for one in bench.read().values()}
        assert problems == {"smile doesn't answer: run again later."}
        assert bench.server.page_requests == PATIENCE.attempts


def test_a_system_that_stops_answering_is_told(contracts: Contracts, tmp_path: Path) -> None:
    with connected("smile", contracts, tmp_path, Fault("slow", at=2)) as bench:
        (one,) = bench.read("customers").values()
        assert one.problem == "the API can't be read: it didn't answer in time, again and again; run again later."


@pytest.mark.parametrize("source", SYSTEMS)
def test_a_system_that_is_down_is_found_once_and_quickly(source: str, contracts: Contracts, tmp_path: Path) -> None:
    with connected(source, contracts, tmp_path) as bench:
        pass
    # Nothing listens there any more. Six attempts would wait for 1.5 s in each table.
    bench.patience = replace(PATIENCE, attempts=6, first_wait=0.05, longest_wait=10)
    start = time.monotonic()
    extracts = bench.read()
    assert time.monotonic() - start < 1.2
    (problem,) = {one.problem for one in extracts.values()}
    assert problem == f"{source} can't be reached: check base_url in sources.yml and the network, and run again."
    assert {one.path for one in extracts.values()} == {None}


def test_a_name_that_nobody_knows_is_a_system_that_is_down(
    contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def unknown(host: str, *_: Any, **__: Any) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with connected("zendesk", contracts, tmp_path) as bench:
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        settings = {"base_url": "https://nowhere.zendesk.com"}
        (problem,) = {one.problem for one in bench.read(settings=settings).values()}
        assert "zendesk can't be reached" in str(problem)
        assert asked == ["nowhere.zendesk.com"] * 3


def test_a_system_that_goes_down_while_it_is_read_is_given_more_time(contracts: Contracts, tmp_path: Path) -> None:
    with connected("zendesk", contracts, tmp_path) as bench:
        bench.server.fault = Fault("cut", at=4, act=bench.server.server_close)
        extracts = bench.read("tickets", "users")
        # In the order of the connector: users were being read.
        (users, tickets) = extracts["users"], extracts["tickets"]
        check_refusal(bench, users)
        assert (users.row_count, tickets.path) == (21, None)
        assert users.problem == tickets.problem
        assert "zendesk can't be reached" in str(users.problem)


def test_a_session_that_ends_early_is_begun_anew(contracts: Contracts, tmp_path: Path) -> None:
    with connected("salesforce", contracts, tmp_path, Fault("401", at=3, times=1)) as bench:
        (one,) = bench.read("accounts").values()
        assert (one.is_complete, one.problem) == (True, None)
        assert bench.came(one) == bench.given("accounts")


def test_a_secret_is_sent_to_no_other_address(contracts: Contracts, tmp_path: Path) -> None:
    with connected("salesforce", contracts, tmp_path) as bench, connected("salesforce", contracts, tmp_path) as other:
        answer = bench.system.answer

        def elsewhere(asked: Asked) -> Answer:
            if not asked.path.endswith("/token"):
                return answer(asked)  # type: ignore[no-any-return]
            return Answer({}, {"Location": other.server.origin + asked.path}, 307, is_page=False)

        bench.system.answer = elsewhere
        (one,) = bench.read("accounts").values()
        check_refusal(bench, one)
        assert other.server.requests == 0


def test_a_beginning_whose_order_is_broken_is_of_no_use(
    contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = import_module("ingestion.connectors.zendesk").CONNECTOR
    endpoint = replace(endpoint_of("zendesk", "tickets"), ordered_by="created_at")
    monkeypatch.setattr("ingestion.connectors.zendesk.CONNECTOR", replace(connector, endpoints=(endpoint,)))
    there: list[str] = []

    def look() -> None:
        there.extend(path.name for path in tmp_path.glob("zendesk/*"))

    with connected("zendesk", contracts, tmp_path, Fault("act", at=4, times=1, act=look)) as bench:
        for row in bench.system.rows["tickets"]:
            row["created_at"] = READ_AT - (row["updated_at"] - START) * 30
        (one,) = bench.read("tickets").values()
        assert one.is_complete
        assert bench.came(one) == bench.given("tickets")
        # What a kill had left is told apart by its name.
        assert there == ["tickets.draft"]
