"""How often customers of a shop buy again, by the BG/NBD model of Fader, Hardie & Lee (2005).

While a customer is alive, orders come at random at a rate of its own (gamma over customers: shape r, rate alpha); after
each repeat order it is lost with a probability of its own (beta: a, b). The model needs three figures of a customer,
one row each in `customers`: frequency, the number of repeat orders (days with an order after the first such day);
recency_weeks, from the first order to the last (0 where there was one); and age_weeks, from the first order to the end
of what was watched. Any other unit of time does as well, if all times are in it.

A customer without a repeat order counts as alive: the model lets nobody be lost before. Raises ValueError, wherever
`customers` is taken, where a figure is missing or the three can't be of one customer.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1

from analytics.likelihood import NoMaximumError, maximum

Floats = NDArray[np.float64]

# Closer to a = 1 the closed forms lose all digits; their limit is as far off as this.
_NEAR_ONE = 1e-6


class Gate(NamedTuple):
    """What orders must have to predict from them; the defaults are those of Klaviyo."""

    min_customers: int = 500
    min_history_days: int = 180
    max_days_since_order: int = 30
    loyal_orders: int = 3


KLAVIYO = Gate()


class Parameters(NamedTuple):
    """Of the model, or their standard errors: r without unit, alpha in weeks, a and b without unit."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class Fit:
    """What fits best, the standard errors (from the curvature of the log-likelihood), and what it was fitted to."""

    parameters: Parameters
    standard_errors: Parameters
    log_likelihood: float
    customer_count: int


def unmet_conditions(orders: pl.DataFrame, as_of: date, gate: Gate = KLAVIYO) -> list[str]:
    """What `orders` lack to predict from them, a sentence each; empty where nothing.

    `orders` has one row per order: customer_id (orders without one don't count) and ordered_on, a date; what comes
    after `as_of` is left out. By default the gate is that of Klaviyo: 500 customers with an order, 180 days of history,
    an order in the last 30 days, and customers with three orders or more.
    """
    known = orders.filter(pl.col("customer_id").is_not_null() & (pl.col("ordered_on") <= as_of))
    by_customer = known.group_by("customer_id").len()
    first, last = known.select(first=pl.col("ordered_on").min(), last=pl.col("ordered_on").max()).row(0)
    days = (as_of - first).days if first else 0
    unmet = []
    if by_customer.height < gate.min_customers:
        unmet.append(f"{by_customer.height} customers have an order; predictions need {gate.min_customers}.")
    if days < gate.min_history_days:
        unmet.append(f"The orders go back {days} days; predictions need {gate.min_history_days}.")
    if last is None or last < as_of - timedelta(days=gate.max_days_since_order):
        newest = f"The newest order is of {last}" if last else "There is no order"
        unmet.append(f"{newest}; predictions need one in the {gate.max_days_since_order} days up to {as_of}.")
    if by_customer.filter(pl.col("len") >= gate.loyal_orders).is_empty():
        unmet.append(f"No customer has {gate.loyal_orders} orders; predictions need some that do.")
    return unmet


def fit(customers: pl.DataFrame) -> Fit:
    """The parameters of maximum likelihood.

    Raises ValueError as the module says, and where nothing fits best: where nobody came back, or what they did leaves a
    parameter free.
    """
    alike = _alike(customers)
    count = customers.height
    if not alike.frequency.any():
        raise ValueError(f"BG/NBD has nothing to fit: none of {count} customers has ordered again.")

    start = np.array([1.0, float(alike.age @ alike.count) / count, 1.0, 1.0])
    try:
        best = maximum(lambda parameters: _log_likelihood(parameters, alike), start, count)
    except NoMaximumError as error:
        raise ValueError(
            f"BG/NBD does not fit these {count} customers: for {', '.join(Parameters._fields)} {error}. "
            "It needs more customers, or a longer time."
        ) from error
    found, errors = Parameters(*best.parameters.tolist()), Parameters(*best.standard_errors.tolist())
    return Fit(found, errors, best.log_likelihood, count)


def log_likelihood(parameters: Parameters, customers: pl.DataFrame) -> float:
    """The sum over customers of equation 6 of Fader, Hardie & Lee (2005)."""
    return _log_likelihood(np.array(parameters), _alike(customers))[0]


def expected_orders(parameters: Parameters, weeks: Floats) -> Floats:
    """How many repeat orders a new customer makes within `weeks` of the first (equation 9); shape as `weeks`.

    Raises ValueError where a time is negative.
    """
    return _orders_to_come(parameters, np.zeros(1), np.zeros(1), _times(weeks))


def expected_future_orders(parameters: Parameters, customers: pl.DataFrame, weeks: float) -> pl.Series:
    """How many orders each customer makes in the next `weeks`, given what it did (equation 10); as `customers` goes.

    Raises ValueError as the module says, and where `weeks` is negative.
    """
    frequency, _, age = figures(customers)
    to_come = _orders_to_come(parameters, frequency, age, _times(np.array([weeks])))
    return pl.Series("expected_future_orders", to_come) * probability_alive(parameters, customers)


