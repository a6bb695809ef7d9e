"""The same curves as lifelines draws, on random data with ties and late entries.

Entries lie between exits: where both are at one time, lifelines counts who enters as at risk at once.
"""

import warnings

import numpy as np
import polars as pl
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time

from analytics.survival import cumulative_incidence, kaplan_meier, lifetimes, log_rank

SEEDS = range(3)


def random_spells(seed: int) -> pl.DataFrame:
    """Most exits are tied, those for cause 2 among themselves: lifelines moves causes apart that meet at one time."""
    random = np.random.default_rng(seed)
    count = 400
    entry = np.where(random.random(count) < 0.5, 0, random.integers(0, 20, count) + 0.5)
    exits = np.ceil(entry) + random.geometric(0.05, count)
    # The first subjects are watched from the start and stay, so that no early risk set is empty.
    entry[:10], exits[:10] = 0, 60
    cause = random.choice([0, 1, 2], count, p=[0.3, 0.4, 0.3])
    return pl.DataFrame(
        {
            "group": random.choice(["a", "b", "c"], count),
            "entry": entry,
            "exit": exits + 0.25 * (cause == 2),
            "event": cause > 0,
            "cause": pl.Series(cause).replace_strict({0: None, 1: "1", 2: "2"}, return_dtype=pl.String),
        }
    )


def close(ours: pl.Series, theirs: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
    np.testing.assert_allclose(ours.to_numpy(), theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_kaplan_meier(seed: int) -> None:
    spells = random_spells(seed)
    curve = kaplan_meier(spells.drop("group"))
    fitter = KaplanMeierFitter().fit(
        spells["exit"].to_numpy(), spells["event"].to_numpy(), entry=spells["entry"].to_numpy()
    )
    times = curve["time"].to_numpy()
    close(curve["survival"], fitter.survival_function_.loc[times, "KM_estimate"].to_numpy())
    assert curve["at_risk"].to_list()[1:] == fitter.event_table.loc[times[1:], "at_risk"].to_list()
    inside = curve.drop_nulls("ci_low")
    assert inside.height > 20
    interval = fitter.confidence_interval_survival_function_.loc[inside["time"].to_numpy()]
    close(inside["ci_low"], interval["KM_estimate_lower_0.95"].to_numpy())
    close(inside["ci_high"], interval["KM_estimate_upper_0.95"].to_numpy())
    found = lifetimes(curve, 45.25).row(0, named=True)
    assert found["median"] == fitter.median_survival_time_
    assert found["rmst"] == pytest.approx(restricted_mean_survival_time(fitter, 45.25), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_cumulative_incidence(seed: int) -> None:
    spells = random_spells(seed)
    incidences = cumulative_incidence(spells.drop("group"), ("1", "2"))
    codes = spells["cause"].fill_null("0").cast(pl.Int64).to_numpy()
    for cause in (1, 2):
        fitter = AalenJohansenFitter()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it warns before it moves a time
            fitter.fit(spells["exit"].to_numpy(), codes, event_of_interest=cause, entry=spells["entry"].to_numpy())
        ours = incidences.filter(pl.col("cause") == str(cause))
        times = ours["time"].to_numpy()
        close(ours["incidence"], fitter.cumulative_density_.loc[times, f"CIF_{cause}"].to_numpy())
        inside = ours.drop_nulls("ci_low")
        assert inside.height > 20
        # lifelines gives the two ends each other's names.
        interval = fitter.confidence_interval_.loc[inside["time"].to_numpy()]
        close(inside["ci_low"], interval["AJ_estimate_upper_0.95"].to_numpy())
        close(inside["ci_high"], interval["AJ_estimate_lower_0.95"].to_numpy())


@pytest.mark.parametrize("seed", SEEDS)
def test_log_rank(seed: int) -> None:
    spells = random_spells(seed).with_columns(pl.col("exit").floor(), entry=pl.lit(0.0))
    theirs = multivariate_logrank_test(
        spells["exit"].to_numpy(), spells["group"].to_numpy(), spells["event"].to_numpy()
    )
    ours = log_rank(spells)
    assert ours.chi_square == pytest.approx(theirs.test_statistic, abs=1e-9)
    assert ours.p_value == pytest.approx(theirs.p_value, abs=1e-9)
