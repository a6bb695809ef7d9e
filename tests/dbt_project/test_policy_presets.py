"""Each preset of revenue_policies.csv, as it stands there, over the examples and rules that its vendor publishes.

Sources, as of 2026: ChartMogul's help pages "Gross MRR Churn Rate", "Net MRR Churn Rate", "Subscription Analytics
settings", "Handling past-due subscriptions", "Handling paused subscriptions"; Stripe's "Billing metric definitions" and
support pages on billing analytics, metric configurations and churn; Paddle's "ProfitWell vs. Stripe", "vs. Chargify",
"Churn" and its questions on ProfitWell; Baremetrics' pages on MRR and coupons.
"""

import csv
from datetime import date, datetime
from typing import Any

import pytest

from tests.identity import PROJECT
from tests.revenue import Revenue, make_model

AS_OF = date(2024, 12, 31)
NEW = ("2024-01-01", "new", 100)
SEED = PROJECT / "seeds" / "config" / "revenue_policies.csv"
PRESETS = {row["policy"]: row for row in csv.DictReader(SEED.open())}
VENDORS = ("chartmogul", "stripe", "profitwell", "baremetrics")


def under(preset: str, **change: str | None) -> Revenue:
    """A ledger under the seed's row of a preset."""
    row = {name: value or None for name, value in PRESETS[preset].items()}
    return Revenue(AS_OF, **{**row, "is_active": "true", **change})


def sold(preset: str, **change: str | None) -> Revenue:
    """Under a preset, one customer who pays 100 a month from January on."""
    ledger = under(preset, **change)
    ledger.subscribe("s", start="2024-01-01")
    ledger.item("s", 100, start="2024-01-01")
    return ledger


def told(ledger: Revenue) -> list[tuple[Any, ...]]:
    return ledger.build().movements("movement_date, movement, amount")


def at(day: str) -> datetime:
    return datetime.fromisoformat(day)


def month_of(ledger: Revenue, month: str, columns: str) -> tuple[Any, ...]:
    """A month of rpt_mrr_months, over all customers."""
    ledger.build()
    ledger.connection.execute(
        "create table int_revenue__customer_segments as "
        "select distinct customer_id, 'all' as dimension, 'all' as segment, 1 as combination_number "
        "from fct_customer_months"
    )
    make_model(ledger.connection, "rpt_mrr_months")
    return ledger.sql(f"select {columns} from rpt_mrr_months where month = '{month}'")[0]


def test_one_preset_is_active_and_there_is_one_for_each_vendor() -> None:
    assert [name for name, row in PRESETS.items() if row["is_active"] == "true"] == ["default"]
    assert set(PRESETS) == {"default", *VENDORS}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_year_is_twelve_months_under_each(preset: str) -> None:
    """ChartMogul: 2,000 a year are 166.67. Stripe: 1,200 a year are 100. ProfitWell: 120 a year are 10."""
    ledger = under(preset)
    for name, amount in (("a", 2000), ("b", 1200), ("c", 120)):
        ledger.subscribe(name, customer=name, start="2024-01-01")
        ledger.item(name, amount, start="2024-01-01", billing_interval="year")
    assert [round(row[2], 2) for row in told(ledger)] == [166.67, 100, 10]


def test_chartmogul_s_gross_and_net_mrr_churn_rate() -> None:
    """Of 100, 10 go with a customer and 10 with a smaller plan, while another pays 10 more: 20 % gross, 10 % net."""
    ledger = under("chartmogul")
    for name, amount in (("gone", 10), ("less", 40), ("more", 50)):
        ledger.subscribe(name, customer=name, start="2024-01-01")
        ledger.item(name, amount, start="2024-01-01")
    ledger.subscribe("gone", customer="gone", start="2024-02-10", status="canceled")
    ledger.item("less", 30, start="2024-02-11")
    ledger.item("more", 60, start="2024-02-12")
    rates = "opening_amount, gross_mrr_churn_rate, net_mrr_churn_rate, policy"
    assert month_of(ledger, "2024-02-01", rates) == (100, pytest.approx(0.2), pytest.approx(0.1), "chartmogul")


def test_stripe_s_hundred_months_and_fifty_years() -> None:
    """100 at 100 a month and 50 at 600 a year are 12,500. (Its page writes 800 / 12, and comes to 12,500.)"""
    ledger = under("stripe")
    for number in range(150):
        name, yearly = f"c{number}", number >= 100
        ledger.subscribe(name, customer=name, start="2024-01-01")
        ledger.item(name, 600 if yearly else 100, start="2024-01-01", billing_interval="year" if yearly else "month")
    assert month_of(ledger, "2024-01-01", "closing_amount, closing_customer_count") == (12_500, 150)


