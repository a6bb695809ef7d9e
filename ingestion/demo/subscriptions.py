"""Subscriptions and their items as Stripe tells of them: one row per state, from the trial to the end."""

import polars as pl

from ingestion.demo.clock import END
from ingestion.demo.ids import stripe_ids
from ingestion.demo.invoicing import ADDON_ITEM, SEAT_ITEM
from ingestion.demo.pricing import COUPONS, NO_COUPON
from ingestion.demo.terms import WAITS_FOR_CARD, Terms
from ingestion.demo.world import World

# What each state takes over from the one before it, unless it says otherwise.
_KEPT = ("status", "coupon", "coupon_since", "current_period_start", "current_period_end", "asked_at", "is_paused")
PAUSE_NOTICE_DAYS = 4


def subscription_versions(world: World, terms: Terms) -> pl.DataFrame:
    """Stripe's table `subscriptions`."""
    events = [
        *_begins(terms),
        *_payments(terms),
        *_coupons(world),
        _asks(terms),
        *_pauses(terms),
        _ends(terms),
    ]
    frame = pl.concat(events, how="diagonal_relaxed").filter(pl.col("at") <= END)
    frame = frame.sort("subscription", "at", "rank", maintain_order=True)
    frame = frame.with_columns(pl.col(_KEPT).forward_fill().over("subscription"))
    frame = frame.group_by("subscription", "at", maintain_order=True).agg(pl.col(_KEPT).last())
    frame = frame.join(terms.subscriptions, on="subscription", how="left", maintain_order="left")
    has_ended = pl.col("status") == "canceled"
    coupon = pl.when(pl.col("coupon") != NO_COUPON).then("coupon")
    months = {place: coupon.months for place, coupon in enumerate(COUPONS) if coupon.months}
    until = coupon.replace_strict(months, default=None, return_dtype=pl.Int64)
    discount_end = pl.col("coupon_since").dt.offset_by(pl.format("{}mo", until.fill_null(0)))
    return frame.select(
        id=stripe_ids("sub", frame["subscription"]),
        customer_id=stripe_ids("cus", frame["company"]),
        status="status",
        currency=pl.col("currency").str.to_lowercase(),
        collection_method=pl.when("is_sent").then(pl.lit("send_invoice")).otherwise(pl.lit("charge_automatically")),
        coupon_id=coupon.replace_strict(dict(enumerate(coupon.name for coupon in COUPONS)), return_dtype=pl.String),
        discount_start=pl.when(coupon.is_not_null()).then("coupon_since"),
        discount_end=pl.when(until.is_not_null()).then(discount_end),
        start_date="created_at",
        trial_start=pl.when("has_trial").then("created_at"),
        trial_end=pl.when("has_trial").then("started_at"),
        current_period_start="current_period_start",
        current_period_end="current_period_end",
        cancel_at_period_end=pl.col("asked_at").is_not_null() & ~has_ended,
        canceled_at="asked_at",
        ended_at=pl.when(has_ended).then("ended_at"),
        cancellation_reason=pl.when(has_ended & pl.col("is_given_up")).then(pl.lit("payment_failed"))
        .when(pl.col("asked_at").is_not_null()).then(pl.lit("cancellation_requested")),
        pause_behavior=pl.when("is_paused").then(pl.lit("void")),
        created="created_at",
        updated="at",
    )  # fmt: skip


def _begins(terms: Terms) -> list[pl.DataFrame]:
    """The trial, and each paid period from its first second on."""
    trials = terms.subscriptions.filter("has_trial").select(
        "subscription",
        at="created_at",
        status=pl.lit("trialing"),
        current_period_start="created_at",
        current_period_end="started_at",
        coupon=pl.lit(NO_COUPON, pl.Int64),
        is_paused=pl.lit(False),
        rank=pl.lit(0),
    )
    periods = terms.periods.select(
        "subscription",
        at="period_start",
        status=pl.when(pl.col("k") == 0).then(pl.lit("active")),
        current_period_start="period_start",
        current_period_end="period_end",
        is_paused=pl.when(pl.col("k") == 0).then(False),
        rank=pl.lit(0),
    )
    return [trials, periods]


def _payments(terms: Terms) -> list[pl.DataFrame]:
    """Past due from the first attempt that fails until one succeeds."""
    failed = terms.periods.filter(pl.col("outcome").is_in(["recovered", "lost", "failing"]) & ~pl.col("is_sent"))
    first_attempt = pl.col("period_start") + pl.duration(seconds=WAITS_FOR_CARD)
    return [
        failed.filter(first_attempt <= END).select(
            "subscription", at=first_attempt, status=pl.lit("past_due"), rank=pl.lit(1)
        ),
        failed.filter(pl.col("paid_at").is_not_null()).select(
            "subscription", at="paid_at", status=pl.lit("active"), rank=pl.lit(1)
        ),
    ]


def _coupons(world: World) -> list[pl.DataFrame]:
    changed = world.states.filter(
        (pl.col("coupon") != pl.col("coupon").shift(1).over("subscription")).fill_null(True)
        & ~pl.col("reason").str.contains("churn")
    )
    return [changed.select("subscription", "at", "coupon", coupon_since="at", rank=pl.lit(1))]


