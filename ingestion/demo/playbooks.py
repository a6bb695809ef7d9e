"""Three playbooks that were carried out in the past: for whom, by whose choice, and what they did.

A playbook is triggered by what is known of a customer: the rescue in the first months after an onboarding that was not
good, the discount offer by dissatisfaction, the call by the end of a quarter. Most of the triggered cases are dealt by
lot between treatment and control. For the others a customer success manager decides, and prefers those who look
unhappy, whose contract may end soon, and who pay much: the treated are then unlike the untreated, of whom the log says
nothing. A chosen customer waits for weeks until somebody has time; who leaves before is never begun with, so that
those who were begun with have survived until then.

What the log of the default company can show: an arm of a lot has 240 to 550 cases with a known outcome, and the true
effect on the share that leaves within 90 days is -0.058 for the rescue and +0.116 for the discount, 3.5 and 3.8
standard errors of the lot's estimate. The call does nothing; but of those whom managers chose for it 8 in 100 leave,
against 2 in 100 of the lot's control, so that it looks harmful. The rescue, compared like that, seems to do nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestion.demo.clock import DAY, END, HOUR, Bools, Floats, Integers, Seeds, as_times, to_seconds
from ingestion.demo.story import PLAYBOOK_EFFECTS, Story, logistic
from ingestion.demo.traits import Traits

PLAYBOOKS = tuple(PLAYBOOK_EFFECTS)
RESCUE, CALL, DISCOUNT = range(len(PLAYBOOKS))
# Per playbook: share of the cases that are dealt by lot; and of these, share that is treated.
RANDOM_SHARES, TREATMENT_SHARE = (0.7, 0.4, 0.7), 0.5
BAD_ONBOARDING, UNHAPPY = 0.65, 0.65
REACHABLE_SHARE = 0.92
# Days from decision to start: of a lot, and of somebody's choice.
LOT_WAIT_DAYS, CHOICE_WAIT_DAYS = (1, 8), (10, 45)
# No customer has a second case before the first one's effect has passed.
REST_DAYS = tuple(CHOICE_WAIT_DAYS[1] + effect.days for effect in PLAYBOOK_EFFECTS.values())
OUTCOME_DAYS = 90
# Per playbook: what a case costs in cents, and how the customer is reached.
COSTS_MINOR, CHANNELS = (42_000, 9_000, 15_000), ("meeting", "phone", "email")
# Share of those reached whom the owner notes as saved, whether they would have left or not.
SAVED_NOTED_SHARE = 0.3


@dataclass(frozen=True)
class Moment:
    """One month as those see it who decide; one entry per company.

    `leaves_at`: when it leaves without a new case. `ends_soon`: its contract may end within three months.
    """

    begins: int
    ends: int
    is_customer: Bools
    leaves_at: Integers
    tenure: Integers
    satisfaction: Floats
    mrr: Integers
    ends_soon: Bools
    may_discount: Bools


@dataclass(frozen=True)
class Cases:
    """One entry per case, in the order of assignment. Times are seconds; `starts_at` is what was planned."""

    playbook: Integers
    company: Integers
    place: Integers
    is_random: Bools
    is_treatment: Bools
    is_reachable: Bools
    assigned_at: Integers
    starts_at: Integers

    def __len__(self) -> int:
        return len(self.company)


class CaseBook:
    """Opens cases month by month, and knows whose hazard they change at a moment."""

    def __init__(self, seeds: Seeds, story: Story, traits: Traits) -> None:
        self._chance = seeds.generator("playbooks")
        self._traits = traits
        self._effects = [story.playbook_effect(name) for name in PLAYBOOKS]
        self._is_blind = story.is_acausal
        self._begins, self._ends = np.zeros((2, traits.count), np.int64)
        self._log_ratio = np.zeros(traits.count)
        self._rests_until = np.zeros(traits.count, np.int64)
        self._cases: list[dict[str, NDArray[Any]]] = []

    def effect(self, at: Integers) -> Floats:
        """What playbooks add to each company's log hazard at a moment."""
        return np.where((self._begins < at) & (at <= self._ends), self._log_ratio, 0.0)

    def open(self, place: int, moment: Moment) -> None:
        """Open the month's cases, for those who are still customers when it is their turn."""
        is_new = (moment.tenure >= 1) & (moment.tenure <= 3)
        triggers = {
            RESCUE: is_new & (self._traits.onboarding < BAD_ONBOARDING),
            DISCOUNT: (moment.tenure >= 2) & (moment.satisfaction < UNHAPPY) & moment.may_discount,
            CALL: (moment.tenure > 0) & (moment.tenure % 3 == 0),
        }
        for playbook, is_triggered in triggers.items():
            self._open(playbook, place, moment, is_triggered)

    def _open(self, playbook: int, place: int, moment: Moment, is_triggered: Bools) -> None:
        chance, count = self._chance, len(is_triggered)
        days = (moment.ends - moment.begins) // DAY
        at = moment.begins + chance.integers(0, max(days, 1), count) * DAY + chance.integers(8 * HOUR, 17 * HOUR, count)
        is_eligible = is_triggered & moment.is_customer & (at < moment.leaves_at) & (at < moment.ends)
        is_eligible &= at >= self._rests_until
        is_random = chance.random(count) < RANDOM_SHARES[playbook]
        lot, choice, reach = chance.random((3, count))
        is_chosen = choice < self._chosen_chance(moment)
        is_treatment = np.where(is_random, lot < TREATMENT_SHARE, True)
        lot_wait, choice_wait = chance.uniform(*LOT_WAIT_DAYS, count), chance.uniform(*CHOICE_WAIT_DAYS, count)
        starts_at = at + (np.where(is_random, lot_wait, choice_wait) * DAY).astype(np.int64)
        is_reachable = reach < REACHABLE_SHARE
        is_case = is_eligible & (is_random | is_chosen)
        self._rests_until[is_case] = at[is_case] + REST_DAYS[playbook] * DAY
        acts = is_case & is_treatment & is_reachable
        effect = self._effects[playbook]
        self._begins[acts] = starts_at[acts]
        self._ends[acts] = starts_at[acts] + effect.days * DAY
        self._log_ratio[acts] = effect.log_hazard_ratio
        (company,) = np.nonzero(is_case)
        self._cases.append(
            {
                "playbook": np.full(len(company), playbook),
                "company": company,
                "place": np.full(len(company), place),
                "is_random": is_random[company],
                "is_treatment": is_treatment[company],
                "is_reachable": is_reachable[company],
                "assigned_at": at[company],
                "starts_at": starts_at[company],
            }
        )

    def _chosen_chance(self, moment: Moment) -> Floats:
        """Managers see who is unhappy, may leave soon and pays much; in a world without influence they are blind."""
        if self._is_blind:
            return np.full(len(moment.mrr), 0.45)
        value = np.log(moment.mrr / np.median(moment.mrr))
        return logistic(-3.2 + 2.5 * moment.ends_soon + 25.0 * (0.6 - moment.satisfaction) + 0.4 * value)

    def cases(self) -> Cases:
        """All cases so far."""
        columns = {name: np.concatenate([part[name] for part in self._cases]) for name in self._cases[0]}
        order = np.lexsort((columns["company"], columns["assigned_at"]))
        return Cases(**{name: column[order] for name, column in columns.items()})


