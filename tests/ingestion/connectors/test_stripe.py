"""Stripe's lists know nothing of changes: events do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.contracts import Contracts
from tests.ingestion.conftest import Deployment
from tests.ingestion.connectors.fakes.base import epoch
from tests.ingestion.connectors.fakes.stripe import item
from tests.ingestion.connectors.reading import READ_AT, Bench, connected
from tests.ingestion.connectors.rows import START, Row, read_lines
from tests.ingestion.connectors.server import Answer, Fault

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
        bench.system.change("invoices", bench.system.rows["invoices"][4], "invoice.upcoming", at)
        came = rows_of(bench, "invoices", "invoice_lines", since=YESTERDAY)
        assert [row["id"] for row in came["invoices"]] == [invoice["id"]]
        assert datetime.fromisoformat(came["invoices"][0]["updated"]) == YESTERDAY.replace(tzinfo=UTC)
        lines = [row["id"] for row in bench.system.rows["invoice_lines"] if row["invoice_id"] == invoice["id"]]
        assert sorted(row["id"] for row in came["invoice_lines"]) == sorted(lines)


def a_draft(bench: Bench) -> Row:
    """An invoice with lines that is a draft."""
    draft: Row = bench.system.rows["invoices"][2]
    draft.update(status="draft", finalized_at=None, paid_at=None, voided_at=None)
    return draft


def test_a_draft_that_was_deleted_comes_as_deleted(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        draft, at = a_draft(bench), epoch(YESTERDAY) or 0
        bench.system.change("invoices", draft, "invoice.created", at - 60)
        draft["is_deleted"] = True
        bench.system.change("invoices", draft, "invoice.deleted", at)
        bench.system.change("invoices", bench.system.rows["invoices"][3], "invoice.paid", at)
        came = rows_of(bench, "invoices", "invoice_lines", since=YESTERDAY)
        by_id = {row["id"]: row for row in came["invoices"]}
        assert set(by_id) == {draft["id"], bench.system.rows["invoices"][3]["id"]}
        gone = {name: value for name, value in by_id[draft["id"]].items() if value is not None}
        assert gone == {
            "id": draft["id"],
            "customer_id": draft["customer_id"],
            "currency": draft["currency"],
            "status": "draft",
            "is_deleted": True,
            "created": draft["created"].replace(tzinfo=UTC).isoformat(),
            "updated": YESTERDAY.replace(tzinfo=UTC).isoformat(),
        }
        assert {row["invoice_id"] for row in came["invoice_lines"]} == {bench.system.rows["invoices"][3]["id"]}


def test_a_draft_that_was_loaded_and_then_deleted_is_no_draft_for_good(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench, duckdb.connect() as con:
        deployment = Deployment(tmp_path, con, contracts)
        draft = a_draft(bench)
        for is_deleted in (None, True):
            draft["is_deleted"] = is_deleted
            if is_deleted:
                bench.system.change("invoices", draft, "invoice.deleted", epoch(YESTERDAY) or 0)
            bench.read("invoices", since={"invoices": YESTERDAY} if is_deleted else {})
            deployment.load_all({"stripe": {"exports": str(tmp_path / "stripe")}}, accept_shrink=True)
        state = "select is_deleted, _superseded_by is null from raw_stripe.invoices where id = ? order by all"
        assert con.execute(state, [draft["id"]]).fetchall() == [(True, True), (None, False)]


def test_an_object_that_is_gone_by_now_is_passed_over(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        draft, invoice = a_draft(bench), bench.system.rows["invoices"][3]
        for row in (draft, invoice):
            bench.system.change("invoices", row, "invoice.updated", epoch(YESTERDAY) or 0)
        draft["is_deleted"] = True
        came = rows_of(bench, "invoices", "invoice_lines", since=YESTERDAY)
        assert [row["id"] for row in came["invoices"]] == [invoice["id"]]


def test_an_object_that_may_not_be_read_is_told(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        bench.system.change("invoices", bench.system.rows["invoices"][3], "invoice.paid", epoch(YESTERDAY) or 0)
        answer = bench.system.answer
        bench.system.answer = lambda asked: answer(asked) if "events" in asked.path else Answer({}, status=403)
        extracts = bench.read("invoices", since={"invoices": YESTERDAY})
        assert "HTTP 403" in str(extracts["invoices"].problem)


def test_an_invoices_lines_sum_to_its_subtotal(contracts: Contracts, tmp_path: Path) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        draft = a_draft(bench)
        lines = bench.system.rows["invoice_lines"]
        came = read_lines(bench.read("invoices", "invoice_lines")["invoice_lines"].path)
        assert draft["id"] not in {line["invoice_id"] for line in came}
        # One line is taken off, and the invoice goes out.
        lines.remove(next(line for line in lines if line["invoice_id"] == draft["id"]))
        of_draft = [line for line in lines if line["invoice_id"] == draft["id"]]
        draft.update(status="open", subtotal=sum(line["amount"] for line in of_draft))
        bench.system.change("invoices", draft, "invoice.finalized", epoch(YESTERDAY) or 0)
        came += rows_of(bench, "invoices", "invoice_lines", since=YESTERDAY)["invoice_lines"]
        by_id = {line["id"]: line["amount"] for line in came if line["invoice_id"] == draft["id"]}
        assert len(by_id) == len(of_draft) > 2
        assert sum(by_id.values()) == draft["subtotal"]


@pytest.mark.parametrize(
    ("table", "event"), [("disputes", "charge.dispute.created"), ("refunds", "charge.refund.updated")]
)
def test_what_happens_to_a_charge_brings_the_charge(
    table: str, event: str, contracts: Contracts, tmp_path: Path
) -> None:
    with connected("stripe", contracts, tmp_path) as bench:
        cause = bench.system.rows[table][0]
        charge = next(row for row in bench.system.rows["charges"] if row["id"] == cause["charge_id"])
        charge["disputed"] = True
        bench.system.change(table, cause, event, epoch(YESTERDAY) or 0)
        (came,) = rows_of(bench, "charges", since=YESTERDAY)["charges"]
        assert (came["id"], came["disputed"]) == (charge["id"], True)
        assert datetime.fromisoformat(came["updated"]) == YESTERDAY.replace(tzinfo=UTC)


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


def test_what_changes_while_a_list_is_read_comes_with_its_event(contracts: Contracts, tmp_path: Path) -> None:
    def change() -> None:
        rows = bench.system.rows["charges"]
        # All but the rows of the third page and those after it were read.
        for row in (rows[2], rows[-3]):
            row["amount_refunded"] = 4711
            bench.system.change("charges", row, "charge.refunded", epoch(READ_AT))
        rows.append({**rows[-1], "id": "ch_new", "created": READ_AT - timedelta(hours=1)})
        bench.system.change("charges", rows[-1], "charge.succeeded", epoch(READ_AT))

    with connected("stripe", contracts, tmp_path, Fault("act", at=3, times=1, act=lambda: change())) as bench:
        first, second = (
            rows_of(bench, "charges", since=since)["charges"] for since in (START - timedelta(days=90), READ_AT)
        )
        assert len(first) >= len(bench.system.rows["charges"]) - 1
        came = {row["id"]: row["amount_refunded"] for row in [*first, *second]}
        assert came == {row["id"]: row["amount_refunded"] for row in bench.system.rows["charges"]}
