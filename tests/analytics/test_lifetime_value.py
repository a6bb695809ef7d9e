from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics import common_loss, repeat_purchase
from analytics.lifetime_value import (
    SCHEMA,
    Assumptions,
    predicted_values,
    subscription_values,
    transaction_values,
)
from analytics.repeat_purchase import Gate
from analytics.survival import kaplan_meier, lifetimes

AS_OF = date(2026, 1, 1)
PLAIN = Assumptions(margin_rate=1.0, discount_rate=0.0, dormant_days=100)
EASY = Gate(min_customers=1, min_history_days=0, max_days_since_order=10_000, loyal_orders=1)


def presences(spells: list[tuple[int, int | None]]) -> pl.DataFrame:
    """Customers c0, c1, …: days before `AS_OF` on which they came, and days that they stayed (None: they still do)."""
    rows = []
    for number, (before, stayed) in enumerate(spells):
        start = AS_OF - timedelta(days=before)
        rows.append((f"c{number}", start, None if stayed is None else start + timedelta(days=stayed)))
    columns = {"customer_id": pl.String, "from_date": pl.Date, "to_date": pl.Date}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(watched_from_date="from_date")


def levels(amounts: dict[str, float]) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": list(amounts), "monthly_amount": list(amounts.values())}).with_columns(
        currency=pl.lit("EUR")
    )


def everybody(count: int) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": [f"c{number}" for number in range(count)]}).with_columns(
        dimension=pl.lit("all"), segment=pl.lit("all")
    )