def intervention_frame(
    seeds: Seeds, cases: Cases, leaves_at: Integers, people: pl.DataFrame, traits: Traits
) -> pl.DataFrame:
    """The log, one row per case: what was decided, when it was begun and completed, and what the owner noted.

    `leaves_at`: when the customer of each case next left.
    """
    chance, count, end = seeds.generator("interventions"), len(cases), to_seconds(END)
    has_begun = cases.is_treatment & cases.is_reachable & (cases.starts_at < np.minimum(leaves_at, end))
    completed_at = cases.starts_at + (chance.exponential(8, count) * DAY).astype(np.int64) + HOUR
    is_complete = has_begun & (completed_at < np.minimum(leaves_at, end))
    is_lost = leaves_at <= cases.assigned_at + OUTCOME_DAYS * DAY
    draw = chance.random(count)
    note = np.select(
        [~has_begun & is_lost, ~has_begun, is_lost, draw < SAVED_NOTED_SHARE],
        ["lost", "no_answer", "lost", "saved"],
        "reached",
    )
    is_noted = cases.is_treatment & (has_begun | (cases.starts_at < end))
    contact = people.filter(pl.col("role") == "champion").sort("company")["person"].to_numpy()[cases.company]
    cost = np.array(COSTS_MINOR)[cases.playbook] * np.exp(0.2 * chance.normal(size=count))
    return pl.DataFrame(
        {
            "case": np.arange(count),
            "playbook": np.array(PLAYBOOKS)[cases.playbook],
            "company": cases.company.astype(np.int32),
            "person": pl.Series(contact.astype(np.int32)).set(pl.Series(chance.random(count) < 0.1), None),
            "arm": np.where(cases.is_treatment, "treatment", "control"),
            "assigned_by": np.where(cases.is_random, "random", "person"),
            "assigned_at": as_times("assigned_at", cases.assigned_at),
            "started_at": as_times("started_at", cases.starts_at, has_begun),
            "completed_at": as_times("completed_at", completed_at, is_complete),
            "channel": np.array(CHANNELS)[cases.playbook],
            "owner": traits.owner[cases.company].astype(np.int32),
            "outcome": pl.Series(note).set(pl.Series(~is_noted), None),
            "cost_minor": np.where(has_begun, np.round(cost).astype(np.int64), 0),
        }
    )
