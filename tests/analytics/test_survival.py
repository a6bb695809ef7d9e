"""Curves of survival: figures of a published trial, a slow count in fractions, and what holds of any data."""

from fractions import Fraction
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.survival import cumulative_incidence, kaplan_meier, lifetimes, log_rank

CAUSES = ("involuntary", "voluntary")

# Weeks in remission of the leukaemia trial of Freireich et al. 1963.
LEFT = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_THERE = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TRIAL = pl.DataFrame(
    {
        "group": ["6-MP"] * 21 + ["placebo"] * 21,
        "exit": LEFT + STILL_THERE + PLACEBO,
        "event": [True] * len(LEFT) + [False] * len(STILL_THERE) + [True] * len(PLACEBO),
    }
)


def spells_of(rows: list[tuple[float, float, str | None]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={"entry": pl.Float64, "exit": pl.Float64, "cause": pl.String}, orient="row")
    return frame.with_columns(event=pl.col("cause").is_not_null())


@st.composite
def spells(draw: st.DrawFn, entries: int = 6, least: int = 0) -> pl.DataFrame:
    """Subjects with whole times, so that most are tied, some of whom enter when others leave, or leave at once."""
    one = st.tuples(st.integers(0, entries), st.integers(0, 8), st.sampled_from([*CAUSES, None]))
    return spells_of([(entry, entry + stay, cause) for entry, stay, cause in draw(st.lists(one, min_size=least))])


def counted(frame: pl.DataFrame) -> list[tuple[float, int, int, Fraction, Fraction | None, dict[str, Fraction]]]:
    """Time, at risk, events, survival, its variance, and the incidence of each cause, counted one by one."""
    rows = [row for row in frame.select("entry", "exit", "cause").iter_rows() if row[1] > row[0] or row[0] == 0]
    survival, greenwood, incidence = Fraction(1), Fraction(0), dict.fromkeys(CAUSES, Fraction(0))
    found = []
    for time in sorted({0.0, *(exit_ for _, exit_, _ in rows)}):
        at_risk = sum((entry < time or entry == 0) and time <= exit_ for entry, exit_, _ in rows)
        causes = [cause for _, exit_, cause in rows if exit_ == time and cause]
        for cause in causes:
            incidence[cause] += survival / at_risk
        if causes:
            survival *= 1 - Fraction(len(causes), at_risk)
            if survival:
                greenwood += Fraction(len(causes), at_risk * (at_risk - len(causes)))
        variance = survival**2 * greenwood if survival else None
        found.append((time, at_risk, len(causes), survival, variance, dict(incidence)))
    return found


def test_published_trial() -> None:
    curves = kaplan_meier(TRIAL)
    treated = {row["time"]: row for row in curves.filter(pl.col("group") == "6-MP").iter_rows(named=True)}
    published = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    assert {time: round(treated[time]["survival"], 4) for time in published} == published
    assert round(treated[10]["standard_error"], 4) == 0.0963
    assert (round(treated[10]["ci_low"], 4), round(treated[10]["ci_high"], 4)) == (0.5032, 0.8894)
    assert [treated[6][column] for column in ("at_risk", "events", "censored")] == [21, 3, 1]
    assert lifetimes(curves, 20)["median"].to_list() == [23, 8]
    test = log_rank(TRIAL)
    assert (round(test.chi_square, 3), test.degrees_of_freedom) == (16.793, 1)
    assert test.p_value == pytest.approx(4.17e-5, abs=1e-7)


@given(spells())
def test_curve_is_the_one_counted_in_fractions(frame: pl.DataFrame) -> None:
    expected = counted(frame) if frame.height else []
    curve = kaplan_meier(frame)
    assert curve["time"].to_list() == [time for time, *_ in expected]
    assert curve["at_risk"].to_list() == [at_risk for _, at_risk, *_ in expected]
    assert curve["events"].to_list() == [events for _, _, events, *_ in expected]
    assert curve["survival"].to_list() == pytest.approx([float(row[3]) for row in expected], abs=1e-12)
    for error, (*_, variance, _) in zip(curve["standard_error"], expected, strict=True):
        assert (error is None) == (variance is None)
        assert variance is None or error == pytest.approx(float(variance) ** 0.5, abs=1e-12)
    incidences = cumulative_incidence(frame, CAUSES)
    for cause in CAUSES:
        own = incidences.filter(pl.col("cause") == cause)["incidence"].to_list()
        assert own == pytest.approx([float(row[5][cause]) for row in expected], abs=1e-12)


@given(spells(least=1))
def test_what_holds_of_any_curve(frame: pl.DataFrame) -> None:
    curve = kaplan_meier(frame)
    assert curve["survival"].is_between(0, 1).all()
    assert (curve["survival"].diff().drop_nulls() <= 0).all()
    inside = curve.drop_nulls("ci_low")
    assert (inside["ci_low"] <= inside["survival"]).all()
    assert (inside["survival"] <= inside["ci_high"]).all()
    assert kaplan_meier(frame.sample(fraction=1, shuffle=True, seed=1)).equals(curve)
    doubled = kaplan_meier(pl.concat([frame, frame]))
    assert doubled["survival"].to_list() == pytest.approx(curve["survival"].to_list(), abs=1e-12)
    assert doubled["at_risk"].to_list() == [2 * at_risk for at_risk in curve["at_risk"]]
    together = kaplan_meier(
        pl.concat([frame.with_columns(group=pl.lit("one")), frame.with_columns(group=pl.lit("two"))])
    )
    for group in ("one", "two"):
        assert together.filter(pl.col("group") == group).drop("group").equals(curve.drop("group"))


@given(spells(least=1))
def test_what_is_left_and_what_went_add_up(frame: pl.DataFrame) -> None:
    incidences = cumulative_incidence(frame, CAUSES)
    whole = incidences.group_by("time", "survival").agg(pl.col("incidence").sum())
    assert (whole["survival"] + whole["incidence"]).to_list() == pytest.approx([1] * whole.height, abs=1e-12)
    assert incidences["standard_error"].null_count() == 0
    inside = incidences.drop_nulls("ci_low")
    assert inside.select((pl.col("incidence").is_between("ci_low", "ci_high")).all()).item()
    # One cause of all: what went is the rest of the curve, with the same error.
    one = cumulative_incidence(frame.with_columns(cause=pl.when("event").then(pl.lit("any"))), ["any"])
    curve = kaplan_meier(frame)
    assert (1 - one["incidence"]).to_list() == pytest.approx(curve["survival"].to_list(), abs=1e-12)
    is_defined = curve["standard_error"].is_not_null()
    assert one.filter(is_defined)["standard_error"].to_list() == pytest.approx(
        curve.filter(is_defined)["standard_error"].to_list(), abs=1e-7
    )


@given(spells(entries=0, least=1))
def test_without_censoring_all_is_the_share_that_was_seen(frame: pl.DataFrame) -> None:
    frame = frame.with_columns(pl.col("cause").fill_null("voluntary"), event=True)
    count = frame.height
    for time, survival in kaplan_meier(frame).select("time", "survival").iter_rows():
        assert survival == pytest.approx((frame["exit"] > time).sum() / count, abs=1e-12)
    for row in cumulative_incidence(frame, CAUSES).iter_rows(named=True):
        share = frame.filter((pl.col("exit") <= row["time"]) & (pl.col("cause") == row["cause"])).height / count
        assert row["incidence"] == pytest.approx(share, abs=1e-12)
        assert row["standard_error"] ** 2 == pytest.approx(share * (1 - share) / count, abs=1e-12)
    until = float(frame["exit"].max()) + 1  # type: ignore[arg-type]
    mean = lifetimes(kaplan_meier(frame), until).row(0, named=True)
    assert mean["rmst"] == pytest.approx(frame["exit"].mean(), abs=1e-9)
    assert mean["rmst_standard_error"] == pytest.approx(frame["exit"].std(ddof=0) / count**0.5, abs=1e-9)


def test_restricted_mean_of_the_trial_by_its_definition() -> None:
    curve = kaplan_meier(TRIAL).filter(pl.col("group") == "6-MP")
    steps = dict(curve.select("time", "survival").iter_rows())

    def area(start: float) -> float:
        times = np.linspace(start, 20, 20_001)[1:]
        heights = [steps[max(step for step in steps if step < time)] for time in times]
        return float(np.mean(heights)) * (20 - start)

    terms = {6: 3 / (21 * 18), 7: 1 / (17 * 16), 10: 1 / (15 * 14), 13: 1 / (12 * 11), 16: 1 / (11 * 10)}
    found = lifetimes(kaplan_meier(TRIAL), 20).row(0, named=True)
    error = sum(area(time) ** 2 * term for time, term in terms.items()) ** 0.5
    assert found["rmst"] == pytest.approx(area(0), abs=1e-3)
    assert found["rmst_standard_error"] == pytest.approx(error, abs=1e-3)
    assert found["rmst_ci_high"] - found["rmst"] == pytest.approx(1.96 * error, abs=1e-3)


def test_nobody_leaves() -> None:
    frame = pl.DataFrame({"exit": [3, 5], "event": [False, False]})
    curve = kaplan_meier(frame)
    assert curve["survival"].to_list() == [1, 1, 1]
    assert curve["standard_error"].to_list() == [0, 0, 0]
    assert curve["ci_low"].null_count() == 3
    found = lifetimes(curve, 5).row(0, named=True)
    assert (found["median"], found["rmst"], found["rmst_standard_error"]) == (None, 5, 0)
    none = cumulative_incidence(frame.with_columns(cause=pl.lit(None, pl.String)), CAUSES)
    assert none.height == 6
    assert (none["incidence"] == 0).all()


def test_median_of_half_that_is_rounded_up() -> None:
    curve = kaplan_meier(pl.DataFrame({"exit": range(1, 7), "event": True}))
    assert lifetimes(curve, 6)["median"].to_list() == [3]


def test_mean_is_unknown_beyond_what_was_watched() -> None:
    some_left = kaplan_meier(pl.DataFrame({"exit": [1, 2, 3], "event": [True, True, False]}))
    assert lifetimes(some_left, 3)["rmst"].to_list() == pytest.approx([2.0])
    assert lifetimes(some_left, 4).row(0)[2:] == (None,) * 4
    none_left = kaplan_meier(pl.DataFrame({"exit": [1, 2, 3], "event": [True, True, True]}))
    assert lifetimes(none_left, 100)["rmst"].to_list() == pytest.approx([2.0])


@pytest.mark.parametrize("horizon", [0, -1, float("nan"), float("inf")])
def test_horizon_has_to_be_a_time(horizon: float) -> None:
    with pytest.raises(ValueError, match="The horizon of a restricted mean is"):
        lifetimes(kaplan_meier(TRIAL), horizon)


def test_exit_at_entry() -> None:
    at_once = kaplan_meier(spells_of([(0, 0, "voluntary"), (0, 4, None)]))
    assert at_once.select("time", "at_risk", "survival").rows() == [(0, 2, 0.5), (4, 1, 0.5)]
    later = kaplan_meier(spells_of([(3, 3, "voluntary"), (0, 4, None)]))
    assert later.select("time", "at_risk", "survival").rows() == [(0, 1, 1), (4, 1, 1)]
    nobody = kaplan_meier(spells_of([(3, 3, "voluntary")]))
    assert nobody.select("time", "at_risk", "survival").rows() == [(0, 0, 1)]


def test_who_enters_late_is_at_risk_from_then_on() -> None:
    curve = kaplan_meier(spells_of([(0, 5, "voluntary"), (5, 9, "voluntary"), (4, 9, None)]))
    assert curve.select("time", "at_risk", "survival").rows() == [(0, 1, 1), (5, 2, 0.5), (9, 2, 0.25)]


def test_nobody_at_risk_for_a_while() -> None:
    level = kaplan_meier(spells_of([(0, 2, None), (5, 7, "voluntary"), (5, 8, None)]))
    assert level.select("time", "at_risk", "survival").rows() == [(0, 1, 1), (2, 1, 1), (7, 2, 0.5), (8, 1, 0.5)]
    gone = kaplan_meier(spells_of([(0, 2, "voluntary"), (5, 7, "voluntary"), (5, 8, None)]))
    assert gone["survival"].to_list() == [1, 0, 0, 0]
    assert gone["standard_error"].to_list() == [0, None, None, None]


@pytest.mark.parametrize(
    ("entry", "exit_"),
    [(0.0, float("nan")), (float("nan"), 1.0), (0.0, -1.0), (-1.0, 1.0), (2.0, 1.0), (0.0, float("inf")), (0.0, None)],
)
def test_times_that_cannot_be(entry: float, exit_: float | None) -> None:
    frame = pl.DataFrame(
        {"group": ["a", "b"], "entry": [0.0, entry], "exit": [1.0, exit_], "event": True, "cause": "voluntary"}
    )
    for measure in (kaplan_meier, log_rank, lambda frame: cumulative_incidence(frame, CAUSES)):
        with pytest.raises(ValueError, match="1 of 2 spells have times that can't be, the first in row 1"):
            measure(frame)


def test_what_has_to_be_said_of_a_spell() -> None:
    with pytest.raises(ValueError, match="The spell in row 1 has no event"):
        kaplan_meier(pl.DataFrame({"exit": [1, 2], "event": [True, None]}))
    with pytest.raises(ValueError, match="The spell in row 0 has no group"):
        kaplan_meier(pl.DataFrame({"exit": [1, 2], "event": True, "group": [None, "a"]}))
    with pytest.raises(ValueError, match="A spell has the cause fraud; the causes are involuntary, voluntary"):
        cumulative_incidence(pl.DataFrame({"exit": [1, 2], "cause": ["fraud", None]}), CAUSES)


def slow_log_rank(frame: pl.DataFrame) -> float:
    """The statistic, by sums over times and pairs of groups, with the last group left out."""
    groups = frame["group"].unique().sort().to_list()[:-1]
    surplus = np.zeros(len(groups))
    covariance = np.zeros((len(groups), len(groups)))
    for time in frame.filter("event")["exit"].unique():
        is_at_risk = ((pl.col("entry") < time) | (pl.col("entry") == 0)) & (pl.col("exit") >= time)
        at_risk = frame.filter(is_at_risk)
        leaving = at_risk.filter((pl.col("exit") == time) & pl.col("event"))
        n, d = at_risk.height, leaving.height
        own = [at_risk.filter(pl.col("group") == group).height for group in groups]
        for one, group in enumerate(groups):
            surplus[one] += leaving.filter(pl.col("group") == group).height - d * own[one] / n
        for (one, _), (other, _) in product(enumerate(groups), repeat=2):
            if n > 1:
                same = own[one] * n if one == other else 0
                covariance[one, other] += d * (n - d) / (n - 1) * (same - own[one] * own[other]) / n**2
    return float(surplus @ np.linalg.solve(covariance, surplus))


def test_log_rank_of_several_groups_with_late_entries() -> None:
    random = np.random.default_rng(4)
    entry = random.integers(0, 20, 300) * (random.random(300) < 0.5)
    frame = pl.DataFrame(
        {
            "group": random.choice(["a", "b", "c", "d"], 300),
            "entry": entry,
            "exit": entry + random.integers(1, 30, 300),
            "event": random.random(300) < 0.7,
        }
    )
    test = log_rank(frame)
    assert test.degrees_of_freedom == 3
    assert test.chi_square == pytest.approx(slow_log_rank(frame), rel=1e-9)


def test_log_rank_goes_on_over_many_times() -> None:
    random = np.random.default_rng(5)
    exits = random.exponential(size=50_000)
    groups = random.choice(["a", "b"], 50_000)
    whole = log_rank(pl.DataFrame({"group": groups, "exit": exits, "event": True}))
    assert whole.p_value > 0.001
    order = np.argsort(exits)
    is_a = (groups == "a")[order]
    share = is_a[::-1].cumsum()[::-1] / np.arange(len(exits), 0, -1)
    surplus, variance = (is_a - share).sum(), (share * (1 - share)).sum()
    assert whole.chi_square == pytest.approx(surplus**2 / variance, rel=1e-9)


def test_groups_that_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="compares two or more groups that were at risk; there are 1"):
        log_rank(pl.DataFrame({"exit": [1, 2], "event": True}))
    apart = pl.DataFrame(
        {"group": ["a", "a", "b", "b"], "entry": [0, 0, 5, 5], "exit": [2, 3, 7, 8], "event": [True] * 4}
    )
    nobody_leaves = apart.with_columns(event=False, entry=0)
    for frame in (apart, nobody_leaves):
        test = log_rank(frame)
        assert (test.chi_square, test.degrees_of_freedom, test.p_value) == (0, 0, 1)
