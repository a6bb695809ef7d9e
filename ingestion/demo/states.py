"""Every state that a subscription of the demo company was ever in, and the recurring revenue of each."""

import numpy as np
import polars as pl

from ingestion.demo.clock import END, as_times
from ingestion.demo.history import FAR, History
from ingestion.demo.playbooks import DISCOUNT
from ingestion.demo.pricing import (
    COUPONS,
    LAUNCH,
    MONTHS_PER_YEAR,
    NO_COUPON,
    PLANS,
    SAVE,
    WELCOME,
    mrr_minor,
    recurring_coupon_percent,
)


def subscription_states(history: History) -> pl.DataFrame:
    """One row per state of a subscription, by subscription and time; the last of an ended one has the reason churn.

    subscription i32 (a company's first has the company's number), company i32, at, ends_at (of the state; null where
    it goes on), reason (new, reactivation, seats, plan, addon, price_rise, discount_start, discount_end, churn, or
    several joined by +), seats, plan, has_addon, version (of the prices), coupon, is_yearly, currency (codes),
    mrr_before and mrr_minor (in the currency's smallest unit).
    """
    subscriptions = _subscriptions(history)
    rows = [
        _begins(history, subscriptions),
        _changes(history),
        _price_rises(history),
        _coupon_ends(history, subscriptions),
        *_discounts(history),
    ]
    events = pl.concat(rows, how="diagonal_relaxed").filter(pl.col("at") <= END)
    # A company that came back has a second subscription: each event is of the one that was in force.
    events = events.sort("company", "at", maintain_order=True).join_asof(
        subscriptions.select("subscription", "company", "started_at", "ended_at").sort("company", "started_at"),
        left_on="at",
        right_on="started_at",
        by="company",
        strategy="backward",
        check_sortedness=False,
    )
    events = events.filter(pl.col("ended_at").is_null() | (pl.col("at") < pl.col("ended_at")))
    ends = subscriptions.filter(pl.col("ended_at").is_not_null()).select(
        "subscription", "company", at="ended_at", reason=pl.lit("churn")
    )
    states = pl.concat([events.drop("started_at", "ended_at"), ends], how="diagonal_relaxed")
    states = states.sort("subscription", "at", maintain_order=True)
    settings = ["seats", "plan", "has_addon", "version", "coupon", "is_yearly"]
    states = states.with_columns(pl.col(settings).forward_fill().over("subscription"))
    states = states.group_by("subscription", "company", "at", maintain_order=True).agg(
        pl.col("reason").str.join("+"), pl.col(settings).last()
    )
    return _with_revenue(history, states)


def _subscriptions(history: History) -> pl.DataFrame:
    """One row per subscription: its number, company, start and end, and whether it is the company's second."""
    traits = history.traits
    returned_at = history.returned_at.max(axis=0)
    firsts, again = np.arange(traits.count), np.flatnonzero(returned_at > 0)
    company = np.concatenate([firsts, again])
    started_at = np.concatenate([traits.signed_at, returned_at[again]])
    ended_at = history.leaves_after(company, started_at)
    has_ended = ended_at < FAR
    frame = pl.DataFrame(
        {
            "subscription": np.arange(len(company)),
            "company": company,
            "started_at": as_times("started_at", started_at),
            "ended_at": as_times("ended_at", np.where(has_ended, ended_at, 0), has_ended),
            "is_second": np.arange(len(company)) >= traits.count,
        }
    )
    return frame.cast({"subscription": pl.Int32, "company": pl.Int32})


def _settings(history: History, place: np.ndarray, company: np.ndarray) -> pl.DataFrame:
    """The contracts of companies as they stand at the end of months."""
    return pl.DataFrame(
        {
            "company": company.astype(np.int32),
            "seats": history.seats[place, company],
            "plan": history.plan[place, company],
            "has_addon": history.has_addon[place, company],
        }
    )


def _begins(history: History, subscriptions: pl.DataFrame) -> pl.DataFrame:
    traits = history.traits
    company = subscriptions["company"].to_numpy()
    is_second = subscriptions["is_second"].to_numpy()
    place = np.where(is_second, (history.returned_at > 0).argmax(axis=0)[company], traits.sign_month[company])
    return _settings(history, place, company).with_columns(
        at=subscriptions["started_at"],
        reason=pl.when(pl.Series(is_second)).then(pl.lit("reactivation")).otherwise(pl.lit("new")),
        version=pl.Series(history.price_version[place, company]),
        coupon=pl.Series(history.coupon[place, company]),
        is_yearly=pl.Series(history.is_yearly[place, company]),
    )


