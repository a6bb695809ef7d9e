"""The playbooks of the past: what the log says, what it hides, and what each case would have led to."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from ingestion.demo.clock import END
from ingestion.demo.outcomes import potential_outcomes, realised
from ingestion.demo.playbooks import PLAYBOOKS, REST_DAYS
from ingestion.demo.world import World, build_world

RESCUE, CALL, DISCOUNT = "onboarding_rescue", "quarterly_call", "discount_offer"


@cache
def world(*, is_acausal: bool = False, customers: int = 2000, rng: int = 5) -> World:
    return build_world(customers=customers, months=24, rng=rng, is_acausal=is_acausal)


@cache
def cases(*, is_acausal: bool = False, customers: int = 2000, rng: int = 5) -> pl.DataFrame:
    """The log with the truth: outcomes under both arms, the realised one, satisfaction and revenue at assignment."""
    found = world(is_acausal=is_acausal, customers=customers, rng=rng)
    dealt = found.history.cases
    left = realised(dealt, found.history.leaves_after(dealt.company, dealt.assigned_at))
    place = (np.maximum(dealt.place - 1, 0), dealt.company)
    return found.interventions.join(
        potential_outcomes(found.history, found.story).drop("playbook", "company", "assigned_at"), on="case"
    ).with_columns(
        has_left=pl.Series(left),
        satisfaction=pl.Series(found.history.satisfaction[place]),
        seats=pl.Series(found.history.seats[place]),
    )


@pytest.mark.parametrize("is_acausal", [False, True])
def test_history_is_the_potential_outcome_of_the_arm_taken(is_acausal: bool) -> None:
    taken = pl.when(pl.col("arm") == "treatment").then("y1").otherwise("y0")
    wrong = cases(is_acausal=is_acausal).filter(pl.col("has_left") != taken)
    assert wrong.is_empty()


def test_each_playbook_does_what_the_story_says() -> None:
    found = cases()
    both = found.with_columns(effect=pl.col("p1") - pl.col("p0"))
    of = {name: both.filter(pl.col("playbook") == name) for name in (RESCUE, CALL, DISCOUNT)}
    assert of[RESCUE]["effect"].max() <= 0 > of[RESCUE]["effect"].mean()
    assert (of[CALL]["p1"] == of[CALL]["p0"]).all()
    assert of[DISCOUNT]["effect"].min() >= 0 < of[DISCOUNT]["effect"].mean()
    # Nobody leaves with a rescue who would have stayed without it, nor stays with a discount who would have left.
    assert not (of[RESCUE]["y1"] & ~of[RESCUE]["y0"]).any()
    assert not (of[DISCOUNT]["y0"] & ~of[DISCOUNT]["y1"]).any()
    assert found["p0"].is_between(0, 1).all()
    assert found["p1"].is_between(0, 1).all()


def test_chances_and_outcomes_agree() -> None:
    seen = cases().filter("is_observed")
    for chance, outcome in (("p0", "y0"), ("p1", "y1")):
        spread = np.sqrt((seen[chance] * (1 - seen[chance])).sum())
        assert abs(seen[outcome].sum() - seen[chance].sum()) < 3.5 * spread


def test_no_playbook_does_anything_in_a_world_without_influence() -> None:
    found = cases(is_acausal=True)
    assert (found["p0"] == found["p1"]).all()
    assert (found["y0"] == found["y1"]).all()
    assert set(found["playbook"]) == {RESCUE, CALL, DISCOUNT}


def test_the_log_is_what_a_team_would_have() -> None:
    log = world().interventions
    assert log["case"].to_list() == list(range(len(log)))
    assert log.filter(pl.col("arm") == "control")["started_at"].null_count() == (log["arm"] == "control").sum()
    assert set(log.filter(pl.col("arm") == "control")["assigned_by"]) == {"random"}
    begun = log.filter(pl.col("started_at").is_not_null())
    assert (begun["started_at"] > begun["assigned_at"]).all()
    assert (begun["started_at"] <= END).all()
    assert (begun["cost_minor"] > 0).all()
    done = log.filter(pl.col("completed_at").is_not_null())
    assert (done["completed_at"] > done["started_at"]).all()
    again = log.sort("company", "assigned_at").with_columns(
        gap=pl.col("assigned_at").shift(-1).over("company") - pl.col("assigned_at"),
        rest=pl.col("playbook").replace_strict(dict(zip(PLAYBOOKS, REST_DAYS, strict=True)), return_dtype=pl.Int64),
    )
    assert again.filter(pl.col("gap").dt.total_days() < pl.col("rest")).is_empty()
    customers = log.join(world().companies.select("company", "signed_at"), on="company")
    assert (customers["assigned_at"] > customers["signed_at"]).all()


def test_who_was_begun_with_had_survived_until_then() -> None:
    found, history = world(), world().history
    dealt = history.cases
    left = history.leaves_after(dealt.company, dealt.assigned_at)
    starts = found.interventions["started_at"].dt.epoch("s").to_numpy()
    is_begun = found.interventions["started_at"].is_not_null().to_numpy()
    assert (left > dealt.assigned_at).all()
    assert (left[is_begun] > starts[is_begun]).all()
    chosen = ~dealt.is_random & dealt.is_reachable
    died_waiting = chosen & (left < dealt.starts_at)
    assert died_waiting.sum() >= 3
    assert not is_begun[died_waiting].any()
    wait = (dealt.starts_at - dealt.assigned_at) / 86_400
    assert wait[dealt.is_random].max() < 8 < 10 <= wait[~dealt.is_random].min()


def _difference(frame: pl.DataFrame, column: str, first: pl.Expr, second: pl.Expr) -> float:
    """Difference of the means of two groups, in standard deviations."""
    one, two = frame.filter(first)[column], frame.filter(second)[column]
    return float((one.mean() - two.mean()) / np.sqrt((one.var() + two.var()) / 2))


def _check_balance(found: pl.DataFrame, most: float) -> None:
    by_lot = found.filter(pl.col("assigned_by") == "random").with_columns(size=pl.col("seats").log())
    arms = pl.col("arm") == "treatment", pl.col("arm") == "control"
    for column in ("satisfaction", "size", "p0"):
        assert abs(_difference(by_lot, column, *arms)) < most, column


def test_the_lot_is_fair_and_the_choice_is_not() -> None:
    _check_balance(cases(), 0.2)
    calls = cases().filter(pl.col("playbook") == CALL)
    chosen, dealt = pl.col("assigned_by") == "person", pl.col("assigned_by") == "random"
    assert _difference(calls, "satisfaction", chosen, dealt) < -0.3


def _estimate(found: pl.DataFrame, playbook: str, treated: pl.Expr, control: pl.Expr) -> tuple[float, float]:
    """Difference in the share that leaves between two groups of a playbook's cases, and its standard error."""
    own = found.filter(pl.col("playbook") == playbook)
    one, two = (own.filter(group)["has_left"].cast(pl.Float64) for group in (treated, control))
    return float(one.mean() - two.mean()), float(np.sqrt(one.var() / len(one) + two.var() / len(two)))