@pytest.mark.parametrize("preset", VENDORS)
def test_a_trial_counts_under_none_until_it_is_paid(preset: str) -> None:
    ledger = under(preset)
    ledger.subscribe("s", start="2024-01-01", status="trialing", trial_ends_at=at("2024-01-15"))
    ledger.item("s", 100, start="2024-01-01")
    # It is active before its first invoice is paid.
    ledger.subscribe("s", start="2024-01-15")
    assert told(ledger) == [("2024-01-15", "new", 100)]


@pytest.mark.parametrize(
    ("preset", "once", "repeating", "forever"),
    [
        ("chartmogul", 50, 50, 50),
        ("stripe", 100, 100, 50),
        ("profitwell", 50, 50, 50),
        ("baremetrics", 100, 50, 50),
    ],
)
def test_which_discounts_count_under_which(preset: str, once: float, repeating: float, forever: float) -> None:
    levels = []
    for duration in ("once", "repeating", "forever"):
        ledger = under(preset)
        ledger.subscribe("s", start="2024-01-01", discount_duration=duration, discount_rate=0.5)
        ledger.item("s", 100, start="2024-01-01")
        levels.append(told(ledger)[0][2])
    assert levels == [once, repeating, forever]


@pytest.mark.parametrize(
    ("toggles", "once", "repeating"), [("recurring", 100, 50), ("forever_and_once", 50, 100), ("all", 50, 50)]
)
def test_stripe_s_switches_for_discounts_can_be_said(toggles: str, once: float, repeating: float) -> None:
    for duration, level in (("once", once), ("repeating", repeating), ("forever", 50)):
        ledger = under("stripe", discounts=toggles)
        ledger.subscribe("s", start="2024-01-01", discount_duration=duration, discount_rate=0.5)
        ledger.item("s", 100, start="2024-01-01")
        assert told(ledger) == [("2024-01-01", "new", level)], duration


def test_profitwell_s_yearly_plan_with_a_tenth_off() -> None:
    """120 a year with 10 % off is 9 a month."""
    ledger = under("profitwell")
    ledger.subscribe("s", start="2024-01-01", discount_duration="once", discount_rate=0.1)
    ledger.item("s", 120, start="2024-01-01", billing_interval="year")
    assert told(ledger) == [("2024-01-01", "new", 9)]


@pytest.mark.parametrize(
    ("preset", "lost_on"),
    [("chartmogul", "06-15"), ("stripe", "06-08"), ("profitwell", "06-15"), ("baremetrics", "06-15")],
)
def test_when_who_has_cancelled_is_lost(preset: str, lost_on: str) -> None:
    """ProfitWell's Sarah: from 15 April for 10 a month, cancelled on 8 June, paid until 15 June."""
    ledger = under(preset)
    asked = {"canceled_at": at("2024-06-08"), "cancellation_reason": "cancellation_requested"}
    ledger.subscribe("s", start="2024-04-15")
    ledger.item("s", 10, start="2024-04-15")
    ledger.subscribe("s", start="2024-06-08", **asked)
    ledger.subscribe("s", start="2024-06-15", status="canceled", ended_at=at("2024-06-15"), **asked)
    assert told(ledger) == [("2024-04-15", "new", 10), (f"2024-{lost_on}", "churn", -10)]


def test_stripe_s_end_of_the_cycle_can_be_said() -> None:
    ledger = sold("stripe", churn_recognition="service_end")
    ledger.subscribe("s", start="2024-03-10", canceled_at=at("2024-03-10"))
    ledger.subscribe("s", start="2024-04-01", status="canceled", ended_at=at("2024-04-01"))
    assert told(ledger)[1:] == [("2024-04-01", "churn", -100)]


@pytest.mark.parametrize(
    ("preset", "lost_on"),
    [("chartmogul", "06-01"), ("stripe", "04-10"), ("profitwell", "03-16"), ("baremetrics", "04-10")],
)
def test_a_payment_that_fails_counts_as_long_as_the_vendor_counts_it(preset: str, lost_on: str) -> None:
    """Due from 1 March, given up on by billing on 10 April, ended on 1 June."""
    ledger = sold(preset)
    ledger.subscribe("s", start="2024-03-01", status="past_due")
    ledger.subscribe("s", start="2024-04-10", status="unpaid")
    ledger.subscribe("s", start="2024-06-01", status="canceled", cancellation_reason="payment_failed")
    columns = "movement_date, movement, reason, amount"
    assert ledger.build().movements(columns)[1:] == [(f"2024-{lost_on}", "churn", "involuntary", -100)]


