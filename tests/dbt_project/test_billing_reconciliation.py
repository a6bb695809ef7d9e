"""MRR against invoices: each kind of difference finds its reason, and what has none is told as such."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.revenue import RECONCILIATION, Revenue

AS_OF = date(2024, 4, 30)
MONTHS = ("2024-01", "2024-02", "2024-03", "2024-04")


def sold(amount: float = 100, *, start: str = "2024-01-10", as_of: date = AS_OF, **item: Any) -> Revenue:
    ledger = Revenue(as_of)
    ledger.subscribe("s", start=start)
    ledger.item("s", amount, start=start, **item)
    return ledger


def monthly(ledger: Revenue, *months: str, amount: float = 100, day: str = "10", **invoice: Any) -> None:
    """The invoices of these months' periods, from the tenth to the tenth."""
    for month in months:
        year, number = map(int, month.split("-"))
        end = f"{year + number // 12}-{number % 12 + 1:02}-{day}"
        line = {"amount": amount, "start": f"{month}-{day}", "end": end}
        ledger.invoice(f"in-{month}", f"{month}-{day}", line, **invoice)


def test_a_contract_paid_by_the_month_has_no_difference() -> None:
    ledger = sold()
    monthly(ledger, *MONTHS)
    assert ledger.reconciled() == {}
    assert ledger.sql("select count(*), sum(invoiced_amount) from rpt_billing_reconciliation") == [(4, 400)]


@pytest.mark.parametrize("every", ["month", "year"])
def test_an_invoice_that_tells_the_day_alone_is_of_the_item_that_began_on_it(every: str) -> None:
    ledger = sold(100 if every == "month" else 1200, start="2024-01-10T08:00", billing_interval=every)
    if every == "month":
        monthly(ledger, *MONTHS)
        assert ledger.reconciled() == {}
        return
    year = {"amount": 1200, "start": "2024-01-10", "end": "2025-01-10", "billing_interval": "year"}
    ledger.invoice("A", "2024-01-10", year)
    assert {reason for reasons in ledger.reconciled().values() for reason in reasons} == {"prepayment"}


def test_a_year_is_a_prepayment_that_shrinks_by_a_month_each_month() -> None:
    ledger = sold(1200, billing_interval="year")
    year = {"amount": 1200, "start": "2024-01-10", "end": "2025-01-10", "billing_interval": "year"}
    ledger.invoice("A", "2024-01-10", year)
    shares = {month: {"prepayment": -100} for month in MONTHS[1:]}
    assert ledger.reconciled() == {"2024-01": {"prepayment": 1100}, **shares}


def test_a_change_within_a_period_and_its_proration() -> None:
    ledger = sold()
    monthly(ledger, "2024-01", "2024-02", "2024-03")
    ledger.item("s", 100, start="2024-03-25", quantity=2)
    rest = {"start": "2024-03-25", "end": "2024-04-10", "is_proration": True}
    ledger.invoice("B", "2024-03-25", {"amount": -50, **rest}, {"amount": 100, **rest})
    monthly(ledger, "2024-04", amount=200)
    assert ledger.reconciled() == {"2024-03": {"proration": 50, "change": -100}}


@pytest.mark.parametrize("source", ["stripe", "files"])
def test_another_interval_within_a_period_is_a_change(source: str) -> None:
    """By the month from the 20th, by the year from the 25th: both cover January's end, and the rest is credited."""
    line = FILE_LINE if source == "files" else {}
    ledger = of_a_file(100) if source == "files" else sold(100)
    ledger.item("s", 1080, start="2024-01-25", source=source, billing_interval="year")
    ledger.invoice(
        "A", "2024-01-10", {"amount": 100, "start": "2024-01-10", "end": "2024-02-10", **line}, source=source
    )
    rest = {"amount": -50, "start": "2024-01-25", "end": "2024-02-10", "is_proration": source == "stripe"}
    year = {"amount": 1080, "start": "2024-01-25", "end": "2025-01-25", "billing_interval": "year"}
    ledger.invoice("B", "2024-01-25", {**rest, **line}, {**year, **line}, source=source)
    back = {"files": "credit", "stripe": "proration"}[source]
    shares = {month: {"prepayment": -90} for month in MONTHS[1:]}
    assert ledger.reconciled() == {"2024-01": {"change": 100, "prepayment": 990, back: -50}, **shares}


