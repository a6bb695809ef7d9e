"""The revenue ledger over made histories with known answers."""

from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from tests.identity import template
from tests.revenue import Revenue

AS_OF = date(2025, 6, 30)


def sold(*levels: tuple[str, float], as_of: date = AS_OF, **policy: str | None) -> Revenue:
    """One subscription whose only item costs so much a month from each day on."""
    ledger = Revenue(as_of, **policy)
    ledger.subscribe("s", start=levels[0][0])
    for start, amount in levels:
        ledger.item("s", amount, start=start)
    return ledger


def test_each_kind_of_movement() -> None:
    ledger = sold(("2024-01-10", 100), ("2024-03-05", 250), ("2024-04-05", 200))
    ledger.subscribe("s", start="2024-06-01", status="canceled", cancellation_reason="cancellation_requested")
    ledger.subscribe("t", start="2024-09-01")
    ledger.item("t", 80, start="2024-09-01")
    ledger.build()
    assert ledger.movements() == [
        ("2024-01-10", "new", None, 100),
        ("2024-03-05", "expansion", "price", 150),
        ("2024-04-05", "contraction", "price", -50),
        ("2024-06-01", "churn", "voluntary", -200),
        ("2024-09-01", "reactivation", None, 80),
    ]
    assert ledger.sql("select gap_days from fct_mrr_movements where movement = 'reactivation'") == [(92,)]
    assert ledger.broken_rows() == []
    months = ledger.sql("select count(*), min(month), max(month) from fct_customer_months where closing_amount > 0")
    assert months == [(5 + 10, date(2024, 1, 1), date(2025, 6, 1))]


@pytest.mark.parametrize(
    ("interval", "count", "amount", "monthly"),
    [
        ("year", 1, 2000, 166.6667),
        ("month", 3, 300, 100),
        ("week", 2, 120, 260),
        ("day", 1, 12, 365),
        ("month", 1, 0.1, 0.1),
    ],
)
def test_intervals_as_months(interval: str, count: int, amount: float, monthly: float) -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-31")
    ledger.item("s", amount, start="2024-01-31", billing_interval=interval, interval_count=count)
    assert ledger.build().movements() == [("2024-01-31", "new", None, monthly)]


def test_what_is_known_only_by_its_last_state_ran_until_it_ended() -> None:
    ledger = Revenue(AS_OF)
    ended = datetime.fromisoformat("2024-05-15")
    ledger.subscribe("s", start="2024-01-10", status="canceled", ended_at=ended)
    ledger.item("s", 100, start="2024-01-10")
    ledger.subscribe("t", start="2024-01-10", customer="d", status="canceled")
    ledger.item("t", 100, start="2024-01-10")
    assert ledger.build().movements("movement_date, past_customer_id, movement, amount") == [
        ("2024-01-10", "cus_c", "new", 100),
        ("2024-05-15", "cus_c", "churn", -100),
    ]


def test_a_trial_that_is_paused_at_its_end_was_never_paid() -> None:
    ledger = Revenue(AS_OF)
    ends = datetime.fromisoformat("2024-02-10")
    ledger.subscribe("s", start="2024-01-10", status="trialing", trial_ends_at=ends)
    ledger.item("s", 100, start="2024-01-10")
    ledger.subscribe("s", start="2024-02-10", status="paused", trial_ends_at=ends)
    ledger.subscribe("s", start="2024-05-01", trial_ends_at=ends)
    ledger.subscribe("s", start="2024-06-01", status="paused", trial_ends_at=ends)
    assert ledger.build().movements() == [("2024-05-01", "new", None, 100)]


@pytest.mark.parametrize("told", ["2024-02-10T01:00", "2024-02-13"])
def test_a_trial_whose_first_payment_fails_was_never_paid(told: str) -> None:
    """Also where that is told days after its end; once paid, it is new on that day."""
    ledger = Revenue(AS_OF)
    ends = datetime.fromisoformat("2024-02-10")
    for name, then in (("s", {"status": "canceled", "cancellation_reason": "payment_failed"}), ("t", {})):
        ledger.subscribe(name, customer=name, start="2024-01-10", status="trialing", trial_ends_at=ends)
        ledger.item(name, 100, start="2024-01-10")
        ledger.subscribe(name, customer=name, start=told, status="past_due", trial_ends_at=ends)
        ledger.subscribe(name, customer=name, start="2024-03-20", trial_ends_at=ends, **then)
    assert ledger.build().movements("past_customer_id, movement_date, movement, amount") == [
        ("cus_t", "2024-03-20", "new", 100)
    ]


