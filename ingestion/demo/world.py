"""The demo company with all that is true of it."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from ingestion.demo import parties
from ingestion.demo.clock import END, Seeds, as_times, month_bounds, months_until_end
from ingestion.demo.history import CAUSES, History
from ingestion.demo.playbooks import intervention_frame
from ingestion.demo.pricing import CURRENCIES, seat_price
from ingestion.demo.simulate import simulate
from ingestion.demo.states import plan_names, subscription_states
from ingestion.demo.story import TIERS, Story
from ingestion.demo.traits import draw_traits


@dataclass(frozen=True)
class World:
    """All frames have dense ids from 0 and are sorted by them.

    `companies`: one row per company; its plan, like `churned_at`, is the present one, and null means still a customer.
    `people`: one row per person of a company. `panel`: one row per company and month in which it was a customer; what
    it says of a month is known at its end. `states`: every state of every subscription. `interventions`: the log of
    the playbooks. `history`: the arrays from which the frames are made.
    """

    seeds: Seeds
    months: list[date]
    start: datetime
    end: datetime
    is_acausal: bool
    companies: pl.DataFrame
    people: pl.DataFrame
    panel: pl.DataFrame
    states: pl.DataFrame
    interventions: pl.DataFrame
    story: Story
    history: History


def build_world(*, customers: int, months: int, rng: int, is_acausal: bool = False) -> World:
    """Simulate `customers` companies over `months` whole months before END's month and that month until END."""
    seeds, story, calendar = Seeds(rng), Story.of(is_acausal=is_acausal), months_until_end(months)
    traits = draw_traits(seeds, customers, calendar, is_acausal=is_acausal)
    history = simulate(seeds, story, traits, calendar)
    states = subscription_states(history)
    leaves_at = history.leaves_after(history.cases.company, history.cases.assigned_at)
    companies = parties.company_frame(seeds, traits)
    people = parties.people_frame(seeds, traits, companies)
    return World(
        seeds=seeds,
        months=calendar,
        start=datetime(calendar[0].year, calendar[0].month, 1),  # noqa: DTZ001, UTC without a zone like all times here
        end=END,
        is_acausal=is_acausal,
        companies=_companies(history, companies),
        people=people,
        panel=_panel(history, states),
        states=states,
        interventions=intervention_frame(seeds, history.cases, leaves_at, people, traits),
        story=story,
        history=history,
    )


def _final_churn(history: History) -> tuple[np.ndarray, np.ndarray]:
    """Second at which each company left for good (0: it is still there), and the place of the cause."""
    is_gone = ~history.is_customer[-1] | (history.churned_at[-1] > 0)
    # A company that hasn't returned left in the last month that has a churn.
    last = len(history.months) - 1 - (history.churned_at[::-1] > 0).argmax(axis=0)
    company = np.arange(history.traits.count)
    return np.where(is_gone, history.churned_at[last, company], 0), history.cause[last, company]


def _companies(history: History, parties_: pl.DataFrame) -> pl.DataFrame:
    traits = history.traits
    churned_at, cause = _final_churn(history)
    onboarded_at = traits.signed_at + (traits.onboarding_days * 86_400).astype(np.int64)
    until = np.where(churned_at > 0, churned_at, month_bounds(history.months)[-1])
    frame = pl.DataFrame(
        {
            "company": np.arange(traits.count, dtype=np.int32),
            "employees": traits.employees,
            "tier": np.array(TIERS)[traits.tier],
            "unit": np.where(traits.is_acquired, "acquired", "core"),
            "plan": history.plan[-1],
            "currency": np.array(CURRENCIES)[traits.currency],
            "signed_at": as_times("signed_at", traits.signed_at),
            "churned_at": as_times("churned_at", churned_at, churned_at > 0),
            "churn_cause": pl.Series(np.array(CAUSES)[cause]).set(pl.Series(churned_at == 0), None),
            "owner": traits.owner.astype(np.int32),
            "onboarded_at": as_times("onboarded_at", onboarded_at, onboarded_at < until),
        }
    )
    return pl.concat([frame, parties_], how="horizontal").with_columns(plan=plan_names(pl.col("plan")))


def _panel(history: History, states: pl.DataFrame) -> pl.DataFrame:
    traits, months = history.traits, history.months
    company, place = np.nonzero(history.is_customer.T)

    def of(array: np.ndarray) -> np.ndarray:
        return array[place, company]

    old = seat_price(
        np.zeros(len(company), np.int64), of(history.plan), traits.currency[company], of(history.is_yearly)
    )
    price = seat_price(of(history.price_version), of(history.plan), traits.currency[company], of(history.is_yearly))
    is_churned = of(history.churned_at) > 0
    frame = pl.DataFrame(
        {
            "company": company.astype(np.int32),
            "month": np.array(months, dtype="datetime64[D]")[place],
            "tenure_months": of(history.tenure),
            "is_yearly": of(history.is_yearly),
            "seats": of(history.seats),
            "active_users": of(history.active_users),
            "usage": of(history.usage),
            "ticket_count": of(history.ticket_count),
            "slow_reply_share": of(history.slow_reply_share),
            "outage_hours": of(history.outage_hours),
            "satisfaction": of(history.satisfaction),
            "onboarding": traits.onboarding[company],
            "sponsor_left": of(history.sponsor_left),
            "payment_failed": of(history.payment_failed),
            "price_factor": price / old,
            "churn_hazard": of(history.churn_hazard),
            "expansion_hazard": of(history.expansion_hazard),
            "contraction_hazard": of(history.contraction_hazard),
            "is_churned": is_churned,
            "churned_at": as_times("churned_at", of(history.churned_at), is_churned),
            "churn_cause": pl.Series(np.array(CAUSES)[of(history.cause)]).set(pl.Series(~is_churned), None),
            "month_end": as_times("month_end", month_bounds(months)[place + 1]),
        }
    )
    revenue = states.sort("company", "at").select("company", "at", "mrr_minor")
    # A state that begins with the first second of a month is not yet of the month before.
    frame = frame.join_asof(
        revenue, left_on="month_end", right_on="at", by="company", allow_exact_matches=False, check_sortedness=False
    )
    return frame.drop("month_end", "at")