def test_the_default_company_is_large_enough_to_tell_what_works() -> None:
    found = cases(rng=7).filter("is_observed")
    dealt = pl.col("assigned_by") == "random"
    treated, control = dealt & (pl.col("arm") == "treatment"), dealt & (pl.col("arm") == "control")
    for playbook, sign in ((RESCUE, -1), (DISCOUNT, 1)):
        estimate, error = _estimate(found, playbook, treated, control)
        true = (
            found.filter(dealt & (pl.col("playbook") == playbook)).select((pl.col("p1") - pl.col("p0")).mean()).item()
        )
        assert sign * true > 3.2 * error, playbook
        assert sign * estimate > 2.5 * error, playbook
        assert abs(estimate - true) < 2 * error, playbook
    estimate, error = _estimate(found, CALL, treated, control)
    assert abs(estimate) < error
    # Who takes the chosen for the treated finds that the call drives customers away, and that the rescue does nothing.
    naive, error = _estimate(found, CALL, ~dealt, control)
    assert naive > 2 * error
    naive, error = _estimate(found, RESCUE, ~dealt, control)
    assert naive > -1.5 * error


@pytest.mark.wide
def test_in_a_large_world_the_lot_finds_the_truth_and_the_choice_misleads() -> None:
    found = cases(customers=30_000).filter("is_observed")
    _check_balance(found, 0.06)
    for name, true in found.group_by("playbook").agg((pl.col("p1") - pl.col("p0")).mean().alias("effect")).iter_rows():
        by_lot = found.filter((pl.col("playbook") == name) & (pl.col("assigned_by") == "random"))
        treated, control = (by_lot.filter(pl.col("arm") == arm)["has_left"] for arm in ("treatment", "control"))
        spread = np.sqrt(treated.mean() * (1 - treated.mean()) / len(treated) + control.mean() / len(control))
        assert abs(treated.mean() - control.mean() - true) < 4 * spread
    calls = found.filter(pl.col("playbook") == CALL)
    by_choice = calls.filter(pl.col("assigned_by") == "person")["has_left"].mean()
    assert by_choice > calls.filter(pl.col("arm") == "control")["has_left"].mean() * 1.1


@pytest.mark.wide
def test_without_influence_the_choice_is_blind() -> None:
    calls = cases(is_acausal=True, customers=30_000).filter(pl.col("playbook") == CALL)
    chosen, dealt = pl.col("assigned_by") == "person", pl.col("assigned_by") == "random"
    assert abs(_difference(calls, "satisfaction", chosen, dealt)) < 0.1
