"""Renewals from histories of subscriptions: what falls due, what becomes of it, and that nothing later is known."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.revenue import Revenue

MODELS = ("int_revenue__term_ends", "int_revenue__terms", "fct_renewals", "rpt_renewal_rates")
INPUTS = """
    insert into int_customers__record_ids
        select entity, source, list_kind, source_record_id, durable_id from int_customers__id_spells;
    create table int_customers__profiles (customer_id varchar, segment varchar, owner_name varchar);
    create table int_revenue__customer_segments (customer_id varchar, dimension varchar, segment varchar);
    create table int_revenue__renewal_deals (
        customer_id varchar, source varchar, source_opportunity_id varchar, owner_name varchar, stage varchar,
        currency varchar, due_date date, due_amount decimal(18, 4), amount decimal(18, 4), close_date date,
        state varchar
    );
    alter table int_run__context add column reporting_currency varchar;
"""


at = datetime.fromisoformat


def year(ledger: Revenue, name: str, start: str, amount: float = 1200, customer: str = "c", **version: Any) -> None:
    """A paid year of a subscription that begins on a day, at so much a year."""
    ends = at(start).replace(year=int(start[:4]) + 1)
    ledger.subscribe(name, customer=customer, start=start, current_period_ends_at=ends, **version)
    ledger.item(name, amount, start=start, billing_interval="year")


def renewals(ledger: Revenue) -> list[tuple[Any, ...]]:
    ledger.connection.execute(INPUTS)
    ledger.build(*MODELS)
    query = "select due_date, state, due_amount, renewed_amount, upsell_amount from fct_renewals order by 1, 2"
    return [(str(day), state, *map(float, amounts)) for day, state, *amounts in ledger.sql(query)]


def test_a_subscription_by_the_month_has_no_renewal() -> None:
    ledger = Revenue(date(2025, 6, 30))
    ledger.subscribe("s", start="2024-01-01", current_period_ends_at=at("2024-02-01"))
    ledger.item("s", 100, start="2024-01-01")
    assert renewals(ledger) == []


def test_years_of_which_billing_tells_no_end_are_renewed_on_their_days() -> None:
    ledger = Revenue(date(2025, 6, 30))
    ledger.subscribe("s", start="2023-04-10", started_at=at("2023-04-10"))
    ledger.item("s", 1200, start="2023-04-10", billing_interval="year")
    assert renewals(ledger) == [
        ("2024-04-10", "renewed", 1200, 1200, 0),
        ("2025-04-10", "renewed", 1200, 1200, 0),
        ("2026-04-10", "due", 1200, 0, 0),
    ]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2024-12-31", [("2025-02-28", "due", 1200, 0, 0)]),
        ("2025-02-28", [("2025-02-28", "renewed", 1200, 1320, 0), ("2026-02-28", "due", 1320, 0, 0)]),
        ("2025-12-31", [("2025-02-28", "renewed", 1200, 1320, 0), ("2026-02-28", "lost", 1320, 0, 0)]),
    ],
)
def test_each_day_knows_its_own_part(as_of: str, expected: list[tuple[Any, ...]]) -> None:
    """A leap day's year ends on 28 February, is renewed dearer, and the next is cancelled before it ends."""
    ledger = Revenue(date.fromisoformat(as_of))
    ledger.subscribe("s", start="2024-02-29", current_period_ends_at=at("2025-02-28"))
    ledger.item("s", 1200, start="2024-02-29", billing_interval="year")
    year(ledger, "s", "2025-02-28", 1320)
    ledger.subscribe("s", start="2025-11-01", status="canceled", current_period_ends_at=at("2026-02-28"))
    assert renewals(ledger) == expected