def probability_alive(parameters: Parameters, customers: pl.DataFrame) -> pl.Series:
    """How likely each customer is to order again at all, given what it did; 1 for those without a repeat order.

    One row per row of `customers`. Fader, Hardie & Lee (2008, "Computing P(alive) using the BG/NBD model").
    """
    r, alpha, a, b = parameters
    frequency, recency, age = figures(customers)
    repeated = np.maximum(frequency, 1)
    odds_of_loss = np.log(a / (b + repeated - 1)) + (r + frequency) * np.log((alpha + age) / (alpha + recency))
    return pl.Series("probability_alive", np.where(frequency > 0, expit(-odds_of_loss), 1.0))


def _orders_to_come(parameters: Parameters, frequency: Floats, age: Floats, weeks: Floats) -> Floats:
    """What who is alive after `age` with `frequency` is to order in `weeks`.

    The closed form after Euler's transformation of the hypergeometric function, so that nothing grows with frequency.
    """
    r, alpha, a, b = parameters
    a = a if abs(a - 1) > _NEAR_ONE else 1 + _NEAR_ONE
    total, share = a + b + frequency - 1, weeks / (alpha + age + weeks)
    gone: Floats = (1 - share) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, total, share)
    return total / (a - 1) * (1 - gone)


@dataclass(frozen=True)
class _Alike:
    """Customers with the same figures, one row each, with their count; and how many have each distinct frequency."""

    frequency: Floats
    recency: Floats
    age: Floats
    count: Floats
    frequencies: Floats
    tally: Floats


def _alike(customers: pl.DataFrame) -> _Alike:
    alike = _checked(customers).group_by(pl.all()).len("count").sort(pl.all())
    frequency, recency, age, count = (column.to_numpy().astype(np.float64) for column in alike)
    frequencies, places = np.unique(frequency, return_inverse=True)
    return _Alike(frequency, recency, age, count, frequencies, np.bincount(places, count).astype(np.float64))


def _log_likelihood(parameters: Floats, customers: _Alike) -> tuple[float, Floats]:
    """The sum over customers, and its slopes by r, alpha, a and b."""
    r, alpha, a, b = parameters
    x, tally = customers.frequencies, customers.tally
    orders = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    staying = betaln(a, b + x) - betaln(a, b)
    of_orders = tally @ (digamma(r + x) - digamma(r) + np.log(alpha))
    of_sum = tally @ (digamma(a + b) - digamma(a + b + x))
    of_staying = tally @ (digamma(b + x) - digamma(b))

    frequency, count = customers.frequency, customers.count
    until_end, until_last = np.log(alpha + customers.age), np.log(alpha + customers.recency)
    losses = np.maximum(frequency, 1) - 1 + b
    alive = -(r + frequency) * until_end
    lost = np.where(frequency > 0, np.log(a / losses) - (r + frequency) * until_last, -np.inf)
    either = np.logaddexp(alive, lost)
    is_lost = np.exp(lost - either)
    is_alive = 1 - is_lost
    value = float(tally @ (orders + staying) + count @ either)
    pace = (r + frequency) * (is_alive / (alpha + customers.age) + is_lost / (alpha + customers.recency))
    slopes = [
        of_orders - count @ (is_alive * until_end + is_lost * until_last),
        count.sum() * r / alpha - count @ pace,
        of_sum + count @ is_lost / a,
        of_sum + of_staying - count @ (is_lost / losses),
    ]
    return value, np.array(slopes)


def _checked(customers: pl.DataFrame) -> pl.DataFrame:
    columns = ("frequency", "recency_weeks", "age_weeks")
    checked = customers.select(pl.col(columns).cast(pl.Float64))
    frequency, recency, age = (pl.col(column) for column in columns)
    is_possible = (
        pl.all_horizontal(pl.col(columns).is_finite())
        & (frequency >= 0)
        & (frequency == frequency.floor())
        & (recency >= 0)
        & (recency <= age)
        & ((frequency > 0) == (recency > 0))
    ).fill_null(value=False)
    wrong = checked.with_row_index("row").filter(~is_possible)
    if wrong.height:
        row, *figures = wrong.row(0)
        raise ValueError(
            f"{wrong.height} of {customers.height} customers have figures that can't be, the first in row {row}: "
            + ", ".join(f"{column} {figure}" for column, figure in zip(columns, figures, strict=True))
            + ". Frequency is a whole number, recency at most the age, and above 0 where frequency is, and only there."
        )
    return checked


def figures(customers: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """frequency, recency_weeks and age_weeks, checked as the module says; one row per row of `customers`."""
    frequency, recency, age = (column.to_numpy() for column in _checked(customers))
    return frequency, recency, age


def _times(weeks: Floats) -> Floats:
    times = np.asarray(weeks, dtype=np.float64)
    if not (np.isfinite(times) & (times >= 0)).all():
        raise ValueError("Orders are expected within a finite time of 0 weeks or more.")
    return times
