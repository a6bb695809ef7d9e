"""How the demo's invoices were paid: their states, the attempts to charge them, refunds and disputes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, later
from ingestion.demo.terms import PAYMENT_DAYS, RETRY_DAYS, WAITS_FOR_CARD, Terms, given_up
from ingestion.demo.world import World

TAX_COUNTRY, TAX_PERCENT = "DE", 19
DUE_DAYS = 30
REFUND_SHARE, WHOLE_REFUND_SHARE, DISPUTE_SHARE = 0.008, 0.6, 0.003
ANSWER_DAYS, DECISION_DAYS, LOST_SHARE = 7, 30, 0.45
FAILURES = ("card_declined", "insufficient_funds", "expired_card")
REFUND_REASONS = ("requested_by_customer", "duplicate", "requested_by_customer")
DISPUTE_REASONS = ("product_unacceptable", "subscription_canceled", "fraudulent", "unrecognized")


@dataclass(frozen=True)
class Payments:
    """`invoices`: one row per state of an invoice; `charges` likewise; `refunds`; `disputes`, one row per state."""

    invoices: pl.DataFrame
    charges: pl.DataFrame
    refunds: pl.DataFrame
    disputes: pl.DataFrame


def numbered(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with `invoice`, the number of their invoice, and `line`, their own, both in order of time."""
    key = ["created_at", "company", "subscription", "kind"]
    lines = lines.sort(*key, "proration", "item", "amount", nulls_last=True, maintain_order=True)
    invoices = lines.select(key).unique(maintain_order=True).with_row_index("invoice").cast({"invoice": pl.Int64})
    lines = lines.join(invoices, on=key, how="left", nulls_equal=True, maintain_order="left")
    return lines.with_row_index("line").cast({"line": pl.Int64})


def payments(world: World, terms: Terms, lines: pl.DataFrame) -> Payments:
    """What became of the numbered lines' invoices."""
    chance = world.seeds.generator("payments")
    invoices = _settled(_invoices(world, terms, lines, chance))
    charges = _charges(invoices, chance)
    refunds, disputes = _refunds(charges, chance), _disputes(charges, chance)
    return Payments(
        _invoice_states(invoices), _charge_states(charges, refunds, disputes), refunds, _dispute_states(disputes)
    )