def test_what_is_billed_twice_for_one_contract_is_unexplained() -> None:
    ledger = sold(100)
    monthly(ledger, *MONTHS)
    ledger.item("s", 100, start="2024-02-11", plan="Team 2024")
    ledger.invoice("A", "2024-02-12", {"amount": 100, "start": "2024-02-12", "end": "2024-03-12"})
    assert ledger.reconciled() == {"2024-02": {"unexplained": 100}}


def test_more_seats_and_the_rest_of_the_period_given_back_are_a_change() -> None:
    ledger = sold(100)
    ledger.item("s", 100, start="2024-01-20", quantity=2)
    monthly(ledger, "2024-01")
    rest = {"amount": -67, "start": "2024-01-20", "end": "2024-02-10", "is_proration": True}
    for month, lines in (("2024-01", [rest]), ("2024-02", []), ("2024-03", []), ("2024-04", [])):
        line = {"amount": 200, "start": f"{month}-20", "end": f"{month[:6]}{int(month[6]) + 1}-20"}
        ledger.invoice(f"of {month}", f"{month}-20", line, *lines)
    assert ledger.reconciled() == {"2024-01": {"change": 100, "proration": -67}}


@pytest.mark.parametrize("every", [1, 3])
def test_a_file_s_last_days_stay_so_beside_a_line_that_ends_on_the_day_after(every: int) -> None:
    ledger = Revenue(date(2024, 10, 31))
    ledger.subscribe("s", start="2024-01-01", source="files")
    ledger.item("s", 100 * every, start="2024-01-01", source="files", interval_count=every)
    ledger.connection.execute("update int_customers__id_spells set source = 'files'")
    for month in range(1, 11, every):
        end = date(2024 + (month + every - 1) // 12, (month + every - 1) % 12 + 1, 1) - timedelta(days=1)
        line = {"amount": 100 * every, "start": f"2024-{month:02}-01", "end": end.isoformat(), **FILE_LINE}
        ledger.invoice(f"A{month}", f"2024-{month:02}-01", line, source="files")
    given_back = {"amount": -20, "start": "2024-03-01", "end": "2024-04-01", **FILE_LINE}
    ledger.invoice("B", "2024-03-15", given_back, source="files")
    told = ledger.reconciled()
    assert told["2024-03"].pop("credit") == -20
    assert {reason for reasons in told.values() for reason in reasons} == ({"prepayment"} if every > 1 else set())


def test_a_credit_beside_what_is_billed_twice_explains_nothing() -> None:
    ledger = sold(100)
    monthly(ledger, *MONTHS)
    twice = {"amount": 100, "start": "2024-02-12", "end": "2024-03-12"}
    goodwill = {"amount": -20, "start": "2024-02-12", "end": "2024-03-12"}
    ledger.invoice("A", "2024-02-12", twice, goodwill)
    assert ledger.reconciled() == {"2024-02": {"credit": -20, "unexplained": 100}}


def test_who_leaves_and_begins_anew_within_a_paid_period_has_changed() -> None:
    ledger = sold(100)
    ledger.subscribe("s", start="2024-01-20", status="canceled", ended_at=datetime.fromisoformat("2024-01-20"))
    ledger.subscribe("s", start="2024-01-25")
    monthly(ledger, "2024-01")
    for month in MONTHS:
        line = {"amount": 100, "start": f"{month}-25", "end": f"{month[:6]}{int(month[6]) + 1}-25"}
        ledger.invoice(f"of {month}", f"{month}-25", line)
    assert ledger.reconciled() == {"2024-01": {"change": 100}}


def test_a_file_s_line_for_a_day_less_than_an_interval_is_a_proration_where_others_are_whole() -> None:
    ledger = of_a_file(100)
    ledger.item("s", 200, start="2024-03-11", source="files")
    for month, end, amount in zip(MONTHS, [*MONTHS[1:], "2024-05"], (100, 100, 100, 200), strict=True):
        line = {"amount": amount, "start": f"{month}-10", "end": f"{end}-10", **FILE_LINE}
        ledger.invoice(month, f"{month}-10", line, source="files")
    rest = {"amount": 96.77, "start": "2024-03-11", "end": "2024-04-10", **FILE_LINE}
    ledger.invoice("A", "2024-03-11", rest, source="files")
    assert ledger.reconciled() == {"2024-03": {"change": -100, "proration": 96.77}}


def test_a_file_s_line_tells_the_day_alone_on_which_the_price_changed() -> None:
    ledger = of_a_file(100)
    ledger.item("s", 120, start="2024-02-10T10:00", source="files")
    for month, amount in (("2024-01", 100), ("2024-02", 120), ("2024-03", 120), ("2024-04", 120)):
        line = {"amount": amount, "start": f"{month}-10", "end": f"{month[:6]}{int(month[6]) + 1}-10", **FILE_LINE}
        ledger.invoice(month, f"{month}-10", line, source="files")
    assert ledger.reconciled() == {}


def test_a_file_s_line_tells_the_day_alone_on_which_a_year_began() -> None:
    ledger = of_a_file(100)
    ledger.item("s", 1080, start="2024-01-25T10:00", source="files", billing_interval="year")
    ledger.invoice(
        "A", "2024-01-10", {"amount": 100, "start": "2024-01-10", "end": "2024-02-10", **FILE_LINE}, source="files"
    )
    year = {"amount": 1080, "start": "2024-01-25", "end": "2025-01-25"}
    rest = {"amount": -50, "start": "2024-01-25", "end": "2024-02-10"}
    ledger.invoice("B", "2024-01-25", {**rest, **FILE_LINE}, {**year, **FILE_LINE}, source="files")
    shares = {month: {"prepayment": -90} for month in MONTHS[1:]}
    assert ledger.reconciled() == {"2024-01": {"change": 100, "prepayment": 990, "credit": -50}, **shares}


def test_each_of_two_contracts_of_a_month_has_its_own_discount() -> None:
    """100 from the 20th, 200 from the 25th, each less 10."""
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-20", discount_amount=10, discount_duration="forever")
    ledger.item("s", 100, start="2024-01-20")
    ledger.item("s", 200, start="2024-01-25")
    ledger.invoice("A", "2024-01-20", {"amount": 100, "discount": 10, "start": "2024-01-20", "end": "2024-02-20"})
    ledger.invoice("B", "2024-01-25", {"amount": 200, "discount": 10, "start": "2024-01-25", "end": "2024-02-25"})
    assert ledger.reconciled()["2024-01"] == {"change": 90}


def test_an_item_that_is_gone_is_another_contract_of_a_file() -> None:
    ledger = of_a_file(100)
    ledger.item("s", 50, start="2024-01-10", source="files", name="b", ended_at=datetime.fromisoformat("2024-01-25"))
    for start, end, amount in (("2024-01-10", "2024-02-10", 150), ("2024-01-25", "2024-02-25", 100)):
        line = {"amount": amount, "start": start, "end": end, **FILE_LINE}
        ledger.invoice(start, start, line, source="files")
    assert ledger.reconciled()["2024-01"] == {"change": 150}


def test_a_year_of_weeks_is_a_prepayment() -> None:
    ledger = sold(1040, billing_interval="week", interval_count=52)
    year = {
        "amount": 1040,
        "start": "2024-01-10",
        "end": "2025-01-08",
        "billing_interval": "week",
        "interval_count": 52,
    }
    ledger.invoice("A", "2024-01-10", year)
    assert {reason for reasons in ledger.reconciled().values() for reason in reasons} == {"prepayment"}


def test_a_file_s_period_may_tell_its_last_day() -> None:
    ledger = of_a_file(100)
    for month, last in (("2024-02", "29"), ("2024-03", "31"), ("2024-04", "30")):
        line = {"amount": 100, "start": f"{month}-01", "end": f"{month}-{last}", **FILE_LINE}
        ledger.invoice(month, f"{month}-01", line, source="files")
    assert ledger.reconciled() == {"2024-01": {"unexplained": -100}}, "January has no invoice"


def test_tax_one_off_lines_and_credits_are_no_mrr() -> None:
    ledger = sold()
    monthly(ledger, *MONTHS, tax=19)
    ledger.invoice("B", "2024-02-03", {"amount": 900}, subscription=None)
    ledger.invoice("C", "2024-03-03", {"amount": -30})
    ledger.invoice("D", "2024-04-03", {"amount": 5, "billing_interval": None})
    taxes = {month: {"tax": 19} for month in MONTHS}
    assert ledger.reconciled() == {
        "2024-01": taxes["2024-01"],
        "2024-02": {"one_off": 900, "tax": 19},
        "2024-03": {"credit": -30, "tax": 19},
        "2024-04": {"one_off": 5, "tax": 19},
    }


@pytest.mark.parametrize(("discounts", "reasons"), [("recurring", {}), ("none", {"discount": -10})])
def test_a_discount_that_invoices_have_in_their_amounts(discounts: str, reasons: dict[str, float]) -> None:
    ledger = Revenue(AS_OF, discounts=discounts)
    ledger.subscribe("s", start="2024-01-10", discount_duration="forever", discount_rate=0.1)
    ledger.item("s", 100, start="2024-01-10", discount_rate=0.1)
    for month, end in zip(MONTHS, [*MONTHS[1:], "2024-05"], strict=True):
        ledger.invoice(
            month, f"{month}-10", {"amount": 90, "discount": None, "start": f"{month}-10", "end": f"{end}-10"}
        )
    assert ledger.reconciled() == (dict.fromkeys(MONTHS, reasons) if reasons else {})


def test_a_discount_of_one_invoice_and_a_cent_of_rounding() -> None:
    ledger = sold(99.99, start="2024-01-09")
    ledger.subscribe("s", start="2024-01-10", discount_duration="once", discount_rate=0.5)
    once = {"amount": 99.99, "discount": 49.99, "start": "2024-01-10", "end": "2024-02-10"}
    ledger.invoice("A", "2024-01-10", once)
    ledger.subscribe("s", start="2024-02-10", discount_duration="forever", discount_rate=0.5)
    ledger.invoice("B", "2024-02-10", {**once, "start": "2024-02-10", "end": "2024-03-10"})
    assert ledger.reconciled() == {
        "2024-01": {"discount": -49.99},
        "2024-02": {"rounding": 0.005},
        "2024-03": {"unexplained": -49.995},
        "2024-04": {"unexplained": -49.995},
    }


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ({"status": "canceled", "ended_at": datetime.fromisoformat("2024-03-20")}, "cancellation"),
        ({"status": "past_due"}, "dunning"),
        ({"status": "unpaid"}, "dunning"),
    ],
)
def test_what_is_invoiced_and_counts_no_more(version: dict[str, Any], reason: str) -> None:
    ledger = sold(1200, billing_interval="year")
    year = {"amount": 1200, "start": "2024-01-10", "end": "2025-01-10", "billing_interval": "year"}
    ledger.invoice("A", "2024-01-10", year, status="open")
    ledger.subscribe("s", start="2024-03-02", **version)
    told = ledger.reconciled()
    assert told["2024-03"] == {"prepayment": -100, reason: 100}
    assert told["2024-04"] == {"prepayment": -100, reason: 100}