def test_a_month_without_a_31st_and_a_leap_day_count_as_months() -> None:
    ledger = sold(("2024-01-31", 100), as_of=date(2024, 3, 31)).build()
    rows = ledger.sql("select month, opening_amount, closing_amount, is_complete from fct_customer_months order by 1")
    assert [(row[0].month, *map(float, row[1:3]), row[3]) for row in rows] == [
        (1, 0, 100, True),
        (2, 100, 100, True),
        (3, 100, 100, True),
    ]
    assert sold(("2024-02-29", 100), as_of=date(2024, 3, 30)).build().sql(
        "select month, is_complete from fct_customer_months order by 1"
    ) == [(date(2024, 2, 1), True), (date(2024, 3, 1), False)]


def test_a_day_ends_in_the_policy_s_time_zone() -> None:
    late = ("2024-01-31T23:30:00", 100)
    assert sold(late).build().movements()[0][0] == "2024-01-31"
    assert sold(late, time_zone="Europe/Berlin").build().movements()[0][0] == "2024-02-01"
    assert sold(late, time_zone="America/New_York").build().movements()[0][0] == "2024-01-31"


def test_swaps_and_splits_are_no_churn() -> None:
    ledger = sold(("2024-01-01", 100))
    # Another plan, the day after another subscription in its place, then the same as two items.
    ledger.item("s", 120, start="2024-02-01", plan="business")
    ledger.subscribe("s", start="2024-03-01T08:00:00", status="canceled")
    ledger.subscribe("t", start="2024-03-01T10:00:00")
    ledger.item("t", 150, start="2024-03-01T10:00:00", plan="gold")
    ledger.item("t", 90, start="2024-04-01", plan="gold")
    ledger.item("t", 60, start="2024-04-01", name="addon", plan="analytics")
    ledger.item("t", 60, start="2024-05-01", name="more", plan="sync")
    assert ledger.build().movements() == [
        ("2024-01-01", "new", None, 100),
        ("2024-02-01", "expansion", "plan", 20),
        ("2024-03-01", "expansion", "plan", 30),
        ("2024-05-01", "expansion", "addon", 60),
    ]


def test_the_second_subscription_s_end_is_a_contraction() -> None:
    ledger = sold(("2024-01-01", 100))
    ledger.subscribe("t", start="2024-02-01")
    ledger.item("t", 50, start="2024-02-01")
    ledger.subscribe("t", start="2024-03-01", status="canceled")
    assert [row[1] for row in ledger.build().movements()] == ["new", "expansion", "contraction"]


def test_what_a_merger_of_ids_moves_is_scope_and_nobody_is_new_or_lost() -> None:
    ledger = Revenue(AS_OF)
    for name in "ab":
        ledger.subscribe(name, customer=name, start="2024-01-01")
        ledger.item(name, 100, start="2024-01-01")
    ledger.known("b", "cus_a", "2024-03-01")
    ledger.known("b", "cus_b", "2024-05-01")
    ledger.item("b", 130, start="2024-03-01")
    ledger.build()
    assert ledger.movements("movement_date, past_customer_id, movement, amount") == [
        ("2024-01-01", "cus_a", "new", 100),
        ("2024-01-01", "cus_b", "new", 100),
        ("2024-03-01", "cus_a", "expansion", 30),
        ("2024-03-01", "cus_a", "scope_change", 100),
        ("2024-03-01", "cus_b", "scope_change", -100),
        ("2024-05-01", "cus_a", "scope_change", -130),
        ("2024-05-01", "cus_b", "scope_change", 130),
    ]
    assert ledger.broken_rows() == []


@pytest.mark.parametrize(("discounts", "change"), [("recurring", ("discount_start", -20)), ("none", None)])
def test_a_discount_that_all_items_have_is_the_subscription_s(discounts: str, change: tuple[str, int] | None) -> None:
    ledger = Revenue(AS_OF, discounts=discounts)
    ledger.subscribe("s", start="2024-01-01")
    ledger.item("s", 100, start="2024-01-01")
    ledger.subscribe("s", start="2024-02-01", discount_duration="forever", discount_rate=0.2)
    ledger.item("s", 100, start="2024-02-01", discount_rate=0.2)
    later = [("2024-02-01", *change)] if change else []
    assert (
        ledger.build().sql("select cast(movement_date as varchar), reason, amount from fct_mrr_movements")[1:] == later
    )