@pytest.mark.parametrize(
    ("interval", "count", "days"),
    [
        ("year", 1, ("2025-04-10", "2026-04-10")),
        ("month", 12, ("2025-04-10", "2026-04-10")),
        ("week", 52, ("2025-04-09", "2026-04-08")),
        ("day", 365, ("2025-04-10", "2026-04-10")),
    ],
)
def test_a_contract_of_a_year_in_any_unit_is_due_to_the_cent(interval: str, count: int, days: tuple[str, str]) -> None:
    """5,000 a year is 416.6667 a month, and twelve of these are 0.0004 more."""
    ledger = Revenue(date(2025, 6, 30))
    ledger.subscribe("s", start="2024-04-10", started_at=at("2024-04-10"))
    ledger.item("s", 5000, start="2024-04-10", billing_interval=interval, interval_count=count)
    assert renewals(ledger) == [(days[0], "renewed", 5000, 5000, 0), (days[1], "due", 5000, 0, 0)]


@pytest.mark.parametrize("free", ["keep", "churn"])
def test_who_is_free_of_charge_counts_as_gone_or_not_and_renews_all_the_same(free: str) -> None:
    ledger = Revenue(date(2026, 6, 30), free=free)
    year(ledger, "s", "2024-03-15")
    assert renewals(ledger) == [
        ("2025-03-15", "renewed", 1200, 1200, 0),
        ("2026-03-15", "renewed", 1200, 1200, 0),
        ("2027-03-15", "due", 1200, 0, 0),
    ]


def test_what_costs_nothing_by_then_is_not_due() -> None:
    ledger = Revenue(date(2026, 6, 30))
    year(ledger, "s", "2024-05-10")
    ledger.subscribe(
        "s", start="2026-03-10", current_period_ends_at=at("2026-05-10"), discount_rate=1.0, discount_duration="forever"
    )
    assert renewals(ledger) == [("2025-05-10", "renewed", 1200, 1200, 0)]


def test_between_two_ends_that_are_known_terms_follow_one_another_at_the_price_of_then() -> None:
    ledger = Revenue(date(2025, 6, 30))
    ledger.subscribe("s", start="2020-04-10", started_at=at("2020-04-10"))
    ledger.item("s", 1200, start="2020-04-10", billing_interval="year")
    ledger.item("s", 2000, start="2022-01-01", billing_interval="year")
    ledger.item("s", 2000, start="2024-04-10", billing_interval="year", interval_count=2)
    assert renewals(ledger) == [
        ("2021-04-10", "renewed", 1200, 1200, 0),
        ("2022-04-10", "renewed", 2000, 2000, 0),
        ("2023-04-10", "renewed", 2000, 2000, 0),
        ("2024-04-10", "renewed", 2000, 1000, 0),
        ("2026-04-10", "due", 1000, 0, 0),
    ]


def test_a_price_from_the_due_day_on_is_what_it_was_renewed_at() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-05-10")
    ledger.item("s", 1500, start="2025-05-10", billing_interval="year")
    ledger.subscribe("s", customer="c", start="2025-05-12", current_period_ends_at=at("2026-05-10"))
    assert renewals(ledger)[0] == ("2025-05-10", "renewed", 1200, 1500, 0)


def test_who_asked_to_end_and_has_ended_was_to_end() -> None:
    ledger = Revenue(date(2026, 9, 30))
    asked = {"canceled_at": at("2026-02-01"), "cancellation_reason": "cancellation_requested"}
    ledger.subscribe("s", start="2024-08-10", started_at=at("2024-08-10"))
    ledger.item("s", 1200, start="2024-08-10", billing_interval="year")
    ledger.subscribe("s", start="2026-08-10", status="canceled", ended_at=at("2026-08-10"), **asked)
    assert canceling(ledger) == {"2025-08-10": False, "2026-08-10": True}


def test_terms_from_the_end_of_a_month_end_at_the_end_of_months() -> None:
    ledger = Revenue(date(2027, 6, 30))
    ledger.subscribe("s", start="2025-03-31", started_at=at("2025-03-31"))
    ledger.item("s", 1300, start="2025-03-31", billing_interval="month", interval_count=13)
    assert [row[0] for row in renewals(ledger)] == ["2026-04-30", "2027-05-31", "2028-06-30"]


def canceling(ledger: Revenue) -> dict[str, bool]:
    renewals(ledger)
    return {str(day): flag for day, flag in ledger.sql("select due_date, is_canceling from fct_renewals")}