def test_a_pause_whose_invoices_are_void_goes_on_counting() -> None:
    ledger = sold()
    monthly(ledger, "2024-01", "2024-02", "2024-04")
    ledger.subscribe("s", start="2024-03-01", is_collection_paused=True)
    ledger.subscribe("s", start="2024-04-01")
    monthly(ledger, "2024-03", status="void", tax=19)
    # Invoiced and taken back, and MRR without an invoice that holds: the two are as much.
    assert ledger.reconciled() == {"2024-03": {"tax": 19}}
    ledger.invoice("twice", "2024-04-11", {"amount": 100, "start": "2024-04-10", "end": "2024-05-10"}, status="void")
    assert ledger.reconciled()["2024-04"] == {"void": 100}


def test_a_trial_at_no_charge_and_what_is_paid_after_it() -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-20", status="trialing", trial_ends_at=datetime.fromisoformat("2024-02-03"))
    ledger.item("s", 100, start="2024-01-20")
    ledger.subscribe("s", start="2024-02-03")
    ledger.invoice("A", "2024-01-20", {"amount": 0, "start": "2024-01-20", "end": "2024-02-03"})
    monthly(ledger, "2024-02", "2024-03", "2024-04", day="03")
    assert ledger.reconciled() == {}


def test_an_invoice_of_another_month_than_its_period() -> None:
    ledger = sold()
    monthly(ledger, "2024-01", "2024-02", "2024-04")
    ledger.invoice("late", "2024-04-02", {"amount": 100, "start": "2024-03-10", "end": "2024-04-10"})
    assert ledger.reconciled() == {"2024-03": {"period": -100}, "2024-04": {"period": 100}}