def test_units_price_and_discount_are_told_apart() -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-01")
    ledger.item("s", 10, start="2024-01-01", quantity=10)
    ledger.item("s", 10, start="2024-02-01", quantity=13)
    ledger.item("s", 12, start="2024-03-01", quantity=12)
    ledger.subscribe(
        "s", start="2024-04-01", discount_duration="repeating", discount_rate=0.25,
        discount_ends_at=datetime.fromisoformat("2024-07-01"),
    )  # fmt: skip
    ledger.build()
    columns = "movement_date, reason, seats_amount, price_amount, discount_amount"
    assert ledger.movements(columns) == [
        ("2024-01-01", None, 0, 0, 0),
        ("2024-02-01", "seats", 30, 0, 0),
        ("2024-03-01", "price", -10, 24, 0),
        ("2024-04-01", "discount_start", 0, 0, -36),
        ("2024-07-01", "discount_expiry", 0, 0, 36),
    ]


@pytest.mark.parametrize(
    ("discounts", "duration", "level"),
    [
        ("recurring", "once", 100),
        ("recurring", "repeating", 60),
        ("recurring", "forever", 60),
        ("forever", "repeating", 100),
        ("forever", "forever", 60),
        ("all", "once", 60),
        ("none", "forever", 100),
    ],
)
def test_which_discounts_count(discounts: str, duration: str, level: float) -> None:
    ledger = Revenue(AS_OF, discounts=discounts)
    ledger.subscribe("s", start="2024-01-01", discount_duration=duration, discount_rate=0.4)
    ledger.item("s", 100, start="2024-01-01")
    assert ledger.build().movements() == [("2024-01-01", "new", None, level)]


def test_an_amount_off_never_makes_a_subscription_cost_less_than_nothing() -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-01", discount_duration="forever", discount_amount=30)
    ledger.item("s", 100, start="2024-01-01")
    ledger.item("s", 20, start="2024-02-01")
    ledger.build()
    assert ledger.movements()[0][3] == 70
    assert ledger.sql("select closing_amount from fct_customer_months where month = '2024-02-01'")[0][0] == 0


def test_a_trial_is_nothing_until_it_is_paid() -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-01", status="trialing", trial_ends_at=datetime.fromisoformat("2024-01-15"))
    ledger.item("s", 100, start="2024-01-01")
    ledger.subscribe("t", start="2024-03-01", status="trialing", trial_ends_at=datetime.fromisoformat("2024-03-15"))
    ledger.item("t", 40, start="2024-03-01")
    ledger.subscribe("t", start="2024-03-10", status="canceled")
    assert ledger.build().movements() == [("2024-01-15", "new", None, 100)]
    counted = Revenue(AS_OF, trials="count")
    counted.subscribe("s", start="2024-01-01", status="trialing", trial_ends_at=datetime.fromisoformat("2024-01-15"))
    counted.item("s", 100, start="2024-01-01")
    assert counted.build().movements() == [("2024-01-01", "new", None, 100)]


def test_no_units_for_a_while_are_seats() -> None:
    ledger = sold(("2024-01-01", 100))
    ledger.item("s", 100, start="2024-03-01", quantity=0)
    ledger.item("s", 100, start="2024-04-01", quantity=3)
    assert ledger.build().movements("movement_date, reason, amount, seats_amount, addon_amount")[1:] == [
        ("2024-03-01", "seats", -100, -100, 0),
        ("2024-04-01", "seats", 300, 300, 0),
    ]


def test_a_pause_counts_or_suspends() -> None:
    def paused(pauses: str) -> list[tuple[Any, ...]]:
        ledger = sold(("2024-01-01", 100), pauses=pauses)
        ledger.subscribe("s", start="2024-03-01", is_collection_paused=True)
        ledger.subscribe("s", start="2024-05-01")
        return ledger.build().movements("movement_date, movement, amount")

    assert paused("count") == [("2024-01-01", "new", 100)]
    assert paused("suspend") == [
        ("2024-01-01", "new", 100),
        ("2024-03-01", "contraction", -100),
        ("2024-05-01", "expansion", 100),
    ]