def test_of_terms_that_billing_does_not_tell_the_one_that_runs_when_it_is_asked_is_to_end() -> None:
    ledger = Revenue(date(2026, 6, 30))
    for start, flag in (("2024-08-10", False), ("2026-02-01", True)):
        ledger.subscribe("s", start=start, started_at=at("2024-08-10"), is_canceling_at_period_end=flag)
    ledger.item("s", 1200, start="2024-08-10", billing_interval="year")
    assert canceling(ledger) == {"2025-08-10": False, "2026-08-10": True}


def test_who_asks_to_end_and_thinks_better_of_it_is_not_to_end() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-08-10")
    for start, flag in (("2025-02-01", True), ("2025-03-01", False)):
        ledger.subscribe("s", start=start, current_period_ends_at=at("2025-08-10"), is_canceling_at_period_end=flag)
    assert canceling(ledger) == {"2025-08-10": False}


def test_what_is_sold_beside_a_renewal_is_told_apart() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-06-01")
    year(ledger, "s", "2025-06-01", 1500)
    ledger.item("s", 240, start="2025-06-01", name="more", plan="sync", billing_interval="year")
    assert renewals(ledger)[0] == ("2025-06-01", "renewed", 1200, 1500, 240)
    rate = "select gross_renewal_rate, net_renewal_rate, logo_renewal_rate from rpt_renewal_rates"
    assert ledger.sql(f"{rate} where due_month = '2025-06-01' and window_months = 1") == [(1, 1.25, 1)]


def test_a_contract_of_millions_overflows_nothing() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-06-01", 60_000_000)
    year(ledger, "s", "2025-06-01", 72_000_000)
    assert renewals(ledger)[0] == ("2025-06-01", "renewed", 60_000_000, 72_000_000, 0)
    amounts = "reporting_due_amount, reporting_renewed_amount, reporting_kept_amount"
    assert ledger.sql(f"select {amounts} from fct_renewals where state = 'renewed'") == [
        (60_000_000, 72_000_000, 60_000_000)
    ]


def test_another_plan_in_place_of_the_old_one_is_a_renewal() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-06-01")
    ledger.subscribe("s", start="2025-06-01", current_period_ends_at=at("2026-06-01"))
    ledger.item("s", 1200, start="2025-06-01", billing_interval="year", ended_at=at("2025-06-01"))
    ledger.item("s", 900, start="2025-06-01", name="small", plan="basic", billing_interval="year")
    assert renewals(ledger)[0] == ("2025-06-01", "renewed", 1200, 900, 0)


@pytest.mark.parametrize(
    ("begins", "state"),
    [("2025-05-01", "lost"), ("2025-05-25", "renewed"), ("2025-06-14", "renewed"), ("2025-07-20", "late"),
     ("2025-08-30", "late"), ("2025-08-31", "lost")],
)  # fmt: skip
def test_another_subscription_renews_within_its_days(begins: str, state: str) -> None:
    ledger = Revenue(date(2025, 9, 30))
    year(ledger, "s", "2024-06-01")
    ledger.subscribe("s", start="2025-06-01", status="canceled", current_period_ends_at=at("2025-06-01"))
    year(ledger, "t", begins, 600)
    found = renewals(ledger)[0]
    assert found[1] == state
    assert found[3] == (0 if state == "lost" else 600)


def test_who_pays_after_dunning_was_over_has_renewed_what_was_due() -> None:
    ledger = Revenue(date(2025, 9, 30))
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2025-04-10", status="past_due", current_period_ends_at=at("2026-04-10"))
    ledger.subscribe("s", start="2025-05-06", current_period_ends_at=at("2026-04-10"))
    assert renewals(ledger) == [("2025-04-10", "late", 1200, 1200, 0), ("2026-04-10", "due", 1200, 0, 0)]


def test_a_subscription_that_begins_anew_has_renewed_itself_and_falls_due_again() -> None:
    ledger = Revenue(date(2026, 9, 30))
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2025-04-10", status="canceled", ended_at=at("2025-04-10"))
    year(ledger, "s", "2025-04-30", 1500)
    ledger.subscribe("s", start="2026-04-30", status="canceled", ended_at=at("2026-04-30"))
    assert renewals(ledger) == [("2025-04-10", "late", 1200, 1500, 0), ("2026-04-30", "lost", 1500, 0, 0)]