def _invoices(world: World, terms: Terms, lines: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """One row per invoice: what it comes to, and how its payment goes."""
    sums = lines.group_by("invoice", maintain_order=True).agg(
        pl.col("company", "subscription", "created_at", "reason", "kind", "k").first(),
        subtotal=pl.col("amount").sum(),
        discount_amount=pl.col("discount").sum(),
        period_start=pl.col("period_start").filter(~pl.col("proration")).first(),
        period_end=pl.col("period_end").max(),
    )
    companies = world.companies.select("company", "currency", "country")
    frame = sums.join(companies, on="company", how="left", maintain_order="left")
    net = pl.col("subtotal") - pl.col("discount_amount")
    is_taxed = pl.col("country") == TAX_COUNTRY
    # Rounded half away from zero, as a credit is of the same amount as what it takes back.
    tax = pl.when(is_taxed).then((net.abs() * TAX_PERCENT + 50) // 100 * net.sign()).otherwise(0)
    frame = frame.with_columns(
        tax=tax, total=net + tax, period_start=pl.col("period_start").fill_null(pl.col("created_at"))
    )
    periods = terms.periods.select(
        "subscription",
        created_at="period_start",
        outcome="outcome",
        attempts="attempts",
        period_paid_at="paid_at",
        is_sent="is_sent",
    )
    of_period = frame["reason"].is_in(["subscription_cycle", "subscription_create"]) & frame["kind"].is_null()
    frame = frame.join(periods, on=["subscription", "created_at"], how="left", nulls_equal=False, maintain_order="left")
    by_transfer = later("created_at", chance.uniform(*PAYMENT_DAYS, len(frame)) * DAY)
    at_once = pl.col("created_at") + pl.duration(seconds=pl.when(pl.col("total") > 0).then(WAITS_FOR_CARD).otherwise(0))
    outcome = (
        pl.when(pl.col("kind") == "double").then(pl.lit("double"))
        .when(pl.Series(of_period)).then("outcome")
        .otherwise(pl.lit("ok"))
    )  # fmt: skip
    is_sent = pl.when(pl.Series(of_period)).then("is_sent").otherwise(pl.col("kind") == "workshop").fill_null(False)
    paid_at = pl.when(pl.Series(of_period)).then("period_paid_at").when(is_sent).then(by_transfer).otherwise(at_once)
    frame = frame.with_columns(
        outcome=outcome,
        is_sent=is_sent,
        attempts=pl.when(pl.Series(of_period)).then("attempts").when(is_sent).then(0).otherwise(1),
        paid_at=pl.when(outcome.is_in(["ok", "recovered"]) & (paid_at <= END)).then(paid_at),
    )
    return frame.drop("period_paid_at")


def _settled(invoices: pl.DataFrame) -> pl.DataFrame:
    """What is left to pay once the customer's balance, from earlier invoices below zero, is used up."""
    counts = ~pl.col("outcome").is_in(["double", "paused"])
    owed = pl.when(counts).then(-pl.col("total")).otherwise(0)
    gathered = owed.cum_sum().over("company")
    balance = gathered - pl.min_horizontal(gathered.cum_min().over("company"), 0)
    used = balance.shift(1, fill_value=0).over("company") - balance
    due = pl.when(counts).then(pl.col("total") - used).otherwise(pl.col("total"))
    frame = invoices.with_columns(amount_due=due)
    # Nothing to pay is paid when it is made, and no card is asked for it.
    is_free = (pl.col("amount_due") == 0) & pl.col("outcome").is_in(["ok", "recovered"])
    return frame.with_columns(
        paid_at=pl.when(is_free).then("created_at").otherwise("paid_at"),
        attempts=pl.when(is_free).then(0).otherwise("attempts"),
    )


def _invoice_states(invoices: pl.DataFrame) -> pl.DataFrame:
    """Each invoice as it is when it is final, where it then waits, and as it is in the end."""
    waits = pl.when(pl.col("reason") == "subscription_cycle").then(WAITS_FOR_CARD).otherwise(0)
    final = pl.col("created_at") + pl.duration(seconds=waits)
    ends_at = given_up("created_at")
    outcome = pl.col("outcome")
    double_voided_at = pl.col("created_at") + pl.duration(hours=30)
    voided_at = pl.when(outcome == "paused").then(final).when(outcome == "double").then(double_voided_at)
    frame = invoices.with_columns(
        finalized_at=pl.when(final <= END).then(final),
        due_date=pl.when("is_sent").then(pl.col("created_at") + pl.duration(days=DUE_DAYS)),
        voided_at=pl.when(voided_at <= END).then(voided_at),
        marked_uncollectible_at=pl.when(outcome == "lost").then(ends_at),
        number=pl.format("INV-{}", pl.col("invoice").cast(pl.String).str.zfill(6)),
    )
    last_attempt = pl.col("created_at") + pl.duration(
        seconds=pl.lit(WAITS_FOR_CARD) + pl.lit(pl.Series([0, *RETRY_DAYS])).gather(pl.col("attempts")) * DAY
    )
    closed_at = pl.coalesce("paid_at", "voided_at", "marked_uncollectible_at")
    status = (
        pl.when(pl.col("paid_at").is_not_null()).then(pl.lit("paid"))
        .when(pl.col("voided_at").is_not_null()).then(pl.lit("void"))
        .when(outcome == "lost").then(pl.lit("uncollectible"))
        .when(pl.col("finalized_at").is_null()).then(pl.lit("draft"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    tried = pl.when(outcome == "failing").then(last_attempt).otherwise(pl.coalesce("finalized_at", "created_at"))
    latest = frame.with_columns(
        status=status,
        amount_paid=pl.when(pl.col("paid_at").is_not_null()).then("amount_due").otherwise(0),
        attempt_count=pl.col("attempts"),
        updated=pl.coalesce(closed_at, tried),
    )
    waiting = frame.filter((closed_at > pl.col("finalized_at")) | (outcome == "failing") & (pl.col("attempts") > 1))
    nothing = pl.lit(None, pl.Datetime("us"))
    waiting = waiting.with_columns(
        status=pl.lit("open"),
        amount_paid=pl.lit(0, pl.Int64),
        attempt_count=pl.col("attempts").clip(0, 1),
        paid_at=nothing,
        voided_at=nothing,
        marked_uncollectible_at=nothing,
        updated=pl.col("finalized_at"),
    )
    return pl.concat([waiting, latest], how="diagonal_relaxed").sort("invoice", "updated", maintain_order=True)


def _charges(invoices: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """One row per attempt to take money: charge, invoice, company, amount, currency, is_paid, created_at."""
    asked = invoices.filter((pl.col("amount_due") > 0) & ~pl.col("outcome").is_in(["paused", "double"]))
    sent = asked.filter(pl.col("is_sent") & pl.col("paid_at").is_not_null()).with_columns(
        created="paid_at", is_paid=pl.lit(True)
    )
    tries = pl.DataFrame({"attempt": np.arange(len(RETRY_DAYS)), "wait": np.array(RETRY_DAYS) * DAY + WAITS_FOR_CARD})
    cards = asked.filter(~pl.col("is_sent")).join(tries, how="cross").filter(pl.col("attempt") < pl.col("attempts"))
    cards = cards.with_columns(
        created=pl.col("created_at") + pl.duration(seconds="wait"),
        is_paid=pl.col("paid_at").is_not_null() & (pl.col("attempt") == pl.col("attempts") - 1),
    ).filter(pl.col("created") <= END)
    columns = ["invoice", "company", "created", "is_paid", "currency", pl.col("amount_due").alias("amount")]
    charges = pl.concat([sent.select(columns), cards.select(columns)]).sort("created", "invoice", maintain_order=True)
    return charges.with_row_index("charge").with_columns(
        pl.col("charge").cast(pl.Int64),
        failure_code=pl.when(~pl.col("is_paid")).then(pl.Series(chance.choice(FAILURES, len(charges)))),
    )


def _refunds(charges: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    draw, size, wait, why = chance.random((4, len(charges)))
    at = later("created", wait * 20 * DAY + HOUR)
    part = (pl.col("amount") * pl.Series(size)).cast(pl.Int64) // 100 * 100
    refunds = charges.with_columns(
        refunded_at=at,
        refunded=pl.when(pl.Series(size < WHOLE_REFUND_SHARE)).then("amount").otherwise(part),
        reason=pl.Series(np.array(REFUND_REASONS)[(why * len(REFUND_REASONS)).astype(int)]),
    ).filter(pl.Series(draw < REFUND_SHARE) & pl.col("is_paid"))
    refunds = refunds.filter((pl.col("refunded_at") <= END) & (pl.col("refunded") > 0))
    return refunds.select("charge", "currency", "refunded", "reason", "refunded_at").with_row_index("refund")


def _disputes(charges: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    draw, wait, why, end = chance.random((4, len(charges)))
    disputes = charges.with_columns(
        disputed_at=later("created", wait * 40 * DAY + 3 * DAY),
        reason=pl.Series(np.array(DISPUTE_REASONS)[(why * len(DISPUTE_REASONS)).astype(int)]),
        verdict=pl.Series(np.where(end < LOST_SHARE, "lost", "won")),
    ).filter(pl.Series(draw > 1 - DISPUTE_SHARE) & pl.col("is_paid"))
    disputes = disputes.filter(pl.col("disputed_at") <= END)
    return disputes.select("charge", "currency", "amount", "reason", "verdict", "disputed_at").with_row_index("dispute")


def _dispute_states(disputes: pl.DataFrame) -> pl.DataFrame:
    steps = [
        (0, pl.lit("needs_response")),
        (ANSWER_DAYS, pl.lit("under_review")),
        (DECISION_DAYS, pl.col("verdict")),
    ]
    states = [
        disputes.with_columns(status=status, updated=pl.col("disputed_at") + pl.duration(days=days))
        for days, status in steps
    ]
    return pl.concat(states).filter(pl.col("updated") <= END).sort("dispute", "updated")


def _charge_states(charges: pl.DataFrame, refunds: pl.DataFrame, disputes: pl.DataFrame) -> pl.DataFrame:
    """Each charge as it was made, refunded and disputed."""
    events = pl.concat(
        [
            charges.select("charge", updated="created", amount_refunded=pl.lit(0, pl.Int64), disputed=pl.lit(False)),
            refunds.select("charge", updated="refunded_at", amount_refunded="refunded"),
            disputes.select("charge", updated="disputed_at", disputed=pl.lit(True)),
        ],
        how="diagonal",
    ).sort("charge", "updated", maintain_order=True)
    events = events.with_columns(pl.col("amount_refunded", "disputed").forward_fill().over("charge"))
    return events.join(charges, on="charge", how="left", maintain_order="left")