def test_months_end_in_the_policy_s_time_zone() -> None:
    ledger = Revenue(AS_OF, time_zone="Europe/Berlin")
    ledger.subscribe("s", start="2024-01-31T23:30:00")
    ledger.item("s", 100, start="2024-01-31T23:30:00")
    for start, end in (("01-31T23:30", "02-29T23:30"), ("02-29T23:30", "03-31T22:30"), ("03-31T22:30", "04-30T22:30")):
        line = {"amount": 100, "start": f"2024-{start}:00", "end": f"2024-{end}:00"}
        ledger.invoice(f"in-{start}", f"2024-{start}:00", line)
    assert ledger.reconciled() == {}
    assert [row[0].month for row in ledger.sql("select month from rpt_billing_reconciliation order by 1")] == [2, 3, 4]


def test_weeks_are_periods_of_which_one_covers_the_month_s_end() -> None:
    ledger = sold(12, billing_interval="week", as_of=date(2024, 1, 31))
    for day in ("10", "17", "24", "31"):
        start = datetime.fromisoformat(f"2024-01-{day}")
        end = (start + timedelta(days=7)).isoformat()
        line = {"amount": 12, "start": start.isoformat(), "end": end, "billing_interval": "week"}
        ledger.invoice(f"in-{day}", f"2024-01-{day}", line)
    # Four weeks are invoiced, and a month is 52/12 of them.
    assert ledger.reconciled() == {"2024-01": {"period": -4}}