def test_what_is_over_before_it_falls_due_renews_nothing() -> None:
    """Left in August, by the month from December to February, and gone in April."""
    ledger = Revenue(date(2025, 9, 30))
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2024-08-01", status="canceled", ended_at=at("2024-08-01"))
    ledger.subscribe("m", start="2024-12-20")
    ledger.item("m", 50, start="2024-12-20")
    ledger.subscribe("m", start="2025-02-01", status="canceled", ended_at=at("2025-02-01"))
    assert renewals(ledger) == [("2025-04-10", "lost", 1200, 0, 0)]


def test_what_replaces_two_currencies_is_shared_by_value() -> None:
    ledger = Revenue(date(2025, 9, 30))
    ledger.connection.execute("""
        insert into fx_rates values ('EUR', 'EUR', '2024-01-01', '1'), ('EUR', 'GBP', '2024-01-01', '1.25')
    """)
    for name, currency in (("s", "EUR"), ("p", "GBP")):
        ends = at("2025-04-10")
        ledger.subscribe(name, customer="c", start="2024-04-10", current_period_ends_at=ends, currency=currency)
        ledger.item(name, 1200, start="2024-04-10", billing_interval="year", currency=currency)
        ledger.subscribe(name, customer="c", start="2025-04-10", status="canceled", ended_at=ends, currency=currency)
    year(ledger, "t", "2025-04-12", 2700)
    assert renewals(ledger)[:2] == [("2025-04-10", "renewed", 1200, 1200, 0)] * 2


def test_shares_of_what_replaces_several_sum_to_it() -> None:
    ledger = Revenue(date(2025, 9, 30))
    for name in "abc":
        year(ledger, name, "2024-04-10")
        ledger.subscribe(name, start="2025-04-10", status="canceled", ended_at=at("2025-04-10"))
    year(ledger, "t", "2025-04-10", 1000)
    assert sorted(renewed for *_, renewed, _ in renewals(ledger)[:3]) == [333.33, 333.33, 333.34]


@pytest.mark.parametrize(
    ("pauses", "later", "told"),
    [
        ("suspend", {}, [("2025-04-10", "pending", 1200, 0, 0)]),
        (
            "suspend",
            {"status": "active"},
            [("2025-04-10", "late", 1200, 1200, 0), ("2026-04-10", "due", 1200, 0, 0)],
        ),
        ("suspend", {"status": "canceled", "ended_at": at("2025-06-01")}, [("2025-04-10", "lost", 1200, 0, 0)]),
        ("count", {}, [("2025-04-10", "renewed", 1200, 1200, 0), ("2026-04-10", "due", 1200, 0, 0)]),
    ],
)
def test_what_is_paused_on_its_day_is_renewed_when_it_is_paid_again(
    pauses: str, later: dict[str, Any], told: list[tuple[Any, ...]]
) -> None:
    ledger = Revenue(date(2025, 9, 30), pauses=pauses)
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2025-03-01", status="paused")
    if later:
        ledger.subscribe("s", start="2025-06-01", **later)
    assert renewals(ledger) == told


def test_an_item_that_has_ended_is_no_part_of_later_terms() -> None:
    """A year is followed by another item by the month, another by a smaller plan."""
    ledger = Revenue(date(2025, 9, 30))
    for name, interval in (("s", "month"), ("t", "year")):
        year(ledger, name, "2024-04-10", customer=name)
        ended = {"billing_interval": "year", "ended_at": at("2025-04-10")}
        ledger.item(name, 1200, start="2025-04-10", **ended)
        ledger.item(name, 90, start="2025-04-10", name="j", plan="basic", billing_interval=interval)
    for month in range(4, 10):
        ends = at(f"2025-{month + 1:02}-10")
        ledger.subscribe("s", customer="s", start=f"2025-{month:02}-10", current_period_ends_at=ends)
    ledger.subscribe("t", customer="t", start="2025-04-10", current_period_ends_at=at("2026-04-10"))
    renewals(ledger)
    told = ledger.sql("select source_subscription_id, due_date::varchar, plan, state from fct_renewals order by 1, 2")
    assert told == [
        ("s", "2025-04-10", "team", "renewed"),
        ("t", "2025-04-10", "team", "renewed"),
        ("t", "2026-04-10", "basic", "due"),
    ]


