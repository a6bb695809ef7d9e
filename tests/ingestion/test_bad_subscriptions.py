"""Wrong rows of a file of subscriptions: each is kept apart with one sentence, and MRR is that of the others."""

from datetime import date, datetime

import pytest

from tests.ingestion.conftest import Deployment
from tests.revenue import Revenue

NAMES = (
    "subscription_id", "item_id", "customer_id", "plan", "quantity", "unit_amount", "currency", "interval",
    "interval_count", "status", "started_at", "ended_at", "updated_at",
)  # fmt: skip
GOOD = {
    "subscription_id": "S1",
    "item_id": "1",
    "customer_id": "c1",
    "plan": "team",
    "quantity": "2",
    "unit_amount": "50",
    "currency": "EUR",
    "interval": "month",
    "interval_count": "1",
    "status": "active",
    "started_at": "2026-01-10",
    "ended_at": "",
    "updated_at": "2026-01-10",
}
EXPECTED = [("2026-01-10", "new", None, 100)]


def subscriptions(deployment: Deployment, *rows: dict[str, str]) -> Deployment:
    lines = [",".join(NAMES), *(",".join(row[name] for name in NAMES) for row in rows)]
    deployment.table, deployment.columns = "subscriptions", {name: name for name in NAMES}
    deployment.write("subscriptions.csv", "\n".join(lines) + "\n")
    return deployment


def movements(deployment: Deployment) -> list[tuple[object, ...]]:
    """What the ledger makes of the rows that were loaded."""
    ledger = Revenue(date(2026, 3, 31))
    rows = deployment.query(
        "select subscription_id, item_id, customer_id, quantity, unit_amount, currency, interval, interval_count, "
        "updated_at from raw_files.subscriptions order by all"
    )
    for name, item, customer, quantity, amount, currency, interval, count, updated in rows:
        start = datetime.isoformat(updated)
        ledger.subscribe(name, customer=customer, start=start, currency=currency)
        ledger.item(
            name, amount, start=start, name=item, quantity=quantity, currency=currency, billing_interval=interval,
            interval_count=count,
        )  # fmt: skip
    return ledger.build().movements()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"started_at": "2026-02-10", "ended_at": "2026-02-09"}, "ended_at is before started_at"),
        ({"quantity": "-1"}, "quantity is below 0"),
        ({"unit_amount": "-5"}, "unit_amount is below 0"),
        ({"interval_count": "0"}, "interval_count is below 1"),
        ({"interval_count": "9999"}, "interval_count is above 1200"),
        ({"quantity": "1000001", "unit_amount": "1000000"}, "unit_amount times quantity is above 1,000 billion"),
        ({"interval": "fortnight"}, "interval is not one of day, week, month, quarter, year"),
        ({"currency": "Euro"}, "currency is not of the form [A-Z]{3}"),
        ({"currency": "ZZZ"}, "currency is no currency of ISO 4217"),
        ({"currency": "usd"}, "currency is not of the form [A-Z]{3}"),
        ({"currency": ""}, "currency is missing"),
        ({"started_at": "soon"}, "started_at is not a timestamp"),
        ({"status": "asleep"}, "status is not one of trialing, active, past_due, paused, canceled"),
    ],
)
def test_a_wrong_row_is_kept_apart_with_a_sentence(
    deployment: Deployment, wrong: dict[str, str], sentence: str
) -> None:
    subscriptions(deployment, GOOD, {**GOOD, "subscription_id": "S2", "customer_id": "c2", **wrong})
    (load,) = deployment.load()
    assert (load.received_count, load.loaded_count, load.quarantined_count) == (2, 1, 1)
    assert deployment.query("select reason from quarantine.files__subscriptions") == [(sentence,)]
    assert movements(deployment) == EXPECTED


def test_what_ends_on_the_day_on_which_it_began_is_well(deployment: Deployment) -> None:
    (load,) = subscriptions(deployment, {**GOOD, "ended_at": GOOD["started_at"]}).load()
    assert load.quarantined_count == 0


def test_the_same_item_twice_counts_once(deployment: Deployment) -> None:
    (load,) = subscriptions(deployment, GOOD, GOOD).load()
    assert (load.received_count, load.loaded_count, load.superseded_count) == (2, 1, 1)
    assert movements(deployment) == EXPECTED


def test_two_items_alike_are_two(deployment: Deployment) -> None:
    subscriptions(deployment, GOOD, {**GOOD, "item_id": "2"}).load()
    assert movements(deployment) == [("2026-01-10", "new", None, 200)]


def test_periods_of_invoices_that_end_before_they_begin_are_kept_apart(deployment: Deployment) -> None:
    names = ("invoice_id", "customer_id", "amount", "currency", "issued_at", "period_start", "period_end")
    deployment.table, deployment.columns = "invoices", {name: name for name in names}
    deployment.write(
        "invoices.csv",
        ",".join(names)
        + "\nA,c1,10,EUR,2026-01-01,2026-01-01,2026-02-01\nB,c1,10,EUR,2026-01-01,2026-02-01,2026-01-01\n",
    )
    deployment.load()
    assert deployment.query("select invoice_id from raw_files.invoices") == [("A",)]
    assert deployment.query("select reason from quarantine.files__invoices") == [("period_end is before period_start",)]