def test_use_is_invoiced_and_counts_only_where_the_policy_says_so() -> None:
    used = {"amount": 40, "start": "2024-01-10", "end": "2024-02-10", "usage_type": "metered"}
    for months, told in (
        ("0", {"2024-02": {"usage": 40}}),
        ("1", {"2024-03": {"usage": -40}, "2024-04": {"usage": -40}}),
    ):
        ledger = Revenue(AS_OF, usage_months=months)
        ledger.subscribe("s", start="2024-01-10")
        ledger.item("s", 100, start="2024-01-10")
        ledger.item("s", 2, start="2024-01-10", name="calls", usage_type="metered", quantity=None)
        monthly(ledger, *MONTHS)
        ledger.invoice("use", "2024-02-10", {**used, "source_subscription_item_id": "s/calls"})
        assert ledger.reconciled() == told, months


def test_what_is_invoiced_in_another_currency_than_the_contract_s() -> None:
    ledger = sold(as_of=date(2024, 1, 31))
    monthly(ledger, "2024-01", amount=110, currency="USD")
    ledger.reconciled()
    rows = ledger.sql("select currency, reason, amount from rpt_billing_reconciliation where amount <> 0 order by 1")
    assert rows == [("EUR", "currency", -100), ("USD", "currency", 110)]


