"""Parameters above 0 that fit best, and how sure they are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

_SLOPE_TO_STOP = 1e-8
_LARGEST_SLOPE = 1e-6
_STEP = 1e-4
# A standard error of a logarithm of 10: the parameter may as well be anything.
_LEAST_INFORMATION = 0.01


class NoMaximumError(ValueError):
    """No parameters fit best: the search ran off to where one of them may as well be anything."""


@dataclass(frozen=True)
class Maximum:
    """The parameters, their standard errors (one each, from the curvature of the log-likelihood), and its value."""

    parameters: Floats
    standard_errors: Floats
    log_likelihood: float


def maximum(log_likelihood: Callable[[Floats], tuple[float, Floats]], start: Floats, count: int) -> Maximum:
    """Where `log_likelihood`, which gives its value and its slope by each parameter, is greatest.

    Found from `start` by the gradient over the logarithms of the parameters (Broyden, Fletcher, Goldfarb & Shanno
    1970). `count` is of the independent cases of which it is the sum. Raises NoMaximumError where there is none.
    """

    def mean_loss(logs: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):
            value, slopes = log_likelihood(np.exp(logs))
            return -value / count, -slopes * np.exp(logs) / count

    best = minimize(
        mean_loss, np.log(start), jac=True, method="BFGS", options={"gtol": _SLOPE_TO_STOP, "maxiter": 1000}
    )
    steps = _STEP * np.eye(start.size)
    differences = [mean_loss(best.x + step)[1] - mean_loss(best.x - step)[1] for step in steps]
    curvature = count * np.array(differences) / (2 * _STEP)
    information = (curvature + curvature.T) / 2
    parameters: Floats = np.exp(best.x)
    is_found = np.isfinite(information).all() and np.abs(best.jac).max() <= _LARGEST_SLOPE
    if not is_found or np.linalg.eigvalsh(information).min() < _LEAST_INFORMATION:
        raise NoMaximumError(f"the search ended at {', '.join(f'{value:.3g}' for value in parameters)}")
    errors = parameters * np.sqrt(np.diag(np.linalg.inv(information)))
    return Maximum(parameters, errors, -float(best.fun) * count)
