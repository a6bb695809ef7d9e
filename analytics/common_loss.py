"""How often customers of a shop buy again where all are lost alike: the limit of BG/NBD that has one chance of loss.

As `analytics.repeat_purchase`, but after each repeat order every customer is lost with the same probability. It is what
BG/NBD runs off to where customers don't differ in theirs: its a and b grow without bound, and only their share counts.
`customers` and what is raised are as there.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from analytics.likelihood import NoMaximumError, maximum
from analytics.repeat_purchase import figures

Floats = NDArray[np.float64]


class Parameters(NamedTuple):
    """r without unit, alpha in weeks, and the odds of being lost after a repeat order."""

    r: float
    alpha: float
    odds: float


@dataclass(frozen=True)
class Fit:
    """What fits best, and the value of the log-likelihood there."""

    parameters: Parameters
    log_likelihood: float


def fit(customers: pl.DataFrame) -> Fit:
    """The parameters of maximum likelihood; ValueError where there are none."""
    frequency, recency, age = figures(customers)
    tallied = np.unique(np.column_stack((frequency, recency, age)), axis=0, return_counts=True)
    (x, recent, old), count = tallied[0].T, tallied[1].astype(np.float64)

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, odds = parameters
        until_end, until_last = np.log(alpha + old), np.log(alpha + recent)
        alive = -(r + x) * until_end
        lost = np.where(x > 0, np.log(odds) - (r + x) * until_last, -np.inf)
        either = np.logaddexp(alive, lost)
        is_lost = np.exp(lost - either)
        is_alive = 1 - is_lost
        each = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - x * np.log1p(odds) + either
        slopes = (
            digamma(r + x) - digamma(r) + np.log(alpha) - is_alive * until_end - is_lost * until_last,
            r / alpha - (r + x) * (is_alive / (alpha + old) + is_lost / (alpha + recent)),
            is_lost / odds - x / (1 + odds),
        )
        return float(count @ each), np.array([count @ slope for slope in slopes])

    if not frequency.any():
        raise ValueError(f"There is nothing to fit: none of {customers.height} customers has ordered again.")
    start = np.array([1.0, float(age.mean()) or 1.0, 0.5])
    try:
        best = maximum(log_likelihood, start, customers.height)
    except NoMaximumError as error:
        raise ValueError(f"No model of repeat orders fits these {customers.height} customers: {error}.") from error
    return Fit(Parameters(*best.parameters.tolist()), best.log_likelihood)


def expected_future_orders(parameters: Parameters, customers: pl.DataFrame, weeks: float) -> pl.Series:
    """How many orders each customer makes in the next `weeks`, given what it did; as `customers` goes."""
    r, alpha, odds = parameters
    frequency, _, age = figures(customers)
    lost = odds / (1 + odds)
    kept = ((alpha + age) / (alpha + age + lost * weeks)) ** (r + frequency)
    return pl.Series("expected_future_orders", (1 - kept) / lost) * probability_alive(parameters, customers)


def probability_alive(parameters: Parameters, customers: pl.DataFrame) -> pl.Series:
    """How likely each customer is to order again at all; 1 for those without a repeat order."""
    r, alpha, odds = parameters
    frequency, recency, age = figures(customers)
    odds_of_loss = odds * ((alpha + age) / (alpha + recency)) ** (r + frequency)
    return pl.Series("probability_alive", np.where(frequency > 0, 1 / (1 + odds_of_loss), 1.0))