def test_a_full_discount_keeps_or_loses_the_customer() -> None:
    def freed(free: str) -> list[Any]:
        ledger = sold(("2024-01-01", 100), free=free)
        ledger.subscribe("s", start="2024-03-01", discount_duration="repeating", discount_rate=1)
        ledger.subscribe("s", start="2024-05-01")
        return [row[1] for row in ledger.build().movements()]

    assert freed("keep") == ["new", "contraction", "expansion"]
    assert freed("churn") == ["new", "churn", "reactivation"]


def test_a_free_plan_that_is_paid_one_day_is_new_on_that_day() -> None:
    assert sold(("2024-01-01", 0), ("2024-06-01", 50)).build().movements() == [("2024-06-01", "new", None, 50)]


@pytest.mark.parametrize(
    ("policy", "lost_on"),
    [
        ({}, "2024-03-22"),
        ({"dunning_days": None}, "2024-04-10"),
        ({"dunning_days": "0"}, "2024-03-01"),
        ({"churn_recognition": "payment_failure_final"}, "2024-04-10"),
    ],
)
def test_a_failed_payment_is_churn_when_the_days_of_dunning_are_over(
    policy: dict[str, str | None], lost_on: str
) -> None:
    ledger = sold(("2024-01-01", 100), **policy)
    ledger.subscribe("s", start="2024-03-01", status="past_due")
    ledger.subscribe("s", start="2024-03-08", status="past_due")
    ledger.subscribe("s", start="2024-04-10", status="canceled", cancellation_reason="payment_failed")
    assert ledger.build().movements()[1:] == [(lost_on, "churn", "involuntary", -100)]


def test_a_payment_that_comes_in_time_changes_nothing() -> None:
    ledger = sold(("2024-01-01", 100))
    ledger.subscribe("s", start="2024-03-01", status="past_due")
    ledger.subscribe("s", start="2024-03-10")
    ledger.subscribe("s", start="2024-04-01", status="past_due")
    ledger.subscribe("s", start="2024-04-10")
    assert len(ledger.build().movements()) == 1


@pytest.mark.parametrize("told", ["2024-03-10", "2024-03-20", "2024-04-01"])
@pytest.mark.parametrize(("recognition", "lost_on"), [("service_end", "2024-04-01"), ("cancel_request", "2024-03-10")])
def test_when_a_cancellation_is_churn(recognition: str, lost_on: str, told: str) -> None:
    """Also where nothing tells of it on the day on which it is asked for."""
    ledger = sold(("2024-01-01", 100), churn_recognition=recognition)
    asked = {"canceled_at": datetime.fromisoformat("2024-03-10"), "cancellation_reason": "cancellation_requested"}
    if told < "2024-04-01":
        ledger.subscribe("s", start=told, **asked)
    ledger.subscribe("s", start="2024-04-01", status="canceled", ended_at=datetime.fromisoformat("2024-04-01"), **asked)
    ledger.build()
    assert ledger.movements("movement_date, movement, reason, cancel_requested_date")[1:] == [
        (lost_on, "churn", "voluntary", "2024-03-10")
    ]


@pytest.mark.parametrize(("grace", "movements"), [("0", ["new", "churn", "reactivation"]), ("9", ["new", "expansion"])])
def test_days_of_grace_make_a_gap_of_a_churn(grace: str, movements: list[str]) -> None:
    ledger = sold(("2024-01-01", 100), grace_days=grace)
    ledger.subscribe("s", start="2024-03-01", status="canceled")
    ledger.subscribe("t", start="2024-03-10")
    ledger.item("t", 110, start="2024-03-10")
    ledger.build()
    assert [row[1] for row in ledger.movements()] == movements
    assert ledger.broken_rows() == []


def test_a_rate_that_changes_is_on_its_own_line_and_no_movement() -> None:
    ledger = Revenue(AS_OF)
    for name, currency in (("s", "EUR"), ("t", "USD")):
        ledger.subscribe(name, start="2024-01-01", currency=currency)
        ledger.item(name, 100, start="2024-01-01", currency=currency)
    for month, rate in (("2024-01-01", "0.9"), ("2024-03-01", "0.8")):
        ledger.add("fx_rates", [{"reporting_currency": "EUR", "currency": "USD", "rate_month": month, "rate": rate}])
    ledger.item("t", 150, start="2024-04-01", currency="USD")
    ledger.build()
    assert ledger.movements("movement_date, currency, movement, amount, reporting_amount")[2:] == [
        ("2024-03-01", "USD", "fx", 0, -10),
        ("2024-04-01", "USD", "expansion", 50, 40),
    ]
    assert ledger.broken_rows() == []