def _changes(history: History) -> pl.DataFrame:
    place, company = np.nonzero(history.changed_at)
    has_upgraded = history.plan[place, company] > history.plan[place - 1, company]
    has_added = history.has_addon[place, company] & ~history.has_addon[place - 1, company]
    return _settings(history, place, company).with_columns(
        at=as_times("at", history.changed_at[place, company]),
        reason=pl.Series(np.where(has_upgraded, "plan", np.where(has_added, "addon", "seats"))),
    )


def _price_rises(history: History) -> pl.DataFrame:
    is_raised = (np.diff(history.price_version, axis=0, prepend=0) > 0) & (history.tenure > 0)
    place, company = np.nonzero(is_raised & history.is_customer)
    return pl.DataFrame(
        {
            "company": company.astype(np.int32),
            "at": as_times("at", history.anchor_at[place, company]),
            "reason": pl.Series(["price_rise"] * len(company), dtype=pl.String),
            "version": np.ones(len(company), np.int64),
        }
    )


def _coupon_ends(history: History, subscriptions: pl.DataFrame) -> pl.DataFrame:
    """Coupons of the sign-up end after their months, or with the first paid period."""
    traits = history.traits
    months = np.where(
        traits.coupon == LAUNCH, COUPONS[LAUNCH].months or 0, np.where(traits.is_yearly, MONTHS_PER_YEAR, 1)
    )
    firsts = subscriptions.filter(~pl.col("is_second")).with_columns(months=pl.Series(months))
    ends = firsts.filter(pl.Series(np.isin(traits.coupon, (LAUNCH, WELCOME))))
    return ends.select(
        "company",
        at=_months_later("started_at", "months"),
        reason=pl.lit("discount_end"),
        coupon=pl.lit(NO_COUPON, pl.Int64),
    )


def _discounts(history: History) -> list[pl.DataFrame]:
    """The discount offers that were taken up: start and end of the coupon."""
    cases = history.cases
    is_taken = (cases.playbook == DISCOUNT) & cases.is_treatment & cases.is_reachable
    # Who left before the offer's turn never had it.
    is_taken &= cases.starts_at < history.leaves_after(cases.company, cases.assigned_at)
    starts = pl.DataFrame(
        {"company": cases.company[is_taken].astype(np.int32), "at": as_times("at", cases.starts_at[is_taken])}
    )
    months = pl.lit(COUPONS[SAVE].months)
    ends = starts.with_columns(months=months).select("company", at=_months_later("at", "months"))
    return [
        starts.with_columns(reason=pl.lit("discount_start"), coupon=pl.lit(SAVE, pl.Int64)),
        ends.with_columns(reason=pl.lit("discount_end"), coupon=pl.lit(NO_COUPON, pl.Int64)),
    ]


def _months_later(column: str, months: str) -> pl.Expr:
    return pl.col(column).dt.offset_by(pl.col(months).cast(pl.String) + "mo")


def _with_revenue(history: History, states: pl.DataFrame) -> pl.DataFrame:
    currency = history.traits.currency[states["company"].to_numpy()]
    amount = mrr_minor(
        seats=states["seats"].to_numpy(),
        version=states["version"].to_numpy(),
        plan=states["plan"].to_numpy(),
        has_addon=states["has_addon"].to_numpy(),
        currency=currency,
        is_yearly=states["is_yearly"].to_numpy(),
        percent_off=recurring_coupon_percent(states["coupon"].to_numpy()),
    )
    has_ended = states["reason"].str.contains("churn").to_numpy()
    return states.with_columns(
        ends_at=pl.col("at").shift(-1).over("subscription"),
        currency=pl.Series(currency),
        mrr_minor=pl.Series(np.where(has_ended, 0, amount)),
    ).with_columns(mrr_before=pl.col("mrr_minor").shift(1, fill_value=0).over("subscription"))


def plan_names(plan: pl.Expr) -> pl.Expr:
    """Names of plans by their code."""
    return plan.replace_strict(dict(enumerate(PLANS)), return_dtype=pl.String)