def test_mrr_that_nobody_was_ever_invoiced_for_and_an_invoice_that_is_missing() -> None:
    ledger = sold()
    ledger.subscribe("t", customer="d", start="2024-02-01")
    ledger.item("t", 19, start="2024-02-01")
    monthly(ledger, "2024-01", "2024-02", "2024-04")
    assert ledger.reconciled() == {
        "2024-02": {"never_invoiced": -19},
        "2024-03": {"never_invoiced": -19, "unexplained": -100},
        "2024-04": {"never_invoiced": -19},
    }


def test_without_invoices_there_is_nothing_to_reconcile() -> None:
    ledger = sold()
    ledger.invoice("A", "2024-02-03", {"amount": 100}, status="draft")
    assert ledger.reconciled() == {}
    assert ledger.sql("from rpt_billing_reconciliation") == ledger.sql("from fct_billing_differences") == []


def test_an_amount_that_the_contract_doesn_t_have_and_lines_that_don_t_add_up() -> None:
    ledger = sold()
    monthly(ledger, "2024-01", amount=101)
    monthly(ledger, "2024-02", total=103)
    monthly(ledger, "2024-03", "2024-04")
    ledger.invoice("E", "2024-04-11", {"amount": 7}, subscription="other")
    assert ledger.reconciled() == {
        "2024-01": {"unexplained": 1},
        "2024-02": {"unexplained": 3},
        "2024-04": {"no_subscription": 7},
    }
    rows = ledger.sql(
        "select source_subscription_id, source_invoice_id, amount from fct_billing_differences order by 3"
    )
    assert rows == [("s", None, 1), ("s", "in-2024-02", 3), ("other", "E", 7)]


def test_a_file_s_invoices_say_neither_item_nor_interval_nor_period() -> None:
    ledger = Revenue(AS_OF)
    ledger.subscribe("s", start="2024-01-10", source="files")
    ledger.add("int_customers__id_spells", [
        {"entity": "customer", "source": "files", "list_kind": "customer", "source_record_id": "c", "durable_id": "d",
         "valid_from_date": date(2020, 1, 1)}
    ])  # fmt: skip
    for name, amount in (("a", 60), ("b", 40)):
        ledger.item("s", 3 * amount, start="2024-01-10", name=name, source="files", interval_count=3)
    plain = {"source_subscription_item_id": None, "source_price_id": None, "billing_interval": None}
    for name, day in (("A", "2024-01-10"), ("B", "2024-04-10")):
        ledger.invoice(name, day, {"amount": 300, **plain}, source="files")
    share = {"prepayment": -100}
    assert ledger.reconciled() == {
        "2024-01": {"prepayment": 200}, "2024-02": share, "2024-03": share, "2024-04": {"prepayment": 200}
    }  # fmt: skip


FILE_LINE: dict[str, Any] = {"source_subscription_item_id": None, "source_price_id": None, "billing_interval": None}


def of_a_file(amount: float, *, every: str = "month", **policy: Any) -> Revenue:
    ledger = Revenue(AS_OF, **policy)
    ledger.subscribe("s", start="2024-01-10", source="files")
    ledger.add("int_customers__id_spells", [
        {"entity": "customer", "source": "files", "list_kind": "customer", "source_record_id": "c", "durable_id": "d",
         "valid_from_date": date(2020, 1, 1)}
    ])  # fmt: skip
    ledger.item("s", amount, start="2024-01-10", source="files", billing_interval=every)
    return ledger


@pytest.mark.parametrize(
    ("lines", "proration"),
    [
        ([("2024-03-25", "2024-04-10", 50)], 50),
        ([("2024-03-25", "2024-04-10", -50), ("2024-03-25", "2024-04-10", 100)], 50),
    ],
)
def test_a_file_s_line_for_less_than_an_interval_is_a_proration(
    lines: list[tuple[str, str, float]], proration: float
) -> None:
    ledger = of_a_file(100)
    ledger.item("s", 200, start="2024-03-25", source="files")
    for month, end, amount in zip(MONTHS, [*MONTHS[1:], "2024-05"], (100, 100, 100, 200), strict=True):
        line = {"amount": amount, "start": f"{month}-10", "end": f"{end}-10", **FILE_LINE}
        ledger.invoice(month, f"{month}-10", line, source="files")
    for number, (start, end, amount) in enumerate(lines):
        line = {"amount": amount, "start": start, "end": end, **FILE_LINE}
        ledger.invoice(f"change {number}", start, line, source="files")
    told = ledger.reconciled()
    assert told.keys() == {"2024-03"}
    assert told["2024-03"].pop("change") == -100
    assert told["2024-03"].keys() <= {"proration", "credit"}
    assert sum(told["2024-03"].values()) == proration