def orders(customers: list[list[int]], amount: float = 50.0, currency: str = "EUR") -> pl.DataFrame:
    """Each customer's orders, as days before `AS_OF`."""
    rows = [
        (f"c{number}", "DE", currency, AS_OF - timedelta(days=day), amount)
        for number, days in enumerate(customers)
        for day in days
    ]
    names = ["customer_id", "country", "currency", "ordered_on", "net_amount"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_known_answers_of_the_two_formulas_of_revenue() -> None:
    """Two of four left after 60 days, two stay: the mean within 120 days is 90, three months; those left pay 100."""
    spells = presences([(200, 60), (200, 60), (200, None), (200, None)])
    found = subscription_values(
        spells, levels({"c2": 80.0, "c3": 120.0}), everybody(4), AS_OF, Assumptions(0.5, 0.21, 100), horizon=120
    )
    simple, margin = found.sort("formula", descending=True).rows(named=True)
    assert (simple["value"], simple["lifespan_months"], simple["monthly_amount"]) == (300.0, 3.0, 100.0)
    # Everybody is there in months 0 and 1, half in 2 and 3.
    expected = 100 * 0.5 * sum(share * 1.21 ** (-month / 12) for month, share in enumerate((1, 1, 0.5, 0.5)))
    assert margin["value"] == pytest.approx(expected, abs=1e-9)
    assert (margin["margin_rate"], margin["discount_rate"], simple["margin_rate"]) == (0.5, 0.21, None)
    assert simple["ci_low"] < simple["value"] < simple["ci_high"]
    assert simple["is_complete"], "who stays was watched for longer than the horizon"


@pytest.mark.parametrize("late", [0, 40])
def test_a_lifespan_is_the_restricted_mean_of_kaplan_and_meier(late: int) -> None:
    """Also where one in three is watched from some day later only; who had left by then is in none."""
    chance = np.random.default_rng(3)
    spells = presences([(int(b), int(min(b, s)) if s < b else None) for b, s in chance.integers(1, 900, (300, 2))])
    days = np.where(chance.random(300) < 1 / 3, chance.integers(0, late + 1, 300), 0)
    spells = spells.with_columns(watched_from_date=pl.col("from_date") + pl.duration(days=pl.Series(days)))
    found = subscription_values(spells, levels({"c0": 10.0}), everybody(300), AS_OF, PLAIN, horizon=360)
    ends = spells.select(
        exit=(pl.col("to_date").fill_null(AS_OF) - pl.col("from_date")).dt.total_days()
        + pl.col("to_date").is_null().cast(pl.Int64),
        event=pl.col("to_date").is_not_null(),
        entry=(pl.col("watched_from_date") - pl.col("from_date")).dt.total_days(),
    ).filter((pl.col("exit") > pl.col("entry")) | (pl.col("entry") == 0))
    mean = lifetimes(kaplan_meier(ends), 360.0)["rmst"][0]
    assert found["lifespan_months"].to_list() == pytest.approx([mean / 30] * 2, abs=1e-9)


def test_who_was_not_watched_to_the_horizon_has_no_lifespan() -> None:
    found = subscription_values(presences([(60, None)] * 3), levels({"c0": 10.0}), everybody(3), AS_OF, PLAIN, 120)
    assert found["value"].to_list() == [None, None]
    assert found["missing_reason"][0] == "Nobody of them has been watched for 4 months."
    assert found["is_complete"].to_list() == [False, False]
    gone = subscription_values(presences([(60, 10)] * 3), levels({"x": 10.0}), everybody(3), AS_OF, PLAIN, 120)
    assert gone["missing_reason"][0] == "Nobody of them pays now."


def test_intervals_hold_what_is_true_as_often_as_they_say() -> None:
    """Lifetimes of 200 days on the mean, watched for 100: of 60 samples of 150 customers about 95 % hold the truth."""
    true_mean = 200 * (1 - np.exp(-100 / 200))
    chance = np.random.default_rng(7)
    hits = 0
    for _ in range(60):
        lives = chance.exponential(200, 150)
        spells = presences([(100, int(np.ceil(life)) if life < 100 else None) for life in lives])
        stay = {f"c{number}": 30.0 for number, life in enumerate(lives) if life >= 100}
        row = subscription_values(spells, levels(stay), everybody(150), AS_OF, PLAIN, horizon=100).row(0, named=True)
        hits += row["ci_low"] <= true_mean <= row["ci_high"] + 1
    assert hits >= 52


def test_the_order_of_rows_changes_nothing() -> None:
    spells = presences([(300 + n, 40 + n if n % 2 else None) for n in range(50)])
    paid = levels({f"c{n}": 10.0 + n for n in range(0, 50, 2)})
    one = subscription_values(spells, paid, everybody(50), AS_OF, PLAIN, 200)
    other = subscription_values(spells[::-1], paid[::-1], everybody(50)[::-1], AS_OF, PLAIN, 200)
    assert one.equals(other)


def test_known_answer_of_the_formula_of_orders() -> None:
    """Two orders each, 50 days apart, then none: there for 150 days, with the 100 after which one has left."""
    found = transaction_values(orders([[400, 350], [300, 250]]), AS_OF, PLAIN, horizon=360)
    row = found.row(0, named=True)
    assert (row["order_amount"], row["lifespan_months"]) == (50.0, 5.0)
    assert row["orders_per_year"] == pytest.approx(2 / 150 * 365)
    assert row["value"] == pytest.approx(100.0)
    assert found["segment"].to_list() == ["all", "DE"]


def test_orders_of_a_day_are_one_and_of_two_currencies_have_no_sum() -> None:
    doubled = pl.concat([orders([[400, 350]]), orders([[400]])])
    assert transaction_values(doubled, AS_OF, PLAIN, 60)["order_amount"][0] == 75.0
    mixed = pl.concat([orders([[400, 350]]), orders([[300]], currency="USD")])
    for found in (transaction_values(mixed, AS_OF, PLAIN, 60), predicted_values(mixed, AS_OF, PLAIN)):
        assert found["value"].null_count() == found.height
        assert "EUR, USD" in found["missing_reason"][0]


def simulated(count: int, *, lost: float) -> list[list[int]]:
    """Customers who order at rates of their own (gamma: 2, 20 weeks) and are lost after each repeat order alike."""
    chance = np.random.default_rng(11)
    customers = []
    for _ in range(count):
        rate, day = chance.gamma(2.0, 1 / 20) / 7, float(chance.integers(400, 700))
        days = [int(day)]
        while (day := day - chance.exponential(1 / rate)) > 0:
            days.append(int(day))
            if chance.random() < lost:
                break
        customers.append(days)
    return customers


def test_the_gate_says_what_is_missing() -> None:
    found = predicted_values(orders(simulated(40, lost=0.2)), AS_OF, PLAIN)
    assert found["value"].null_count() == found.height
    assert found["customer_count"][0] == 40
    assert "40 customers have an order; predictions need 500." in found["missing_reason"][0]


def test_predictions_come_true() -> None:
    """What customers order in the year to come, simulated on, is what was expected of them, and so is what they pay."""
    everything = simulated(3000, lost=0.15)
    chance = np.random.default_rng(5)
    means = [50.0 / each for each in chance.gamma(5.0, 0.25, 3000)]
    history = orders([[day - 365 for day in days if day >= 365] for days in everything]).with_columns(
        net_amount=pl.col("customer_id").replace_strict({f"c{n}": mean for n, mean in enumerate(means)})
        * pl.Series(chance.gamma(4.0, 0.25, sum(day >= 365 for days in everything for day in days)))
    )
    came = [sum(0 <= day < 365 for day in days) for days in everything]
    paid = sum(count * mean for count, mean in zip(came, means, strict=True)) / 3000
    easy = Assumptions(1.0, 0.0, 100, EASY)
    row = predicted_values(history, AS_OF, easy, refits=10).row(0, named=True)
    assert row["missing_reason"] is None
    assert row["orders_per_year"] == pytest.approx(sum(came) / 3000, rel=0.1)
    assert row["value"] == pytest.approx(paid, rel=0.12)
    assert row["ci_low"] < row["value"] < row["ci_high"]
    assert predicted_values(history[::-1], AS_OF, easy, refits=10).row(0, named=True) == pytest.approx(row)


def test_the_limit_is_what_bg_nbd_runs_off_to() -> None:
    days = [sorted(set(each), reverse=True) for each in simulated(2000, lost=0.2)]
    customers = pl.DataFrame(
        {
            "frequency": [len(each) - 1 for each in days],
            "recency_weeks": [(each[0] - each[-1]) / 7 for each in days],
            "age_weeks": [each[0] / 7 for each in days],
        }
    )
    found = common_loss.fit(customers)
    r, alpha, odds = found.parameters
    assert (r, alpha, odds / (1 + odds)) == pytest.approx((2.0, 20.0, 0.2), rel=0.15)
    share = odds / (1 + odds)
    near = repeat_purchase.Parameters(r, alpha, share * 1e5, (1 - share) * 1e5)
    assert found.log_likelihood == pytest.approx(repeat_purchase.log_likelihood(near, customers), abs=0.1)
    alive = common_loss.probability_alive(found.parameters, customers)
    assert (alive - repeat_purchase.probability_alive(near, customers)).abs().max() < 1e-3
    wide = repeat_purchase.Parameters(r, alpha, share * 300, (1 - share) * 300)
    expected = repeat_purchase.expected_future_orders(wide, customers, 52.0)
    limit = common_loss.expected_future_orders(found.parameters, customers, 52.0)
    assert limit.sum() == pytest.approx(expected.sum(), rel=0.02)


@pytest.mark.parametrize(
    ("margin", "discount", "days", "name"),
    [(1.2, 0.1, 180, "gross_margin_rate"), (0.8, -0.1, 180, "discount_rate"), (0.8, 0.1, 0, "dormant_days")],
)
def test_a_wrong_assumption_is_named(margin: float, discount: float, days: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"The var {name} is "):
        Assumptions(margin, discount, days)


def test_without_customers_there_is_nothing() -> None:
    nobody = orders([])
    none = everybody(0)
    for found in (
        subscription_values(presences([]), levels({}), none, None, PLAIN),
        transaction_values(nobody, None, PLAIN),
        predicted_values(nobody, AS_OF, PLAIN),
    ):
        assert found.is_empty()
        assert found.schema == pl.Schema(SCHEMA)