def metered(**policy: str | None) -> Revenue:
    """A seat for 100 and calls by use, with a quarter off both."""
    ledger = Revenue(AS_OF, **policy)
    ledger.subscribe("s", start="2024-01-01", discount_duration="forever", discount_rate=0.25)
    ledger.item("s", 100, start="2024-01-01")
    ledger.item("s", 2, start="2024-01-01", name="calls", usage_type="metered", quantity=None)
    ledger.use("s/calls", {"2024-01-31": 40, "2024-02-29": 80, "2024-03-31": 120, "2024-04-30": 40})
    return ledger


def test_use_counts_as_the_mean_of_its_last_months_and_is_a_reason_of_its_own() -> None:
    ledger = metered(usage_months="3")
    ledger.subscribe("s", start="2024-06-01", status="canceled", ended_at=datetime.fromisoformat("2024-06-01"))
    ledger.use("s/calls", {"2024-06-02": 400})
    assert ledger.build().movements("movement_date, movement, reason, amount, usage_amount") == [
        ("2024-01-01", "new", None, 75, 0),
        ("2024-01-31", "expansion", "usage", 30, 30),
        ("2024-02-29", "expansion", "usage", 15, 15),
        ("2024-03-31", "expansion", "usage", 15, 15),
        ("2024-06-01", "churn", "unknown", -135, 0),
    ]
    assert ledger.broken_rows() == []


def test_use_that_falls_is_a_contraction_and_a_void_invoice_none_at_all() -> None:
    ledger = metered(usage_months="1")
    ledger.use("s/calls", {"2024-05-31": 999}, invoice_status="void")
    assert ledger.build().movements("movement_date, movement, reason, amount")[3:] == [
        ("2024-03-31", "expansion", "usage", 30),
        ("2024-04-30", "contraction", "usage", -60),
    ]


def test_who_pays_by_use_alone_is_new_with_the_first_invoice_of_it() -> None:
    ledger = Revenue(AS_OF, usage_months="3")
    ledger.subscribe("s", start="2024-01-01")
    ledger.item("s", 2, start="2024-01-01", usage_type="metered", quantity=None)
    ledger.use("s/i", {"2024-02-01": 40, "2024-03-01": 0, "2024-04-01": 0, "2024-05-01": 0, "2024-06-01": 12})
    assert ledger.build().movements() == [
        ("2024-02-01", "new", None, 40),
        ("2024-03-01", "contraction", "usage", -20),
        ("2024-04-01", "contraction", "usage", -6.6667),
        ("2024-05-01", "contraction", "usage", -13.3333),
        ("2024-06-01", "expansion", "usage", 4),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unpaid": "maybe"}, "an unknown unpaid"),
        ({"same_month": None}, "an unknown same_month"),
        ({"usage_months": "some"}, "usage_months that are no number of months"),
        ({"pauses": "stop"}, "unknown pauses"),
        ({"discounts": "once"}, "unknown discounts"),
        ({"is_active": "false"}, "but 0 rows are active"),
        ({"churn_recognition": "someday"}, "an unknown churn_recognition"),
        ({"dunning_days": "-1"}, "dunning_days that are no number of days"),
        ({"dunning_days": "1.5"}, "dunning_days that are no number of days"),
        ({"grace_days": None}, "grace_days that are no number of days"),
        ({"trials": "maybe"}, "unknown trials"),
        ({"time_zone": "Berlin"}, "an unknown time_zone"),
    ],
)
def test_a_wrong_policy_is_told_in_a_sentence(change: dict[str, str | None], said: str) -> None:
    with pytest.raises(Exception, match=r"revenue_policies\.csv: the row") as caught:
        sold(("2024-01-01", 100), **change).build()
    assert said in str(caught.value)


def test_two_active_policies_are_told() -> None:
    ledger = sold(("2024-01-01", 100))
    ledger.add("revenue_policies", ledger_policies(ledger, policy="other"))
    with pytest.raises(Exception, match="2 rows are active; exactly one must be"):
        ledger.build()


