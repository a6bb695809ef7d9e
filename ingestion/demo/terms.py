"""The demo's subscriptions as a billing system keeps them: terms, paid periods, pauses, how each payment went."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, as_times, later
from ingestion.demo.pricing import MONTHS_PER_YEAR
from ingestion.demo.traits import DUNNING_DAYS, HALF_MONTH, LATE_DUNNING_DAYS, TRIAL_DAYS
from ingestion.demo.world import World

# Numbers of subscriptions of these kinds count from here on.
LAPSED = 4_000_000
LAPSED_SHARE, LAPSED_DAYS = 0.03, 60
SENT_SHARES = {"smb": 0.0, "mid": 0.1, "enterprise": 0.5}
PAUSE_SHARE = 0.03
# Days after the first attempt: on which a card that fails is tried again, and on which one of those may succeed.
RETRY_DAYS = (0, 3, 7, 11)
PAYMENT_DAYS = (4, 34)
WAITS_FOR_CARD = HOUR


@dataclass(frozen=True)
class Terms:
    """`subscriptions`: one row per subscription. `states`: World.states. `periods`: one row per paid period, by
    subscription and start: number k (0 is the first), period_start, period_end, outcome of its payment (ok, recovered,
    lost, failing, paused), attempts, and paid_at (null where it wasn't). `lapsed`: subscription, company, created_at,
    ended_at of trials that came to nothing, of companies that signed later.
    """

    subscriptions: pl.DataFrame
    states: pl.DataFrame
    periods: pl.DataFrame
    lapsed: pl.DataFrame


def draw_terms(world: World) -> Terms:
    """The contracts behind World.states."""
    chance = world.seeds.generator("contracts")
    subscriptions = _subscriptions(world, chance)
    periods = _outcomes(world, _periods(world, subscriptions), chance)
    return Terms(subscriptions, world.states, periods, _lapsed(world, chance))


def given_up(due_at: str) -> pl.Expr:
    """When a payment that was due at a column's time is given up, if no card was good for it."""
    is_late = pl.col(due_at).dt.day() > HALF_MONTH
    return pl.col(due_at) + pl.duration(days=pl.when(is_late).then(LATE_DUNNING_DAYS).otherwise(DUNNING_DAYS))


def _subscriptions(world: World, chance: np.random.Generator) -> pl.DataFrame:
    """subscription, company, started_at (of the first paid period), ended_at, is_yearly, created_at (with the trial),
    cancel_asked_at, is_given_up, is_sent (invoices are sent, not charged).
    """
    reason = pl.col("reason")
    frame = world.states.group_by("subscription", "company", maintain_order=True).agg(
        pl.col("at").first().alias("started_at"),
        pl.col("at").filter(reason.str.contains("churn")).first().alias("ended_at"),
        pl.col("is_yearly").first(),
    )
    panel = world.panel
    causes = panel.filter("is_churned").select(
        "company", ended_at="churned_at", is_given_up=pl.col("churn_cause") == "payment_failed"
    )
    frame = frame.join(causes, on=["company", "ended_at"], how="left", maintain_order="left")
    companies = world.companies.select("company", "tier", "currency")
    failed = panel.group_by("company", maintain_order=True).agg(pl.col("payment_failed").any().alias("has_failed"))
    frame = frame.join(companies, on="company", how="left", maintain_order="left")
    frame = frame.join(failed, on="company", how="left", maintain_order="left")
    is_first = frame["subscription"] < len(world.companies)
    has_trial = pl.Series(world.history.traits.has_trial[frame["company"].to_numpy()]) & is_first
    asked_at = later("ended_at", -chance.integers(HOUR, 25 * DAY, len(frame)))
    sent_share = pl.col("tier").replace_strict(SENT_SHARES, return_dtype=pl.Float64)
    sent_draw = pl.Series(chance.random(len(frame)))
    return frame.with_columns(
        created_at=pl.when(has_trial).then(pl.col("started_at") - pl.duration(days=TRIAL_DAYS)).otherwise("started_at"),
        has_trial=has_trial,
        is_given_up=pl.col("is_given_up").fill_null(False),
        cancel_asked_at=pl.when(~pl.col("is_given_up")).then(asked_at),
        # A customer whose card never fails may as well pay by bank transfer.
        is_sent=~pl.col("has_failed") & (sent_draw < sent_share),
    ).drop("has_failed", "tier")


def _periods(world: World, subscriptions: pl.DataFrame) -> pl.DataFrame:
    """Paid periods that have begun."""
    months = len(world.months)
    numbers = pl.DataFrame({"k": np.arange(months)})
    step = pl.when("is_yearly").then(MONTHS_PER_YEAR).otherwise(1)
    rows = subscriptions.join(numbers, how="cross").filter(pl.col("k") * step < months)
    rows = rows.with_columns(
        period_start=pl.col("started_at").dt.offset_by(pl.format("{}mo", pl.col("k") * step)),
        period_end=pl.col("started_at").dt.offset_by(pl.format("{}mo", (pl.col("k") + 1) * step)),
    )
    is_open = pl.col("ended_at").is_null() | (pl.col("period_start") < pl.col("ended_at"))
    return rows.filter((pl.col("period_start") <= END) & is_open).select(
        "subscription", "company", "k", "period_start", "period_end", "is_yearly", "is_sent", "is_given_up", "ended_at"
    )


def _outcomes(world: World, periods: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """How the payment of each period went: the panel says which failed, and the end of the contract which for good."""
    failed = world.panel.filter("payment_failed").select("company", "month", fails=pl.lit(True))
    frame = periods.with_columns(month=pl.col("period_start").dt.truncate("1mo").dt.date())
    frame = frame.join(failed, on=["company", "month"], how="left", maintain_order="left")
    fails = pl.col("fails").fill_null(False) & (pl.col("k") > 0)
    given_up_at = given_up("period_start")
    frame = frame.with_columns(is_paused=_paused(world, frame, chance))
    frame = frame.with_columns(
        outcome=pl.when("is_paused")
        .then(pl.lit("paused"))
        .when(fails & pl.col("is_given_up") & (pl.col("ended_at") == given_up_at))
        .then(pl.lit("lost"))
        .when(fails & (given_up_at > END))
        .then(pl.lit("failing"))
        .when(fails)
        .then(pl.lit("recovered"))
        .otherwise(pl.lit("ok"))
    )
    outcome = frame["outcome"].to_numpy()
    so_far = (END - frame["period_start"]).dt.total_seconds().to_numpy() / DAY
    retries = chance.integers(1, len(RETRY_DAYS), len(frame))
    tried = np.searchsorted(RETRY_DAYS, so_far, side="right")
    attempts = np.select(
        [outcome == "recovered", outcome == "lost", outcome == "failing", outcome == "paused"],
        [retries + 1, len(RETRY_DAYS), tried, 0],
        so_far * DAY >= WAITS_FOR_CARD,
    )
    wait = np.where(outcome == "recovered", np.array(RETRY_DAYS)[retries] * DAY, 0) + WAITS_FOR_CARD
    transfer = (chance.uniform(*PAYMENT_DAYS, len(frame)) * DAY).astype(np.int64)
    is_sent = frame["is_sent"].to_numpy()
    paid_at = frame["period_start"].dt.epoch("s").to_numpy() + np.where(is_sent, transfer, wait)
    is_paid = np.isin(outcome, ("ok", "recovered")) & (paid_at <= np.datetime64(END, "s").astype(np.int64))
    return frame.with_columns(
        attempts=pl.Series(np.where(is_sent, 0, attempts)), paid_at=as_times("paid_at", paid_at, is_paid)
    ).drop("month", "fails", "ended_at")


def _paused(world: World, periods: pl.DataFrame, chance: np.random.Generator) -> pl.Series:
    """A few monthly contracts are paused for one period; nothing else happens to them in it, before or after it."""
    last = periods.group_by("subscription", maintain_order=True).agg(
        last=pl.col("k").max(), is_sent=pl.col("is_sent").first(), is_yearly=pl.col("is_yearly").first()
    )
    draw, place = chance.random((2, len(last)))
    pauses = last.with_columns(k=2 + (pl.Series(place) * (pl.col("last") - 3)).cast(pl.Int64)).filter(
        ~pl.col("is_sent") & ~pl.col("is_yearly") & (pl.col("last") > 4) & pl.Series(draw < PAUSE_SHARE)
    )
    pauses = pauses.select("subscription", "k").join(
        periods.select("subscription", "k", "period_start", "period_end", "fails"), on=["subscription", "k"]
    )
    busy = pauses.join(world.states.select("subscription", "at"), on="subscription").filter(
        (pl.col("at") >= pl.col("period_start").dt.offset_by("-1mo")) & (pl.col("at") <= pl.col("period_end"))
    )
    failing = periods.filter("fails").select("subscription", pl.col("k") + 1)
    quiet = pauses.filter(pl.col("fails").is_null()).join(busy, on="subscription", how="anti")
    quiet = quiet.join(failing, on=["subscription", "k"], how="anti").select(
        "subscription", "k", is_paused=pl.lit(True)
    )
    found = periods.join(quiet, on=["subscription", "k"], how="left", maintain_order="left")
    return found["is_paused"].fill_null(False)


def _lapsed(world: World, chance: np.random.Generator) -> pl.DataFrame:
    begins = pl.col("signed_at") - pl.duration(days=LAPSED_DAYS)
    tries = world.companies.filter(pl.Series(chance.random(len(world.companies)) < LAPSED_SHARE))
    return tries.filter(begins >= world.start).select(
        "company",
        "currency",
        subscription=pl.col("company") + LAPSED,
        created_at=begins,
        ended_at=begins + pl.duration(days=TRIAL_DAYS),
    )