def test_a_year_that_grows_and_is_made_up_for_in_a_file() -> None:
    ledger = of_a_file(1200, every="year")
    ledger.item("s", 2400, start="2024-03-10", source="files", billing_interval="year")
    year = {"amount": 1200, "start": "2024-01-10", "end": "2025-01-10", **FILE_LINE}
    ledger.invoice("A", "2024-01-10", year, source="files")
    rest = {"amount": 1000, "start": "2024-03-10", "end": "2025-01-10", **FILE_LINE}
    ledger.invoice("B", "2024-03-10", rest, source="files")
    assert ledger.reconciled() == {
        "2024-01": {"prepayment": 1100},
        "2024-02": {"prepayment": -100},
        "2024-03": {"prepayment": -100, "change": -100, "proration": 1000},
        "2024-04": {"prepayment": -100, "change": -100},
    }


def test_a_file_s_line_has_the_interval_that_its_subscription_had_then() -> None:
    """By the month, and from March on by the year."""
    ledger = of_a_file(100)
    ledger.item("s", 1200, start="2024-03-10", source="files", billing_interval="year")
    for start, end, amount in (
        ("2024-01-10", "2024-02-10", 100),
        ("2024-02-10", "2024-03-10", 100),
        ("2024-03-10", "2025-03-10", 1200),
    ):
        ledger.invoice(start, start, {"amount": amount, "start": start, "end": end, **FILE_LINE}, source="files")
    assert ledger.reconciled() == {"2024-03": {"prepayment": 1100}, "2024-04": {"prepayment": -100}}


@pytest.mark.parametrize("named", [False, True])
def test_one_of_a_file_s_two_items_goes_over_to_a_year(named: bool) -> None:
    """Of two items at 100 a month, b is billed for a year from March on, and a goes on by the month."""
    ledger = of_a_file(100)
    ledger.item("s", 100, start="2024-01-10", name="b", source="files")
    ledger.item("s", 1200, start="2024-03-10", name="b", source="files", billing_interval="year")
    for month, end in zip(MONTHS, [*MONTHS[1:], "2024-05"], strict=True):
        lines = [(100, end, "i"), (100, end, "b")] if month < "2024-03" else [(100, end, "i")]
        if month == "2024-03":
            lines.append((1200, "2025-03", "b"))
        ledger.invoice(
            month,
            f"{month}-10",
            *(
                {"amount": amount, "start": f"{month}-10", "end": f"{until}-10", **FILE_LINE}
                | ({"source_subscription_item_id": f"s/{item}"} if named else {})
                for amount, until, item in lines
            ),
            source="files",
        )
    assert ledger.reconciled() == {"2024-03": {"prepayment": 1100}, "2024-04": {"prepayment": -100}}


@pytest.mark.parametrize("end", ["2024-04-10", "2024-04-09"])
def test_a_file_s_line_of_several_intervals_is_a_prepayment(end: str) -> None:
    """Three months of what is sold by the month: the last day is told, or the one after it."""
    ledger = of_a_file(100)
    line = {"amount": 300, "start": "2024-01-10", "end": end, **FILE_LINE}
    ledger.invoice("A", "2024-01-10", line, source="files")
    line = {"amount": 100, "start": "2024-04-10", "end": "2024-05-10", **FILE_LINE}
    ledger.invoice("B", "2024-04-10", line, source="files")
    assert ledger.reconciled() == {
        month: {"prepayment": share} for month, share in zip(MONTHS[:3], (200, -100, -100), strict=True)
    }


