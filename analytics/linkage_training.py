"""Expectation-maximisation for Fellegi-Sunter over several blocking passes at once, with priors.

Splink's own training takes the median of separate passes and leaves a level that none of them saw at a fixed value.
Here the passes share m, each has its own share of matches, and a Dirichlet prior holds what the data don't say, so
that few records, few duplicates or empty columns can't turn the two classes round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PRIOR_PAIRS = 25.0
"""Weight of the shipped m, in matching pairs."""

PRIOR_RANDOM_PAIRS = 20_000.0
"""Weight of the shipped u, in random pairs."""

FAMILIES_PER_RECORD = 0.01

MAX_ITERATIONS = 200
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Pass:
    """Pairs that share one blocking key, counted by agreement pattern.

    `levels` is patterns x comparisons: the index of the level from the strongest down, -1 where there is nothing to
    compare. `counts` is pairs per pattern, of a sample of all the `pairs`. `fixed` names the comparisons that the key
    makes agree.
    """

    levels: NDArray[np.int64]
    counts: Floats
    fixed: frozenset[str]
    rule: str
    pairs: float


def correct_u(sampled: Floats, pairs: float, m: Floats, prior: float, shipped: Floats) -> Floats:
    """u without the matches that a random sample of pairs holds: (sampled - λm) / (1 - λ), shrunk to the shipped u.

    In a small file with many duplicates most chance agreements on an identifier are matches; uncorrected, the
    identifier would look common. `sampled` is shares by level of `pairs` random pairs.
    """
    chance = np.maximum(sampled - prior * m, 0.0) * pairs
    posterior = chance + PRIOR_RANDOM_PAIRS * shipped
    return np.asarray(posterior / posterior.sum(), dtype=np.float64)


def monotone(m: Floats, u: Floats) -> tuple[Floats, Floats]:
    """m and u with log2(m/u) falling from the strongest level down, by pooling adjacent violators.

    Pooled levels share their summed m and u in the proportions of u, which keeps both sums.
    """
    groups: list[tuple[float, float, list[int]]] = []
    for index, (m_level, u_level) in enumerate(zip(m, u, strict=True)):
        groups.append((float(m_level), float(u_level), [index]))
        while len(groups) > 1 and groups[-1][0] * groups[-2][1] > groups[-2][0] * groups[-1][1]:
            m_last, u_last, members = groups.pop()
            m_before, u_before, members_before = groups.pop()
            groups.append((m_before + m_last, u_before + u_last, members_before + members))
    pooled = m.copy()
    for m_sum, u_sum, members in groups:
        pooled[members] = m_sum * u[members] / u_sum
    return pooled, u


def expectation_maximisation(
    passes: Sequence[Pass],
    names: Sequence[str],
    shipped_m: Mapping[str, Floats],
    shipped_u: Mapping[str, Floats],
    sampled_u: Mapping[str, tuple[Floats, float]],
    prior: float,
) -> tuple[dict[str, Floats], dict[str, Floats], list[float]]:
    """m and u by comparison, each summing to 1 over its levels, and the share of each pass's pairs that match.

    `names` orders the columns of each pass's `levels`. `sampled_u` is, by comparison, the shares of its levels among
    random pairs and how many pairs these were (0: none could be compared). Maximum a posteriori EM (Dempster, Laird
    & Rubin 1977; Winkler 2000 for record linkage); the start is the shipped m.
    """
    m = {name: shipped_m[name].copy() for name in names}
    shares = [0.5] * len(passes)
    u = _corrected(names, m, shipped_u, sampled_u, prior)
    for _ in range(MAX_ITERATIONS):
        expected = {name: PRIOR_PAIRS * shipped_m[name] for name in names}
        for index, one in enumerate(passes):
            posterior = _posterior(one, names, m, u, shares[index])
            matched = posterior * one.counts
            shares[index] = float((matched.sum() + 1) / (one.counts.sum() + 2))
            for column, name in enumerate(names):
                if name in one.fixed:
                    continue
                seen = one.levels[:, column]
                comparable = seen >= 0
                expected[name] = expected[name] + np.bincount(
                    seen[comparable], weights=matched[comparable], minlength=len(expected[name])
                )
        updated = {name: expected[name] / expected[name].sum() for name in names}
        moved = max((float(np.abs(updated[name] - m[name]).max()) for name in names), default=0.0)
        m = updated
        u = _corrected(names, m, shipped_u, sampled_u, prior)
        if moved < TOLERANCE:
            break
    return m, u, shares


def dependence_weights(
    agreeing_pairs: float,
    record_count: int,
    possible_pairs: int,
    u_first: float,
    m_places: Sequence[float],
    u_places: Sequence[float],
) -> list[float]:
    """By place, the weight in bits that takes back what a shared home is overrated by, at most 0.

    `agreeing_pairs` are pairs that agree on both comparisons at the strongest place and don't match: families. Their
    rate F among random pairs gives P(agree on both | different) = u_first·u_place + F·m_place, a mixture of strangers
    and families that are recorded as faithfully as one person is; the weight is how much less likely independence
    makes it. A family in a hundred records is assumed before any is seen.
    """
    rate = (agreeing_pairs + FAMILIES_PER_RECORD * record_count) / possible_pairs / max(m_places[0], 0.05)
    return [
        -float(np.log2(1 + rate * m_place / (u_first * u_place)))
        for m_place, u_place in zip(m_places, u_places, strict=True)
    ]


def _corrected(
    names: Sequence[str],
    m: Mapping[str, Floats],
    shipped_u: Mapping[str, Floats],
    sampled_u: Mapping[str, tuple[Floats, float]],
    prior: float,
) -> dict[str, Floats]:
    return {name: correct_u(*sampled_u[name], m[name], prior, shipped_u[name]) for name in names}


def _posterior(
    one: Pass, names: Sequence[str], m: Mapping[str, Floats], u: Mapping[str, Floats], share: float
) -> Floats:
    """P(match) of each pattern of a pass in which `share` of the pairs match."""
    log_odds = np.full(len(one.counts), np.log(share / (1 - share)))
    for column, name in enumerate(names):
        if name in one.fixed:
            continue
        seen = one.levels[:, column]
        weights = np.append(np.log(m[name] / u[name]), 0.0)
        log_odds += weights[seen]
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))), dtype=np.float64)
