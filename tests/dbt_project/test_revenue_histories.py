"""The revenue ledger of thousands of random histories, beside a second account of them."""

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

import pytest

from tests.revenue import POLICY, Revenue
from tests.stories import DAYS, START, expected_movements, feed, make_story


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.wide)])
def test_random_histories_are_told_as_day_by_day(count: int) -> None:
    stories = [make_story(number) for number in range(count)]
    as_of = (START + timedelta(days=DAYS + 20)).date()
    ledger = Revenue(as_of)
    feed(ledger, stories)
    ledger.build()
    assert ledger.broken_rows() == []
    told = defaultdict(list)
    for customer, day, movement, amount in ledger.sql(
        "select past_customer_id, movement_date, movement, amount from fct_mrr_movements order by movement_date"
    ):
        told[customer].append((day, movement, Fraction(amount)))
    kinds = {movement for rows in told.values() for _, movement, _ in rows}
    assert kinds == {"new", "expansion", "contraction", "churn", "reactivation"}
    for story in stories:
        assert told[story.customer] == expected_movements(story, 21, as_of), story


OTHERS = {
    "asked": {"churn_recognition": "cancel_request", "discounts": "forever"},
    "counted": {"dunning_days": None, "trials": "count", "discounts": "none"},
    "used": {"usage_months": "2", "unpaid": "count", "pauses": "count_collection", "discounts": "forever_and_once"},
    "strict": {"dunning_days": "3", "pauses": "suspend", "discounts": "all", "churn_recognition": "service_end"},
}


def add_use(ledger: Revenue) -> None:
    ledger.subscribe("s", start="2024-01-20", discount_duration="once", discount_rate=0.5)
    ledger.item("s", 100, start="2024-01-20")
    ledger.item("s", 2, start="2024-01-20", name="calls", usage_type="metered", quantity=None)
    ledger.use("s/calls", {"2024-02-20": 40, "2024-03-20": 80, "2024-04-20": 10})
    ledger.subscribe("s", start="2024-05-10", status="past_due")


def test_each_policy_s_difference_is_that_of_a_ledger_under_it() -> None:
    stories = [make_story(number) for number in range(60)]
    as_of = (START + timedelta(days=DAYS + 20)).date()
    ours = Revenue(as_of)
    ours.add("revenue_policies", [{**POLICY, "policy": name, "is_active": "false", **OTHERS[name]} for name in OTHERS])
    feed(ours, stories)
    add_use(ours)
    ours.build()
    closing = "select month, sum(closing_amount) from fct_customer_months where is_complete group by 1 order by 1"
    for name, change in OTHERS.items():
        other = Revenue(as_of, **change)
        feed(other, stories)
        add_use(other)
        expected = other.build().sql(closing)
        told = ours.sql(
            f"""with differences as (
                select month, sum(policy_amount - our_amount) as amount
                from fct_policy_differences where policy = '{name}' group by 1
            )
            select month, closing + coalesce(amount, 0) from ({closing}) as c(month, closing)
            left join differences using (month) order by 1"""
        )
        assert told == expected, name
        assert told != ours.sql(closing), name
