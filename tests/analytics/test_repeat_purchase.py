"""BG/NBD: the published fit of CDNOW, parameters found again in simulated customers, and expectations by simulation."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.special import beta

from analytics.repeat_purchase import (
    Parameters,
    expected_future_orders,
    expected_orders,
    fit,
    log_likelihood,
    probability_alive,
    unmet_conditions,
)

CDNOW = Parameters(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258)
AS_OF = date(2026, 6, 30)


@pytest.fixture(scope="module")
def cdnow(data: Path) -> pl.DataFrame:
    """The 39 weeks to which Fader, Hardie & Lee fitted."""
    until = date(1997, 9, 30)
    orders = pl.read_csv(data / "cdnow" / "cdnow_sample.csv", try_parse_dates=True).filter(pl.col("date") <= until)
    first, last = pl.col("date").min(), pl.col("date").max()
    return orders.group_by("sample_id").agg(
        frequency=pl.col("date").n_unique() - 1,
        recency_weeks=(last - first).dt.total_days() / 7,
        age_weeks=(until - first).dt.total_days() / 7,
    )


def simulated(
    parameters: Parameters, count: int, seed: int, watch: float = 52
) -> tuple[pl.DataFrame, list[list[float]]]:
    """Customers watched for up to `watch` weeks, and the times of all orders that each makes in three times as long."""
    random = np.random.default_rng(seed)
    rows, orders = [], []
    for _ in range(count):
        rate = random.gamma(parameters.r, 1 / parameters.alpha)
        loss = random.beta(parameters.a, parameters.b)
        age, now, times = watch * random.uniform(0.7, 1), 0.0, []
        while (now := now + random.exponential(1 / rate)) <= 3 * watch:
            times.append(now)
            if random.random() < loss:
                break
        seen = [time for time in times if time <= age]
        rows.append((len(seen), seen[-1] if seen else 0.0, age))
        orders.append(times)
    return pl.DataFrame(rows, schema=["frequency", "recency_weeks", "age_weeks"], orient="row"), orders


def test_published_fit(cdnow: pl.DataFrame) -> None:
    assert (cdnow.height, (cdnow["frequency"] > 0).sum()) == (2357, 946)
    found = fit(cdnow)
    assert found.parameters == pytest.approx(CDNOW, abs=2e-4)
    assert round(found.log_likelihood, 2) == -9582.43
    assert found.log_likelihood >= log_likelihood(CDNOW, cdnow)
    assert found.customer_count == 2357


def test_published_customer() -> None:
    """The one of whom Fader, Hardie & Lee expect 1.226 orders in the next 39 weeks."""
    customer = pl.DataFrame({"frequency": [2], "recency_weeks": [30.43], "age_weeks": [38.86]})
    assert expected_future_orders(CDNOW, customer, 39).item() == pytest.approx(1.226, abs=5e-4)


def test_parameters_are_found_again_within_three_standard_errors() -> None:
    truth = Parameters(r=0.8, alpha=6.0, a=0.9, b=2.5)
    customers, _ = simulated(truth, 6000, seed=3)
    found = fit(customers)
    for name in Parameters._fields:
        error = getattr(found.standard_errors, name)
        assert abs(getattr(found.parameters, name) - getattr(truth, name)) < 3 * error
        assert error < 0.25 * getattr(truth, name)
    assert found.log_likelihood > log_likelihood(truth, customers)
    assert fit(customers.sample(fraction=1, shuffle=True, seed=1)) == found


def test_standard_errors_are_those_of_fits_to_other_samples() -> None:
    truth = Parameters(r=0.8, alpha=6.0, a=0.9, b=2.5)
    fits = [fit(simulated(truth, 1500, seed)[0]) for seed in range(100, 130)]
    spread = np.std([one.parameters for one in fits], axis=0, ddof=1)
    said = np.median([one.standard_errors for one in fits], axis=0)
    # The spread of 30 draws is known to a factor of 1.3.
    assert (np.abs(np.log(spread / said)) < np.log(1.6)).all()


def test_expectations_are_what_simulated_customers_do() -> None:
    truth = Parameters(r=0.8, alpha=6.0, a=0.9, b=2.5)
    customers, orders = simulated(truth, 20_000, seed=5)
    within = np.array([sum(time <= 26 for time in times) for times in orders])
    assert expected_orders(truth, np.array([26.0]))[0] == pytest.approx(
        within.mean(), abs=3 * within.std() / 20_000**0.5
    )
    later = np.array(
        [
            sum(age < time <= age + 26 for time in times)
            for times, age in zip(orders, customers["age_weeks"], strict=True)
        ]
    )
    expected = expected_future_orders(truth, customers, 26).to_numpy()
    for is_of_kind in (customers["frequency"].to_numpy() == frequency for frequency in range(4)):
        error = later[is_of_kind].std() / is_of_kind.sum() ** 0.5
        assert expected[is_of_kind].mean() == pytest.approx(later[is_of_kind].mean(), abs=3 * error)


@pytest.mark.parametrize("parameters", [CDNOW, Parameters(2.0, 1.5, 1.0, 3.0), Parameters(0.5, 9.0, 1.7, 0.4)])
def test_expected_orders_are_the_mean_over_customers(parameters: Parameters) -> None:
    r, alpha, a, b = parameters

    def orders(loss: float) -> float:
        """Of those lost with this probability after an order, times how many they are."""
        share = loss ** (a - 1) * (1 - loss) ** (b - 1) / beta(a, b)
        return (1 - (alpha / (alpha + 39 * loss)) ** r) / loss * share

    whole = quad(orders, 0, 0.5, epsabs=1e-10, limit=200)[0] + quad(orders, 0.5, 1, epsabs=1e-10, limit=200)[0]
    assert expected_orders(parameters, np.array([0.0, 39.0])) == pytest.approx([0, whole], rel=1e-5)


def test_no_repeat_order_leaves_a_customer_alive() -> None:
    rows = [(0, 0, 39), (1, 39, 39), (1, 2, 39), (400, 38, 39)]
    customers = pl.DataFrame(rows, schema=["frequency", "recency_weeks", "age_weeks"], orient="row")
    alive = probability_alive(CDNOW, customers)
    assert alive[0] == 1
    assert 0 < alive[2] < alive[1] < 1
    assert alive[3] < 0.05
    assert expected_future_orders(CDNOW, customers, 39).is_finite().all()
    assert np.isfinite(log_likelihood(CDNOW, customers))


def test_nothing_to_fit() -> None:
    once = pl.DataFrame({"frequency": [0] * 50, "recency_weeks": [0.0] * 50, "age_weeks": [30.0] * 50})
    with pytest.raises(ValueError, match="none of 50 customers has ordered again"):
        fit(once)
    alike = pl.DataFrame({"frequency": [3] * 50, "recency_weeks": [29.0] * 50, "age_weeks": [30.0] * 50})
    with pytest.raises(ValueError, match="BG/NBD does not fit these 50 customers"):
        fit(alike)


@pytest.mark.parametrize(
    ("frequency", "recency", "age"),
    [
        (1, 0, 5),
        (0, 3, 5),
        (1, 6, 5),
        (-1, 1, 5),
        (1.5, 1, 5),
        (1, float("nan"), 5),
        (None, 1, 5),
        (1, 1, float("inf")),
    ],
)
def test_figures_that_cannot_be(frequency: float | None, recency: float, age: float) -> None:
    customers = pl.DataFrame(
        {"frequency": [1, frequency], "recency_weeks": [2, recency], "age_weeks": [5, age]}, strict=False
    )
    measures: list[Callable[[pl.DataFrame], object]] = [
        fit,
        lambda customers: log_likelihood(CDNOW, customers),
        lambda customers: probability_alive(CDNOW, customers),
        lambda customers: expected_future_orders(CDNOW, customers, 4),
    ]
    for measure in measures:
        with pytest.raises(ValueError, match="1 of 2 customers have figures that can't be, the first in row 1"):
            measure(customers)


def test_time_to_expect_orders_in() -> None:
    with pytest.raises(ValueError, match="0 weeks or more"):
        expected_orders(CDNOW, np.array([-1.0]))


def shop(customers: int, days: int, newest: int, most: int) -> pl.DataFrame:
    """Orders of that many customers, one each but the first, from `days` ago to `newest` days ago."""
    ages = [days] * most + [newest] * (customers - 1)
    ids = ["0"] * most + [str(number) for number in range(1, customers)]
    return pl.DataFrame({"customer_id": ids, "ordered_on": [AS_OF - timedelta(days=age) for age in ages]})


@pytest.mark.parametrize(
    ("orders", "unmet"),
    [
        (shop(500, 180, 30, 3), []),
        (shop(499, 180, 30, 3), ["499 customers have an order; predictions need 500."]),
        (shop(500, 179, 30, 3), ["The orders go back 179 days; predictions need 180."]),
        (
            shop(500, 180, 31, 3),
            ["The newest order is of 2026-05-30; predictions need one in the 30 days up to 2026-06-30."],
        ),
        (shop(500, 180, 30, 2), ["No customer has 3 orders; predictions need some that do."]),
        (shop(500, 180, -1, 3).with_columns(customer_id=pl.lit(None, pl.String)), None),
    ],
)
def test_conditions(orders: pl.DataFrame, unmet: list[str] | None) -> None:
    found = unmet_conditions(orders, AS_OF)
    assert found == unmet if unmet is not None else len(found) == 4
    if unmet is None:
        assert found[2] == "There is no order; predictions need one in the 30 days up to 2026-06-30."