def _asks(terms: Terms) -> pl.DataFrame:
    """Who cancels says so before the period ends."""
    asked = terms.subscriptions.filter(pl.col("cancel_asked_at").is_not_null())
    return asked.select("subscription", at="cancel_asked_at", asked_at="cancel_asked_at", rank=pl.lit(1))


def _pauses(terms: Terms) -> list[pl.DataFrame]:
    paused = terms.periods.filter(pl.col("outcome") == "paused")
    notice = pl.duration(days=PAUSE_NOTICE_DAYS)
    return [
        paused.select("subscription", at=pl.col("period_start") - notice, is_paused=pl.lit(True), rank=pl.lit(1)),
        paused.select("subscription", at=pl.col("period_end") - notice, is_paused=pl.lit(False), rank=pl.lit(1)),
    ]


def _ends(terms: Terms) -> pl.DataFrame:
    ended = terms.subscriptions.filter(pl.col("ended_at").is_not_null())
    return ended.select(
        "subscription",
        at="ended_at",
        status=pl.lit("canceled"),
        asked_at=pl.when("is_given_up").then("ended_at"),
        is_paused=pl.lit(False),
        rank=pl.lit(2),
    )


def item_versions(terms: Terms, states: pl.DataFrame) -> pl.DataFrame:
    """Stripe's table `subscription_items`: the seats, and the add-on from when it was bought."""
    begins = terms.subscriptions.select("subscription", "created_at")
    frame = states.join(begins, on="subscription", how="left", maintain_order="left").with_columns(
        # The items are there from the trial on.
        at=pl.when(pl.col("at") == pl.col("at").first().over("subscription")).then("created_at").otherwise("at")
    )
    items = [
        frame.select("subscription", "at", item=pl.lit(SEAT_ITEM), price="seat_price", quantity="seats"),
        frame.filter("has_addon").select(
            "subscription", "at", item=pl.lit(ADDON_ITEM), price="addon_price", quantity=pl.lit(1, pl.Int64)
        ),
    ]
    rows = pl.concat(items).sort("subscription", "item", "at", maintain_order=True)
    before = pl.struct("price", "quantity").shift(1).over("subscription", "item")
    is_new = pl.int_range(pl.len()).over("subscription", "item") == 0
    rows = rows.with_columns(created=pl.col("at").first().over("subscription", "item")).filter(
        is_new | (pl.struct("price", "quantity") != before)
    )
    return rows.select(
        id=stripe_ids("si", rows["subscription"].cast(pl.Int64) * 2 + rows["item"]),
        subscription_id=stripe_ids("sub", rows["subscription"]),
        price_id=stripe_ids("price", rows["price"]),
        quantity="quantity",
        is_deleted=pl.lit(False),
        created="created",
        updated="at",
    )


def lapsed_versions(terms: Terms) -> pl.DataFrame:
    """Rows of `subscriptions` for the trials that came to nothing."""
    ended = terms.lapsed.with_columns(status=pl.lit("canceled"), updated="ended_at")
    rows = pl.concat([terms.lapsed.with_columns(status=pl.lit("trialing"), updated="created_at"), ended])
    rows = rows.sort("subscription", "updated")
    no_time, has_ended = pl.lit(None, pl.Datetime("us")), pl.col("status") == "canceled"
    return rows.select(
        id=stripe_ids("sub", rows["subscription"]),
        customer_id=stripe_ids("cus", rows["company"]),
        status="status",
        currency=pl.col("currency").str.to_lowercase(),
        collection_method=pl.lit("charge_automatically"),
        coupon_id=pl.lit(None, pl.String),
        discount_start=no_time,
        discount_end=no_time,
        start_date="created_at",
        trial_start="created_at",
        trial_end="ended_at",
        current_period_start="created_at",
        current_period_end="ended_at",
        cancel_at_period_end=pl.lit(False),
        canceled_at=pl.when(has_ended).then("ended_at"),
        ended_at=pl.when(has_ended).then("ended_at"),
        cancellation_reason=pl.when(has_ended).then(pl.lit("cancellation_requested")),
        pause_behavior=pl.lit(None, pl.String),
        created="created_at",
        updated="updated",
    )


def lapsed_items(terms: Terms, states: pl.DataFrame) -> pl.DataFrame:
    """Rows of `subscription_items` for the trials that came to nothing: what the company signed later."""
    first = states.group_by("company", maintain_order=True).agg(pl.col("seat_price", "seats").first())
    rows = terms.lapsed.join(first, on="company", how="left", maintain_order="left")
    return rows.select(
        id=stripe_ids("si", rows["subscription"].cast(pl.Int64) * 2),
        subscription_id=stripe_ids("sub", rows["subscription"]),
        price_id=stripe_ids("price", rows["seat_price"]),
        quantity="seats",
        is_deleted=pl.lit(False),
        created="created_at",
        updated="created_at",
    )