def test_an_item_of_years_that_others_replaced_gives_no_term_its_length() -> None:
    ledger = Revenue(date(2026, 6, 30))
    ledger.subscribe("s", start="2021-04-10", started_at=at("2021-04-10"))
    ledger.item("s", 3600, start="2021-04-10", billing_interval="year", interval_count=3)
    ended = {"billing_interval": "year", "interval_count": 3, "ended_at": at("2024-04-10")}
    ledger.item("s", 3600, start="2024-04-10", **ended)
    ledger.item("s", 1300, start="2024-04-10", name="j", billing_interval="year")
    assert [row[:2] for row in renewals(ledger)] == [
        ("2024-04-10", "renewed"), ("2025-04-10", "renewed"), ("2026-04-10", "renewed"), ("2027-04-10", "due")
    ]  # fmt: skip


def test_who_ends_with_the_last_item_has_not_renewed() -> None:
    ledger = Revenue(date(2025, 9, 30))
    year(ledger, "s", "2024-04-10")
    ledger.item("s", 1200, start="2024-08-01", billing_interval="year", ended_at=at("2024-08-01"))
    assert renewals(ledger) == [("2025-04-10", "lost", 1200, 0, 0)]


def test_what_begins_anew_falls_due_a_term_after_it() -> None:
    ledger = Revenue(date(2025, 9, 30))
    ledger.subscribe("s", start="2023-04-10", started_at=at("2023-04-10"))
    ledger.item("s", 1200, start="2023-04-10", billing_interval="year")
    ended = {"started_at": at("2023-04-10"), "ended_at": at("2024-04-10")}
    ledger.subscribe("s", start="2024-04-10", status="canceled", **ended)
    ledger.subscribe("s", start="2025-01-15", started_at=at("2025-01-15"))
    assert [row[:2] for row in renewals(ledger)] == [("2024-04-10", "lost"), ("2026-01-15", "due")]


@pytest.mark.parametrize("is_told", [False, True])
def test_a_term_that_is_replaced_on_its_way_is_renewed_early(is_told: bool) -> None:
    """In October of the second year it goes over to two years."""
    ledger = Revenue(date(2026, 9, 30))
    for start, ends in (("2023-04-10", "2024-04-10"), ("2024-04-10", "2025-04-10"), ("2024-10-01", "2026-10-01")):
        told = {"current_period_ends_at": at(ends)} if is_told else {"started_at": at("2023-04-10")}
        ledger.subscribe("s", start=start, **told)
    ledger.item("s", 1200, start="2023-04-10", billing_interval="year")
    ledger.item("s", 2400, start="2024-10-01", billing_interval="year", interval_count=2)
    assert [row[:2] for row in renewals(ledger)] == [
        ("2024-04-10", "renewed"), ("2025-04-10", "early"), ("2026-10-01", "due")
    ]  # fmt: skip


@pytest.mark.parametrize("told", ["2025-04-10", "2025-04-10T09:00", "2025-04-12"])
def test_what_goes_on_by_the_month_has_renewed_once_whenever_it_is_told(told: str) -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-04-10")
    ledger.item("s", 110, start=told)
    for start, ends in ((told, "2025-05-10"), ("2025-05-10", "2025-06-10"), ("2025-06-10", "2025-07-10")):
        ledger.subscribe("s", start=start, current_period_ends_at=at(ends))
    assert [row[:2] for row in renewals(ledger)] == [("2025-04-10", "renewed")]


def test_what_goes_over_to_months_that_end_near_it_is_renewed_early() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-04-10")
    ledger.item("s", 110, start="2025-03-20")
    for start, ends in (("2025-03-20", "2025-04-20"), ("2025-04-20", "2025-05-20"), ("2025-05-20", "2025-06-20")):
        ledger.subscribe("s", start=start, current_period_ends_at=at(ends))
    assert [row[:2] for row in renewals(ledger)] == [("2025-04-10", "early")]


