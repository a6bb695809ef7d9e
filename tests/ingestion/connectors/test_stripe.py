"""Stripe's lists know nothing of changes: events do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingestion.contracts import Contracts
from tests.ingestion.connectors.fakes.base import epoch
from tests.ingestion.connectors.fakes.stripe import item
from tests.ingestion.connectors.reading import READ_AT, Bench, connected
from tests.ingestion.connectors.rows import Row, read_lines

YESTERDAY = READ_AT - timedelta(days=1)


def rows_of(bench: Bench, *tables: str, since: datetime) -> dict[str, list[Row]]:
    extracts = bench.read(*tables, since=dict.fromkeys(tables, since))
    assert not [one.problem for one in extracts.values() if one.problem]
    return {table: read_lines(one.path) if one.path else [] for table, one in extracts.items()}


def test_an_object_that_an_event_names_comes_as_it_is_now(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        invoice = bench.system.rows["invoices"][3]
        at = epoch(YESTERDAY) or 0
        bench.system.change("invoices", invoice, "invoice.finalized", at - 60)
        bench.system.change("invoices", invoice, "invoice.paid", at)
        bench.system.change("charges", bench.system.rows["charges"][0], "invoice.odd", at)
        gone = {"id": "in_gone"}
        bench.system.change("invoices", {**invoice, **gone}, "invoice.deleted", at)
        came = rows_of(bench, "invoices", "invoice_lines", since=YESTERDAY)
        assert [row["id"] for row in came["invoices"]] == [invoice["id"]]
        assert datetime.fromisoformat(came["invoices"][0]["updated"]) == YESTERDAY.replace(tzinfo=UTC)
        lines = [row["id"] for row in bench.system.rows["invoice_lines"] if row["invoice_id"] == invoice["id"]]
        assert sorted(row["id"] for row in came["invoice_lines"]) == sorted(lines)


def test_an_item_that_was_taken_off_is_told_as_deleted(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        subscription = bench.system.rows["subscriptions"][0]
        items = [row for row in bench.system.rows["subscription_items"] if row["subscription_id"] == subscription["id"]]
        before = {"items": {"object": "list", "data": [item(row) for row in items]}}
        items[0]["is_deleted"] = True
        at = epoch(YESTERDAY) or 0
        bench.system.change("subscriptions", subscription, "customer.subscription.updated", at, before)
        came = rows_of(bench, "subscriptions", "subscription_items", since=YESTERDAY)["subscription_items"]
        assert {row["id"]: row["is_deleted"] for row in came} == {row["id"]: row["is_deleted"] for row in items}
        assert len(came) == len(items)


def test_after_a_pause_longer_than_events_are_kept_all_is_read(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        came = rows_of(bench, "disputes", since=READ_AT - timedelta(days=27))
        assert len(came["disputes"]) == len(bench.system.rows["disputes"])


def test_without_events_nothing_comes(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        assert rows_of(bench, "charges", since=YESTERDAY) == {"charges": []}