def test_chartmogul_can_end_what_is_past_due_for_some_days() -> None:
    ledger = sold("chartmogul", dunning_days="60")
    ledger.subscribe("s", start="2024-03-01", status="past_due")
    ledger.subscribe("s", start="2024-04-10", status="unpaid")
    assert told(ledger)[1:] == [("2024-04-30", "churn", -100)]


@pytest.mark.parametrize(
    ("preset", "movements"),
    [
        ("chartmogul", ["contraction", "expansion"]),
        ("stripe", ["churn", "reactivation"]),
        ("profitwell", ["churn", "reactivation"]),
        ("baremetrics", ["contraction", "expansion"]),
    ],
)
def test_what_is_free_keeps_or_loses_the_customer(preset: str, movements: list[str]) -> None:
    ledger = sold(preset)
    ledger.subscribe("s", start="2024-03-01", discount_duration="forever", discount_rate=1)
    ledger.subscribe("s", start="2024-06-01")
    assert [row[1] for row in told(ledger)[1:]] == movements


def test_chartmogul_s_old_setting_for_free_customers_can_be_said() -> None:
    ledger = sold("chartmogul", free="churn")
    ledger.subscribe("s", start="2024-03-01", discount_duration="forever", discount_rate=1)
    assert told(ledger)[1:] == [("2024-03-01", "churn", -100)]


@pytest.mark.parametrize(
    ("preset", "movements"),
    [("chartmogul", []), ("stripe", []), ("profitwell", ["contraction", "expansion"]), ("baremetrics", [])],
)
def test_a_pause_of_collection(preset: str, movements: list[str]) -> None:
    """ProfitWell puts a subscription on hold at nothing, and keeps the customer; the others go on counting it."""
    ledger = sold(preset)
    ledger.subscribe("s", start="2024-03-01", is_collection_paused=True)
    ledger.subscribe("s", start="2024-06-01")
    assert [row[1] for row in told(ledger)[1:]] == movements


def test_stripe_counts_what_is_active_or_past_due_and_so_no_paused_subscription() -> None:
    ledger = sold("stripe")
    ledger.subscribe("s", start="2024-03-01", status="paused")
    assert told(ledger)[1:] == [("2024-03-01", "contraction", -100)]


@pytest.mark.parametrize("preset", PRESETS)
def test_who_comes_and_goes_in_one_month(preset: str) -> None:
    """ProfitWell ignores who signs up on 5 December and is lost on the 20th; the others have them as new and lost."""
    ledger = under(preset)
    ledger.subscribe("s", start="2024-12-05")
    ledger.item("s", 100, start="2024-12-05")
    ledger.subscribe("s", start="2024-12-20", status="canceled", ended_at=at("2024-12-20"))
    rows = told(ledger)
    assert rows == ([] if preset == "profitwell" else [("2024-12-05", "new", 100), ("2024-12-20", "churn", -100)])
    assert ledger.broken_rows() == []


def test_profitwell_has_who_comes_back_later_as_new_and_who_goes_in_another_month_as_lost() -> None:
    ledger = under("profitwell")
    for start, end in (("2024-01-05", "2024-01-20"), ("2024-03-10", "2024-04-02"), ("2024-06-01", "2024-06-20")):
        ledger.subscribe(start, start=start)
        ledger.item(start, 100, start=start)
        ledger.subscribe(start, start=end, status="canceled", ended_at=at(end))
    assert told(ledger) == [
        ("2024-03-10", "new", 100),
        ("2024-04-02", "churn", -100),
        ("2024-06-01", "reactivation", 100),
        ("2024-06-20", "churn", -100),
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_first_of_two_subscriptions_to_end_is_a_contraction(preset: str) -> None:
    ledger = sold(preset)
    ledger.subscribe("t", start="2024-02-01")
    ledger.item("t", 30, start="2024-02-01")
    for name, end in (("s", "2024-04-01"), ("t", "2024-06-01")):
        ledger.subscribe(name, start=end, status="canceled", ended_at=at(end))
    assert [row[1:] for row in told(ledger)] == [
        ("new", 100),
        ("expansion", 30),
        ("contraction", -100),
        ("churn", -30),
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_metered_use_counts_under_none(preset: str) -> None:
    ledger = sold(preset)
    ledger.item("s", 2, start="2024-01-01", name="calls", usage_type="metered", quantity=None)
    ledger.use("s/calls", {"2024-02-01": 40, "2024-03-01": 60})
    assert told(ledger) == [NEW]