@pytest.mark.parametrize("asked", ["2025-03-01", None])
def test_an_end_that_is_told_after_it_came_counts_from_its_day(asked: str | None) -> None:
    ledger = sold(("2024-06-01", 100))
    cancellation = {
        "canceled_at": asked and datetime.fromisoformat(asked),
        "cancellation_reason": "cancellation_requested",
    }
    ledger.subscribe(
        "s", start="2025-05-10", status="canceled", ended_at=datetime.fromisoformat("2025-03-31"), **cancellation
    )
    movements = ledger.build().movements("movement_date, movement, reason, amount")
    assert movements[1:] == [("2025-03-31", "churn", "voluntary", -100)]


def test_an_end_that_is_told_late_counts_over_what_was_told_between() -> None:
    ledger = sold(("2024-06-01", 100))
    ledger.subscribe("s", start="2025-04-15", discount_rate=0.5, discount_duration="forever")
    ended = {"ended_at": datetime.fromisoformat("2025-03-31"), "cancellation_reason": "cancellation_requested"}
    ledger.subscribe("s", start="2025-05-10", status="canceled", **ended)
    movements = ledger.build().movements("movement_date, movement, reason, amount")
    assert movements[1:] == [("2025-03-31", "churn", "voluntary", -100)]


@pytest.mark.parametrize("first", ["2025-05-10", "2025-04-30"], ids=["told late", "told in time"])
@pytest.mark.parametrize("second", ["2025-03-31", "2025-05-05"])
@pytest.mark.parametrize("of_item", [False, True])
def test_an_end_that_is_told_again_was_on_the_later_told_day(first: str, second: str, of_item: bool) -> None:
    ledger = sold(("2024-06-01", 100))
    ledger.item("s", 50, start="2024-06-01", name="j")
    for start, end in ((first, "2025-04-30"), ("2025-05-20", second)):
        if of_item:
            ledger.item("s", 50, start=start, name="j", ended_at=datetime.fromisoformat(end))
        else:
            ledger.subscribe("s", start=start, status="canceled", ended_at=datetime.fromisoformat(end))
    lost = ("contraction", -50) if of_item else ("churn", -150)
    assert ledger.build().movements("movement_date, movement, amount")[1:] == [(second, *lost)]


@pytest.mark.parametrize("of_item", [False, True])
def test_what_is_over_and_only_touched_again_ended_on_its_day(of_item: bool) -> None:
    """A source that tells no end has that of each version's own day."""
    ledger = sold(("2024-06-01", 100))
    ledger.item("s", 50, start="2024-06-01", name="j")
    for day in ("2025-03-01", "2025-05-01"):
        over = {"start": day, "ended_at": datetime.fromisoformat(day)}
        if of_item:
            ledger.item("s", 50, name="j", **over)
        else:
            ledger.subscribe("s", status="canceled", **over)
    lost = ("contraction", -50) if of_item else ("churn", -150)
    assert ledger.build().movements("movement_date, movement, amount")[1:] == [("2025-03-01", *lost)]


@pytest.mark.parametrize("status", ["unpaid", "past_due", "incomplete", "trialing"])
def test_who_paid_no_more_pays_no_more_for_an_end_that_is_told_again(status: str) -> None:
    ledger = Revenue(date(2025, 12, 31))
    ledger.subscribe("s", start="2025-01-01", status="active" if status in ("unpaid", "past_due") else status)
    ledger.item("s", 100, start="2025-01-01")
    if status in ("unpaid", "past_due"):
        ledger.subscribe("s", start="2025-03-01", status=status)
    for start, end in (("2025-05-10", "2025-05-10"), ("2025-06-20", "2025-06-01")):
        ledger.subscribe("s", start=start, status="canceled", ended_at=datetime.fromisoformat(end))
    lost = {"unpaid": "2025-03-01", "past_due": "2025-03-22"}.get(status)
    told = [("2025-01-01", "new", 100), (lost, "churn", -100)] if lost else []
    assert ledger.build().movements("movement_date, movement, amount") == told


def test_an_end_told_late_has_the_reason_that_is_told_with_it() -> None:
    """Left in April, as is told in May without a reason; back in June; a payment fails in September."""
    ledger = Revenue(date(2025, 12, 31))
    ledger.subscribe("s", start="2024-06-01")
    ledger.item("s", 100, start="2024-06-01")
    ledger.subscribe("s", start="2025-05-10", status="canceled", ended_at=datetime.fromisoformat("2025-04-20"))
    ledger.subscribe("s", start="2025-06-01")
    failed = {"ended_at": datetime.fromisoformat("2025-09-01"), "cancellation_reason": "payment_failed"}
    ledger.subscribe("s", start="2025-09-01", status="canceled", **failed)
    losses = ledger.build().sql("select movement_date::varchar, reason from fct_mrr_movements where movement = 'churn'")
    assert sorted(losses) == [("2025-04-20", "unknown"), ("2025-09-01", "involuntary")]


