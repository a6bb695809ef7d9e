"""The gamma-gamma model: the published fit of CDNOW, and parameters found again in simulated customers."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.order_value import Parameters, expected_value, fit

TRUTH = Parameters(p=6.0, q=4.0, gamma=15.0)


def simulated(count: int, seed: int) -> tuple[pl.DataFrame, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Customers with up to six orders, and the mean to which each one's orders tend."""
    random = np.random.default_rng(seed)
    rates = random.gamma(TRUTH.q, 1 / TRUTH.gamma, count)
    orders = random.integers(0, 7, count)
    values = [random.gamma(TRUTH.p, 1 / rate, n).mean() if n else None for rate, n in zip(rates, orders, strict=True)]
    return pl.DataFrame({"order_count": orders, "mean_value": values}), TRUTH.p / rates


def test_published_fit(data: Path) -> None:
    """Fader & Hardie's: of the 946 customers with a repeat order, without the first."""
    orders = pl.read_csv(data / "cdnow" / "cdnow_sample.csv", try_parse_dates=True)
    customers = (
        orders.filter(pl.col("date") <= date(1997, 9, 30))
        .group_by("sample_id", "date")
        .agg(pl.col("dollar_value").sum())
        .filter(pl.col("date") > pl.col("date").min().over("sample_id"))
        .group_by("sample_id")
        .agg(order_count=pl.len(), mean_value=pl.col("dollar_value").mean())
    )
    found = fit(customers)
    assert found.customer_count == 946
    assert found.parameters == pytest.approx((6.25, 3.74, 15.44), abs=0.02)


def test_parameters_are_found_again_within_three_standard_errors() -> None:
    customers, _ = simulated(5000, seed=2)
    found = fit(customers)
    assert found.customer_count == (customers["order_count"] > 0).sum()
    for name in Parameters._fields:
        error = getattr(found.standard_errors, name)
        assert abs(getattr(found.parameters, name) - getattr(TRUTH, name)) < 3 * error
        assert error < 0.2 * getattr(TRUTH, name)


def test_expected_value_is_the_mean_of_customers_alike() -> None:
    customers, means = simulated(20_000, seed=3)
    expected = expected_value(TRUTH, customers).to_numpy()
    for orders in range(7):
        is_of_kind = (customers["order_count"] == orders).to_numpy()
        error = means[is_of_kind].std() / is_of_kind.sum() ** 0.5
        assert expected[is_of_kind].mean() == pytest.approx(means[is_of_kind].mean(), abs=3 * error)
    assert expected[(customers["order_count"] == 0).to_numpy()] == pytest.approx(6 * 15 / 3)


def test_no_mean_where_values_spread_too_far() -> None:
    customers = pl.DataFrame({"order_count": [0, 1], "mean_value": [None, 20.0]})
    assert expected_value(Parameters(p=2.0, q=0.5, gamma=10.0), customers).to_list() == [None, pytest.approx(40)]


def test_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="no customer has an order"):
        fit(pl.DataFrame({"order_count": [0], "mean_value": [None]}))
    with pytest.raises(ValueError, match="does not fit these 50 customers"):
        fit(pl.DataFrame({"order_count": [3] * 50, "mean_value": [20.0] * 50}))


@pytest.mark.parametrize(
    ("count", "value"), [(1, 0.0), (1, None), (1, -2.0), (-1, 5.0), (None, 5.0), (1, float("nan"))]
)
def test_figures_that_cannot_be(count: int | None, value: float | None) -> None:
    customers = pl.DataFrame({"order_count": [1, count], "mean_value": [9.0, value]})
    with pytest.raises(ValueError, match="1 of 2 customers have figures that can't be, the first in row 1"):
        fit(customers)
