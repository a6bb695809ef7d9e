"""What each case of a playbook would have led to under either arm: the truth that no log can hold."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, Bools, Floats, Integers, as_times, month_bounds
from ingestion.demo.history import History
from ingestion.demo.playbooks import OUTCOME_DAYS, PLAYBOOKS, Cases
from ingestion.demo.story import Story, churn_chance

# So many calendar months can hold a part of the days of the outcome.
MONTHS_OF_OUTCOME = OUTCOME_DAYS // 28 + 2


@dataclass(frozen=True)
class _Outcome:
    """Chance to have left within the days of the outcome, and whether the draw of the history makes it so."""

    chance: Floats
    has_left: Bools


def potential_outcomes(history: History, story: Story) -> pl.DataFrame:
    """One row per case: p0 and p1, the chance to leave within 90 days of the assignment without and with the playbook,
    and y0 and y1, whether the company would have.

    Both come from the same draws as the history, so that its outcome is that of the arm taken. p1 and y1 are those of
    being assigned: a company that leaves before its turn, or can't be reached, is not treated under either.
    `is_observed` is false where the data end before the 90 days.
    """
    cases = history.cases
    without, treated = (_outcome(history, story, cases, is_treated=is_treated) for is_treated in (False, True))
    return pl.DataFrame(
        {
            "case": np.arange(len(cases)),
            "playbook": np.array(PLAYBOOKS)[cases.playbook],
            "company": cases.company.astype(np.int32),
            "assigned_at": as_times("assigned_at", cases.assigned_at),
            "p0": without.chance,
            "p1": treated.chance,
            "y0": without.has_left,
            "y1": treated.has_left,
            "is_observed": cases.assigned_at + OUTCOME_DAYS * DAY <= month_bounds(history.months)[-1],
        }
    )


def _outcome(history: History, story: Story, cases: Cases, *, is_treated: bool) -> _Outcome:
    effects = [story.playbook_effect(name) for name in PLAYBOOKS]
    log_ratio = np.array([effect.log_hazard_ratio for effect in effects])[cases.playbook] * cases.is_reachable
    ends_at = cases.starts_at + np.array([effect.days for effect in effects])[cases.playbook] * DAY
    until = cases.assigned_at + OUTCOME_DAYS * DAY
    stays, leaves = np.ones(len(cases)), np.zeros(len(cases))
    is_there, has_left = np.ones(len(cases), bool), np.zeros(len(cases), bool)
    for later in range(MONTHS_OF_OUTCOME):
        place = cases.place + later
        is_known = place < len(history.months)
        at = (np.minimum(place, len(history.months) - 1), cases.company)
        cancel_at, give_up_at = history.cancel_at[at], history.give_up_at[at]
        acts = is_treated & (cases.starts_at < cancel_at) & (cancel_at <= ends_at)
        cancel = churn_chance(history.rate[at], history.exposure[at], np.where(acts, log_ratio, 0.0))
        give_up, draw = history.involuntary[at], history.draw[at]
        is_given_up = draw < give_up
        is_cancelled = ~is_given_up & ((draw - give_up) / (1 - give_up) < cancel)
        # Whoever is assigned hasn't left before on that month's draw, which makes the rest of the draw less open.
        may_cancel, may_give_up = (is_known & (moment > cases.assigned_at) for moment in (cancel_at, give_up_at))
        not_before = 1 - np.where(may_give_up, 0, give_up) - np.where(may_cancel, 0, (1 - give_up) * cancel)
        give_up, cancel = may_give_up * give_up / not_before, may_cancel * (1 - give_up) * cancel / not_before
        leaves += stays * (give_up * (give_up_at <= until) + cancel * (cancel_at <= until))
        stays *= 1 - give_up - cancel
        is_in_time = (is_given_up & may_give_up & (give_up_at <= until)) | (
            is_cancelled & may_cancel & (cancel_at <= until)
        )
        has_left |= is_there & is_in_time
        is_there &= ~((is_given_up & may_give_up) | (is_cancelled & may_cancel))
    return _Outcome(leaves, has_left)


def realised(cases: Cases, leaves_at: Integers) -> Bools:
    """Whether each case's company left within the days of the outcome, given when it next left."""
    return np.asarray(leaves_at <= cases.assigned_at + OUTCOME_DAYS * DAY)