def test_an_item_that_is_swapped_on_the_last_days_is_what_falls_due() -> None:
    ledger = Revenue(date(2025, 6, 30))
    year(ledger, "s", "2024-04-10")
    ledger.item("s", 1200, start="2025-04-01", billing_interval="year", ended_at=at("2025-04-01"))
    ledger.item("s", 110, start="2025-04-01", name="j")
    for start, ends in (("2025-04-10", "2025-05-10"), ("2025-05-10", "2025-06-10"), ("2025-06-10", "2025-07-10")):
        ledger.subscribe("s", start=start, current_period_ends_at=at(ends))
    assert renewals(ledger) == [("2025-04-10", "renewed", 1320, 1320, 0)]


def test_an_item_that_is_planned_to_end_renews_nothing_before_it_does() -> None:
    ledger = Revenue(date(2025, 9, 30))
    ledger.subscribe("s", start="2024-04-10", started_at=at("2024-04-10"))
    ledger.item("s", 1200, start="2024-04-10", billing_interval="year", ended_at=at("2026-01-10"))
    ledger.item("s", 20, start="2024-04-10", name="j")
    assert [row[:2] for row in renewals(ledger)] == [("2025-04-10", "renewed"), ("2026-04-10", "due")]


def test_after_a_free_month_it_is_renewed_late_where_who_is_free_is_no_customer() -> None:
    ledger = Revenue(date(2026, 9, 30), free="churn")
    year(ledger, "s", "2024-04-10")
    for start, free in (("2025-04-10", True), ("2025-05-10", False), ("2026-04-10", False)):
        free_of_charge = {"discount_rate": 1.0, "discount_duration": "repeating"} if free else {}
        ends = at(f"{int(start[:4]) + 1}-04-10")
        ledger.subscribe("s", start=start, current_period_ends_at=ends, **free_of_charge)
    assert [row[:2] for row in renewals(ledger)] == [
        ("2025-04-10", "late"), ("2026-04-10", "renewed"), ("2027-04-10", "due")
    ]  # fmt: skip


def test_who_leaves_in_a_term_s_first_weeks_and_begins_anew_was_to_renew_it() -> None:
    ledger = Revenue(date(2026, 6, 30))
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2025-04-10", current_period_ends_at=at("2026-04-10"))
    ledger.subscribe("s", start="2025-05-01", status="canceled", ended_at=at("2025-05-01"))
    year(ledger, "s", "2025-10-01")
    assert [row[:2] for row in renewals(ledger)] == [
        ("2025-04-10", "renewed"), ("2026-04-10", "early"), ("2026-10-01", "due")
    ]  # fmt: skip


def test_an_end_that_is_moved_by_a_day_is_one_renewal() -> None:
    ledger = Revenue(date(2025, 9, 30))
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2024-09-01", current_period_ends_at=at("2025-04-11"))
    ended = {"ended_at": at("2025-04-11"), "current_period_ends_at": at("2025-04-11")}
    ledger.subscribe("s", start="2025-04-11", status="canceled", **ended)
    assert renewals(ledger) == [("2025-04-11", "lost", 1200, 0, 0)]


def test_a_payment_that_is_given_up_and_comes_in_where_it_counts_on() -> None:
    ledger = Revenue(date(2025, 9, 30), unpaid="count", churn_recognition="payment_failure_final")
    year(ledger, "s", "2024-04-10")
    for start, status in (("2025-04-10", "past_due"), ("2025-05-01", "unpaid"), ("2025-06-01", "active")):
        ledger.subscribe("s", start=start, status=status, current_period_ends_at=at("2026-04-10"))
    assert renewals(ledger) == [("2025-04-10", "late", 1200, 1200, 0), ("2026-04-10", "due", 1200, 0, 0)]


