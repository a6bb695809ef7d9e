"""What an order of a customer is worth, by the gamma-gamma model of Fader & Hardie (2013).

The values of a customer's orders spread around a mean of its own (gamma: shape p), and the means spread over customers
(their inverses gamma: shape q, and gamma in money); how often a customer orders tells nothing of the values. A mean of
few orders is drawn towards that of all, the more the fewer they are. The model needs two figures of a customer, one row
each in `customers`: order_count, and mean_value, above 0, in one currency (null or any where there is no order). Raises
ValueError where a figure is missing or can't be.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from analytics.likelihood import NoMaximumError, maximum

Floats = NDArray[np.float64]


class Parameters(NamedTuple):
    """Of the model, or their standard errors: p and q without unit, gamma in money."""

    p: float
    q: float
    gamma: float


@dataclass(frozen=True)
class Fit:
    """What fits best, the standard errors (from the curvature of the log-likelihood), and what it was fitted to."""

    parameters: Parameters
    standard_errors: Parameters
    log_likelihood: float
    customer_count: int


def fit(customers: pl.DataFrame) -> Fit:
    """The parameters of maximum likelihood, from the customers with an order.

    Raises ValueError as the module says, and where nothing fits best.
    """
    count, value = _figures(customers)
    is_of_order = count > 0
    count, value = count[is_of_order], value[is_of_order]
    if not count.size:
        raise ValueError("The gamma-gamma model has nothing to fit: no customer has an order.")
    log_value, log_total, total = np.log(value), np.log(count * value), count * value

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q, gamma = parameters
        shape, log_sum = p * count, np.log(gamma + total)
        each = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(gamma) - log_value
        slopes = (
            count * (digamma(shape + q) - digamma(shape) + log_total - log_sum),
            digamma(shape + q) - digamma(q) + np.log(gamma) - log_sum,
            q / gamma - (shape + q) / (gamma + total),
        )
        whole = (each + shape * log_total - (shape + q) * log_sum).sum()
        return float(whole), np.array([slope.sum() for slope in slopes])

    try:
        best = maximum(log_likelihood, np.array([1.0, 2.0, float(value.mean())]), count.size)
    except NoMaximumError as error:
        raise ValueError(
            f"The gamma-gamma model does not fit these {count.size} customers: "
            f"for {', '.join(Parameters._fields)} {error}. It needs more customers, some with several orders."
        ) from error
    found, errors = Parameters(*best.parameters.tolist()), Parameters(*best.standard_errors.tolist())
    return Fit(found, errors, best.log_likelihood, count.size)


def expected_value(parameters: Parameters, customers: pl.DataFrame) -> pl.Series:
    """The mean value of each customer's orders to come, given those it made; of all where it made none.

    One row per row of `customers`, in their currency. Null where orders are too few for a mean: the model's values
    spread so far (p * order_count + q of 1 or less) that it is not finite.
    """
    p, q, gamma = parameters
    count, value = _figures(customers)
    shape = p * count + q - 1
    means = np.divide(p * (gamma + count * value), shape, out=np.full(shape.size, np.nan), where=shape > 0)
    return pl.Series("expected_value", means).fill_nan(None)


def _figures(customers: pl.DataFrame) -> tuple[Floats, Floats]:
    """order_count and mean_value, 0 where there is no order."""
    count, value = pl.col("order_count"), pl.col("mean_value")
    figures = customers.select(pl.col("order_count", "mean_value").cast(pl.Float64))
    figures = figures.with_columns(pl.when(count == 0).then(0.0).otherwise(value).alias("mean_value"))
    is_possible = count.is_finite() & (count >= 0) & (count == count.floor()) & value.is_finite()
    is_possible = (is_possible & ((value > 0) | (count == 0))).fill_null(value=False)
    wrong = figures.with_row_index("row").filter(~is_possible)
    if wrong.height:
        row, orders, mean = wrong.row(0)
        raise ValueError(
            f"{wrong.height} of {customers.height} customers have figures that can't be, the first in row {row}: "
            f"order_count {orders}, mean_value {mean}. Orders are a whole number, and their mean value is above 0."
        )
    return figures["order_count"].to_numpy(), figures["mean_value"].to_numpy()