def test_who_ended_and_began_anew_has_not_ended_for_what_a_later_version_repeats() -> None:
    ledger = sold(("2024-06-01", 100))
    ended = {"ended_at": datetime.fromisoformat("2025-03-31"), "status": "canceled"}
    ledger.subscribe("s", start="2025-03-31", **ended)
    ledger.subscribe("s", start="2025-04-15")
    ledger.subscribe("s", start="2025-05-10", **ended)
    movements = ledger.build().movements("movement_date, movement, amount")
    assert movements[1:] == [
        ("2025-03-31", "churn", -100), ("2025-04-15", "reactivation", 100), ("2025-05-10", "churn", -100)
    ]  # fmt: skip


def test_what_had_ended_before_is_no_cause_of_a_loss() -> None:
    """Dunning of s was over in March, and billing closes it on the day on which t is left as was asked."""
    ledger = sold(("2024-06-01", 100))
    ledger.subscribe("s", start="2025-03-01", status="past_due")
    ledger.subscribe("s", start="2025-06-10", status="canceled", cancellation_reason="payment_failed")
    ledger.subscribe("t", start="2024-06-01")
    ledger.item("t", 100, start="2024-06-01")
    ledger.subscribe("t", start="2025-06-10", status="canceled", cancellation_reason="cancellation_requested")
    movements = ledger.build().movements("movement_date, movement, reason, amount")
    assert movements[1:] == [("2025-03-22", "contraction", "addon", -100), ("2025-06-10", "churn", "voluntary", -100)]


def test_an_item_whose_end_is_told_later_counts_until_then() -> None:
    ledger = sold(("2024-06-01", 100))
    ledger.item("s", 30, start="2024-06-01", name="extra")
    ledger.item("s", 30, start="2025-05-10", name="extra", ended_at=datetime.fromisoformat("2025-03-31"))
    movements = ledger.build().movements("movement_date, movement, amount")
    assert movements[1:] == [("2025-03-31", "contraction", -30)]


def ledger_policies(ledger: Revenue, **change: str) -> list[dict[str, Any]]:
    names = [row[0] for row in ledger.sql("describe revenue_policies")]
    return [{**dict(zip(names, row, strict=True)), **change} for row in ledger.sql("from revenue_policies")]


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (("EUR", "USD", "2024-01-15", "0.9"), "no first day of a month"),
        (("EUR", "USD", "2024-01-01", "-1"), "no rate above 0"),
        (("EUR", "Dollar", "2024-01-01", "1"), "no code of three letters"),
        (("EUR", None, "2024-01-01", "1"), 'the row "EUR,,2024-01-01,1" has a currency that is no code'),
        ((None, "USD", "2024-01-01", "1"), 'the row ",USD,2024-01-01,1" has a reporting_currency that is no code'),
        (("EUR", "USD", None, "1"), "no first day of a month"),
    ],
)
def test_a_wrong_rate_is_told_in_a_sentence(rate: tuple[str | None, ...], said: str) -> None:
    with pytest.raises(Exception, match=r"fx_rates\.csv: ") as caught:
        in_two_currencies(rate).build()
    assert said in str(caught.value)


def test_a_day_since_which_a_system_is_watched_that_is_no_day_is_told_in_a_sentence() -> None:
    ledger = Revenue(date(2024, 3, 31))
    ledger.connection.execute("""
        create table int_revenue__presences (customer_id varchar, from_date date);
        create table business_units (source varchar, business_unit varchar, watched_since varchar);
        insert into business_units values ('stripe', 'acquired', '1 June 2024');
        insert into int_customers__record_ids values ('customer', 'stripe', 'customer', 'cus_1', 'c_1');
    """)
    with pytest.raises(Exception, match=r'business_units\.csv: the watched_since of "stripe" is "1 June 2024"; write'):
        ledger.build("int_revenue__watched_presences")