@pytest.mark.parametrize(("free", "state"), [("keep", "renewed"), ("churn", "lost")])
def test_what_is_free_from_its_day_on_is_lost_where_who_is_free_is_no_customer(free: str, state: str) -> None:
    ledger = Revenue(date(2025, 9, 30), free=free)
    year(ledger, "s", "2024-04-10")
    free_of_charge = {"discount_rate": 1.0, "discount_duration": "forever"}
    ledger.subscribe("s", start="2025-04-10", current_period_ends_at=at("2026-04-10"), **free_of_charge)
    assert renewals(ledger) == [("2025-04-10", state, 1200, 0, 0)]


def test_days_are_those_of_the_policy_s_time_zone() -> None:
    """From midnight of 1 March in Berlin on, which is the last of February in UTC."""
    ledger = Revenue(date(2024, 9, 30), time_zone="Europe/Berlin")
    ledger.subscribe("s", start="2023-02-28T23:00", started_at=at("2023-02-28T23:00"))
    ledger.item("s", 1200, start="2023-02-28T23:00", billing_interval="year")
    assert [row[:2] for row in renewals(ledger)] == [("2024-03-01", "renewed"), ("2025-03-01", "due")]


def test_a_request_is_of_the_term_that_it_ended_though_the_last_version_tells_no_more() -> None:
    ledger = Revenue(date(2025, 9, 30))
    for start, version in {
        "2024-08-10": {},
        "2025-07-20": {"is_canceling_at_period_end": True, "canceled_at": at("2025-07-20")},
        "2025-08-10": {"status": "canceled", "ended_at": at("2025-08-10"), "is_canceling_at_period_end": False},
    }.items():
        ledger.subscribe("s", start=start, current_period_ends_at=at("2025-08-10"), **version)
    ledger.item("s", 1200, start="2024-08-10", billing_interval="year")
    renewals(ledger)
    assert ledger.sql("select state, is_canceling from fct_renewals") == [("lost", True)]


def test_an_opportunity_without_an_amount_renews_what_is_due() -> None:
    ledger = Revenue(date(2025, 5, 10))
    year(ledger, "s", "2024-06-01")
    ledger.subscribe("m", customer="m", start="2024-01-01")
    ledger.item("m", 10, start="2024-01-01")
    ledger.connection.execute(INPUTS)
    won = {"stage": "closedwon", "currency": "EUR", "state": "won", "close_date": date(2025, 5, 1), "source": "hubspot"}
    ledger.add("int_revenue__renewal_deals", [
        {"customer_id": "cus_c", "source_opportunity_id": "1", "due_date": date(2025, 6, 1), **won},
        {"customer_id": "cus_m", "source_opportunity_id": "2", "due_date": date(2025, 6, 1), "due_amount": 500, **won},
    ])  # fmt: skip
    ledger.build(*MODELS)
    told = "select customer_id, state, renewed_amount::float from fct_renewals order by 1"
    assert ledger.sql(told) == [("cus_c", "early", 1200), ("cus_m", "early", 500)]


def test_what_renews_in_a_currency_without_a_rate_is_taken_to_go_on() -> None:
    ledger = Revenue(date(2025, 9, 30))
    ends = at("2025-04-10")
    ledger.subscribe("s", start="2024-04-10", current_period_ends_at=ends, currency="GBP")
    ledger.item("s", 1200, start="2024-04-10", billing_interval="year", currency="GBP")
    ledger.subscribe("s", start="2025-04-10", status="canceled", ended_at=ends, currency="GBP")
    year(ledger, "t", "2025-04-12", 1000)
    assert renewals(ledger)[:1] == [("2025-04-10", "renewed", 1200, 1200, 0)]


def test_what_is_due_for_less_than_a_cent_is_replaced_like_other_contracts() -> None:
    ledger = Revenue(date(2025, 9, 30))
    year(ledger, "s", "2024-04-10", 0.001)
    ledger.subscribe("s", start="2025-04-10", status="canceled", ended_at=at("2025-04-10"))
    year(ledger, "t", "2025-04-12", 1000)
    assert renewals(ledger)[:1] == [("2025-04-10", "renewed", 0, 0, 0)]