def test_a_first_period_in_part_is_a_proration_until_the_next() -> None:
    ledger = of_a_file(100)
    starts = ["2024-01-10", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"]
    for start, end, amount in zip(starts, starts[1:], (70, 100, 100, 100), strict=False):
        ledger.invoice(start, start, {"amount": amount, "start": start, "end": end, **FILE_LINE}, source="files")
    assert ledger.reconciled() == {"2024-01": {"proration": 70 - 100}}


@pytest.mark.parametrize(
    ("version", "policy", "reason"),
    [
        ({"status": "paused"}, {}, "pause"),
        ({"is_collection_paused": True}, {}, "pause"),
        ({"status": "trialing"}, {"trials": "count"}, "trial"),
        ({"discount_rate": 1.0, "discount_duration": "forever"}, {"discounts": "none"}, "discount"),
    ],
)
def test_what_counts_by_the_policy_and_nobody_is_invoiced_for(
    version: dict[str, Any], policy: dict[str, str], reason: str
) -> None:
    ledger = Revenue(AS_OF, **policy)
    ledger.subscribe("s", start="2024-01-10")
    ledger.item("s", 100, start="2024-01-10")
    ledger.subscribe("s", start="2024-02-10", **version)
    ledger.subscribe("s", start="2024-04-10", status="active")
    monthly(ledger, "2024-01", "2024-04")
    assert ledger.reconciled() == {"2024-02": {reason: -100}, "2024-03": {reason: -100}}


@pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.wide)])
def test_whatever_is_invoiced_reasons_sum_to_the_difference_and_rows_to_reasons(count: int) -> None:
    for seed in range(count):
        ledger = random_world(random.Random(seed))
        ledger.build(*RECONCILIATION)
        assert (
            ledger.sql(
                "select month, currency from rpt_billing_reconciliation group by all "
                "having sum(amount) <> any_value(invoiced_amount) - any_value(mrr_amount)"
            )
            == []
        ), seed
        # Nothing is left to the sum: the rows alone come to the difference.
        assert (
            ledger.sql(
                "select month, currency, reason, amount from rpt_billing_reconciliation where amount <> 0 "
                "except select month, currency, reason, sum(amount) from fct_billing_differences group by all"
            )
            == []
        ), seed


def random_world(chance: random.Random) -> Revenue:
    """Subscriptions and invoices that have little to do with each other."""
    ledger = Revenue(date(2024, 6, 30), discounts=chance.choice(["recurring", "all"]), time_zone="America/New_York")
    first = datetime.fromisoformat("2024-01-01")

    def moment(days: int) -> str:
        return (first + timedelta(hours=chance.randrange(days * 24))).isoformat()

    for name in "stuv":
        currency = chance.choice(["EUR", "USD"])
        interval = chance.choice(["month", "year", "week"])
        start = moment(90)
        ledger.subscribe(name, customer=chance.choice("cd"), start=start, currency=currency)
        ledger.item(name, 120, start=start, currency=currency, billing_interval=interval)
        ledger.item(name, 240, start=moment(180), currency=currency, billing_interval=interval)
        rate, status = chance.choice([None, 0.25, 1]), chance.choice(["active", "past_due", "paused", "canceled"])
        ledger.subscribe(
            name, start=moment(180), currency=currency, status=status, discount_rate=rate,
            discount_duration=chance.choice(["once", "forever"]),
        )  # fmt: skip
        for number in range(chance.randrange(6)):
            start = moment(150)
            lines = [
                {
                    "amount": chance.choice([120, 240, 10.01, -5]),
                    "discount": chance.choice([0, 30]),
                    "start": start,
                    "end": (datetime.fromisoformat(start) + timedelta(days=chance.choice([0, 7, 30, 365]))).isoformat(),
                    "billing_interval": chance.choice([interval, None]),
                    "is_proration": chance.random() < 0.2,
                }
                for _ in range(chance.randint(1, 3))
            ]
            ledger.invoice(
                f"{name}-{number}", moment(180), *lines, currency=chance.choice([currency, "EUR"]),
                status=chance.choice(["paid", "open", "void"]), tax=chance.choice([0, 1.9]),
                total=chance.choice([None, None, 50]),
            )  # fmt: skip
    return ledger