def test_a_quantity_that_is_impossible_at_its_price_is_told_in_a_sentence() -> None:
    items = template("int_billing__subscription_items", "identifiers", ref=str).render()
    with duckdb.connect() as connection:
        connection.execute("""
            create table stg_stripe__subscription_item_versions as
                select 'stripe' as source, unnest(['si_1', 'si_2']) as source_subscription_item_id,
                    'sub' as source_subscription_id, 'p' as source_price_id, unnest([5, 20000000]) as quantity,
                    false as is_deleted, timestamp '2024-01-01' as created_at, created_at as valid_from_at,
                    'load-1' as load_id;
            create table stg_stripe__prices as
                select 'p' as source_price_id, 'Pro' as plan, 'product' as source_product_id, 'EUR' as currency,
                    'month' as billing_interval, 'licensed' as usage_type, 1 as interval_count,
                    99999.99::decimal(18, 4) as unit_amount;
            create table stg_files__subscription_versions as
                select source, source_subscription_item_id, source_subscription_id, plan, currency, billing_interval,
                    unit_amount, 0.5::double as discount_rate, 1::double as quantity, interval_count,
                    valid_from_at as ended_at, valid_from_at as started_at, valid_from_at, load_id
                from stg_stripe__subscription_item_versions, stg_stripe__prices where false;
        """)
        with pytest.raises(
            duckdb.Error, match=r'stripe\.subscription_items: the item "si_2" has a quantity that comes'
        ):
            connection.sql(items).fetchall()
        connection.execute("update stg_stripe__subscription_item_versions set quantity = 10000000 where quantity > 5")
        assert len(connection.sql(items).fetchall()) == 2


def test_of_rates_for_two_reporting_currencies_the_odd_row_is_told() -> None:
    ledger = in_two_currencies(("EUR", "USD", "2024-01-01", "0.9"))
    columns = ("reporting_currency", "currency", "rate_month", "rate")
    others = (("EUR", "GBP", "2024-01-01", "1.1"), ("USD", "PLN", "2024-01-01", "0.25"))
    ledger.add("fx_rates", [dict(zip(columns, rate, strict=True)) for rate in others])
    with pytest.raises(Exception, match=r'the row "USD,PLN,2024-01-01,0\.25" has another reporting_currency'):
        ledger.build()


@pytest.mark.parametrize("rate", [None, ("EUR", "USD", "2024-05-01", "0.9")])
def test_what_has_no_rate_is_told_in_its_own_currency_and_in_no_total(rate: tuple[str, ...] | None) -> None:
    ledger = in_two_currencies(rate).build()
    movements = ledger.movements("currency, movement, amount, reporting_currency, reporting_amount")
    in_reports = ("EUR", 100) if rate else (None, None)
    assert movements == [("EUR", "new", 100, *in_reports), ("USD", "new", 100, None, None)]
    assert ledger.broken_rows() == []


def in_two_currencies(rate: tuple[str | None, ...] | None) -> Revenue:
    ledger = Revenue(date(2024, 3, 31))
    for name, currency in (("s", "EUR"), ("t", "USD")):
        ledger.subscribe(name, customer=name, start="2024-01-01", currency=currency)
        ledger.item(name, 100, start="2024-01-01", currency=currency)
    if rate:
        columns = ("reporting_currency", "currency", "rate_month", "rate")
        ledger.add("fx_rates", [dict(zip(columns, rate, strict=True))])
    return ledger


def test_before_its_first_rate_a_currency_has_that() -> None:
    """A contract that is older than the rates neither begins in their first month nor comes to less than nothing."""
    ledger = in_two_currencies(("EUR", "USD", "2024-02-01", "0.9"))
    ledger.subscribe("t", customer="t", start="2024-03-05", status="canceled", currency="USD")
    movements = ledger.build().movements("currency, movement, reporting_amount")
    assert movements == [("EUR", "new", 100), ("USD", "new", 90), ("USD", "churn", -90)]
    assert ledger.sql("select min(reporting_closing_amount) from fct_customer_months") == [(0,)]


def test_a_contract_of_many_digits() -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-01", currency="IDR")
    ledger.item("s", 25_000_000, start="2024-01-01", quantity=500, currency="IDR")
    ledger.item("s", 25_000_000, start="2024-03-01", quantity=4_000, currency="IDR")
    assert ledger.build().movements("movement, amount, seats_amount") == [
        ("new", 12_500_000_000, 0),
        ("expansion", 87_500_000_000, 87_500_000_000),
    ]