def test_what_is_paused_for_years_falls_due_once() -> None:
    ledger = Revenue(date(2027, 9, 30), pauses="suspend")
    year(ledger, "s", "2024-04-10")
    ledger.subscribe("s", start="2025-03-01", status="paused")
    ledger.subscribe("s", start="2027-06-01")
    assert [row[:2] for row in renewals(ledger)] == [("2025-04-10", "late"), ("2028-04-10", "due")]


def test_what_renews_in_another_currency_is_told_to_the_cent() -> None:
    ledger = Revenue(date(2025, 9, 30))
    ledger.connection.execute("insert into fx_rates values ('EUR', 'GBP', '2024-01-01', '1.17')")
    ends = at("2025-04-10")
    ledger.subscribe("s", customer="c", start="2024-04-10", current_period_ends_at=ends, currency="GBP")
    ledger.item("s", 1200, start="2024-04-10", billing_interval="year", currency="GBP")
    ledger.subscribe("s", customer="c", start="2025-04-10", status="canceled", ended_at=ends, currency="GBP")
    year(ledger, "t", "2025-04-12", 1000)
    assert renewals(ledger)[:1] == [("2025-04-10", "renewed", 1200, 854.7, 0)], "1,000 / 1.17"


def test_an_interval_of_a_thousand_years_is_a_term_and_breaks_nothing() -> None:
    ledger = Revenue(date(2025, 9, 30))
    ledger.subscribe("s", start="2024-04-10", started_at=at("2024-04-10"))
    ledger.item("s", 5000, start="2024-04-10", billing_interval="year", interval_count=999)
    year(ledger, "t", "2024-04-10")
    assert [row[:2] for row in renewals(ledger)][:1] == [("2025-04-10", "renewed")]


def test_terms_of_random_histories() -> None:
    """Due dates a term apart, or more where one was free, none after a loss, and all states add up."""
    random = Random(11)
    ledger = Revenue(date(2026, 6, 30))
    for number in range(400):
        day = date(2022, 1, 1) + timedelta(days=random.randrange(1400))
        name = f"s{number}"
        year(ledger, name, day.isoformat(), random.randrange(1, 9) * 100, customer=f"c{number % 150}")
        for _ in range(random.randrange(6)):
            change = day + timedelta(days=random.randrange(1, 1500))
            if random.random() < 0.3:
                ledger.subscribe(name, customer=f"c{number % 150}", start=change.isoformat(), status="canceled")
            else:
                ledger.item(name, random.randrange(0, 9) * 100, start=change.isoformat(), billing_interval="year")
    assert len(renewals(ledger)) > 500
    assert ledger.sql("select 1 from fct_renewals group by renewal_id having count(*) > 1") == []
    assert ledger.sql(
        "select 1 from int_revenue__terms window w as (partition by source_subscription_id order by due_date) "
        "qualify date_diff('month', lag(due_date) over w, due_date) % 12 <> 0 or lag(outcome) over w = 'lost'"
    ) == []  # fmt: skip
    assert ledger.sql(
        "select 1 from fct_renewals where due_amount <= 0 or renewed_amount < 0 or upsell_amount < 0 "
        "or (state in ('lost', 'due', 'pending')) <> (renewed_date is null) "
        "or (state = 'due' and due_date <= '2026-06-30')"
    ) == []  # fmt: skip
    assert ledger.sql(
        "select 1 from rpt_renewal_rates where due_count <> on_time_count + early_count + late_count + pending_count "
        "+ lost_count or kept_amount > least(due_amount, renewed_amount) or renewed_customer_count > due_customer_count"
    ) == []  # fmt: skip


def test_what_comes_later_changes_nothing() -> None:
    def told(*, poisoned: bool) -> list[tuple[Any, ...]]:
        ledger = Revenue(date(2025, 6, 1))
        for name in "ab":
            year(ledger, name, "2024-06-01", customer=name)
        if poisoned:
            ledger.subscribe("a", customer="a", start="2025-06-02", status="canceled")
            year(ledger, "b", "2025-06-03", 5000, customer="b")
            year(ledger, "n", "2025-06-03", 700, customer="a")
        return renewals(ledger)

    assert told(poisoned=True) == told(poisoned=False)
    assert [row[1] for row in told(poisoned=True)] == ["renewed", "renewed", "due", "due"]
