"""Invoices of the demo's contracts, to the cent: what each period, change and slip is charged, and how it was paid."""

import polars as pl

from ingestion.demo.clock import END
from ingestion.demo.pricing import ADDON, COUPONS, CURRENCIES, PLANS, price_book
from ingestion.demo.terms import Terms
from ingestion.demo.world import World

# A change that costs more is charged at once; one that gives money back waits for the next invoice of a monthly
# contract, and becomes the customer's balance with a yearly one.
CHANGES = "seats|plan|addon"
WORKSHOP_SHARE, WORKSHOP_MINOR = 0.02, 90_000
VOIDED_SHARE = 0.004
SEAT_ITEM, ADDON_ITEM = 0, 1


def priced_states(world: World) -> pl.DataFrame:
    """World.states with seat_price, addon_price (numbers in the price book), their unit amounts, percent_off (of the
    coupon in force, one for a single invoice too) and recurring_percent_off.
    """
    book = price_book().with_columns(
        plan=pl.col("plan").replace_strict({name: place for place, name in enumerate((*PLANS, ADDON))}),
        currency=pl.col("currency").replace_strict({name: place for place, name in enumerate(CURRENCIES)}),
    )
    key = ["version", "plan", "currency", "is_yearly"]
    frame = world.states.join(
        book.select(*key, seat_price="price", seat_amount="unit_amount"), on=key, how="left", maintain_order="left"
    )
    addon = book.filter(pl.col("plan") == len(PLANS))
    frame = frame.join(
        addon.select("currency", "is_yearly", addon_price="price", addon_amount="unit_amount"),
        on=["currency", "is_yearly"],
        how="left",
        maintain_order="left",
    )
    percent = {place: coupon.percent_off for place, coupon in enumerate(COUPONS)} | {-1: 0}
    recurring = {place: 0 if coupon.months == 0 else coupon.percent_off for place, coupon in enumerate(COUPONS)}
    return frame.with_columns(
        percent_off=pl.col("coupon").replace_strict(percent, return_dtype=pl.Int64),
        recurring_percent_off=pl.col("coupon").replace_strict(recurring | {-1: 0}, return_dtype=pl.Int64),
    )


def invoice_lines(terms: Terms, states: pl.DataFrame) -> pl.DataFrame:
    """One row per line of the contracts' invoices, by invoice: invoice, subscription, company, item, price, quantity,
    amount, discount, proration, period_start, period_end, and of the invoice reason, created_at, k (of the period that
    it was made in). An invoice is named by its subscription and time here.
    """
    lines = pl.concat([_period_lines(terms, states), _proration_lines(terms, states)], how="diagonal")
    return lines.sort("created_at", "subscription", "proration", "item", "amount", maintain_order=True)


def _period_lines(terms: Terms, states: pl.DataFrame) -> pl.DataFrame:
    """Each period is charged when it begins, in the state in which the contract is then."""
    now = terms.periods.sort("subscription", "period_start").join_asof(
        states.select(_STATE).sort("subscription", "at"),
        left_on="period_start",
        right_on="at",
        by="subscription",
        check_sortedness=False,
    )
    first = terms.subscriptions.select("subscription", "has_trial")
    now = now.join(first, on="subscription", how="left", maintain_order="left").with_columns(
        created_at="period_start",
        reason=pl.when((pl.col("k") == 0) & ~pl.col("has_trial"))
        .then(pl.lit("subscription_create"))
        .otherwise(pl.lit("subscription_cycle")),
    )
    now = now.with_columns(proration=pl.lit(False))
    common = ["subscription", "company", "k", "created_at", "reason", "period_start", "period_end", "proration"]
    seats = now.select(
        *common,
        item=pl.lit(SEAT_ITEM),
        price="seat_price",
        quantity="seats",
        amount=pl.col("seats") * pl.col("seat_amount"),
        discount=pl.col("seats") * pl.col("seat_amount") * pl.col("percent_off") // 100,
    )
    addons = now.filter("has_addon").select(
        *common,
        item=pl.lit(ADDON_ITEM),
        price="addon_price",
        quantity=pl.lit(1, pl.Int64),
        amount="addon_amount",
        discount=pl.col("addon_amount") * pl.col("percent_off") // 100,
    )
    return pl.concat([seats, addons])


_STATE = [
    "subscription", "at", "reason", "seats", "has_addon", "seat_price", "seat_amount", "addon_price", "addon_amount",
    "percent_off", "recurring_percent_off",
]  # fmt: skip


def _proration_lines(terms: Terms, states: pl.DataFrame) -> pl.DataFrame:
    """What a change within a period gives back of the old state, and charges of the new one, for the rest of it."""
    before = {name: pl.col(name).shift(1).over("subscription").alias(f"old_{name}") for name in _STATE[3:9]}
    changes = states.select(_STATE).with_columns(before.values()).filter(pl.col("reason").str.contains(CHANGES))
    periods = terms.periods.select("subscription", "company", "k", "period_start", "period_end", "is_yearly")
    changes = changes.sort("subscription", "at").join_asof(
        periods.sort("subscription", "period_start"),
        left_on="at",
        right_on="period_start",
        by="subscription",
        check_sortedness=False,
    )
    rest, whole = ((pl.col("period_end") - pl.col(since)).dt.total_seconds() for since in ("at", "period_start"))

    def share(amount: pl.Expr) -> pl.Expr:
        """The rest of the period's share of an amount, after recurring discounts, rounded half up."""
        return (amount * (100 - pl.col("recurring_percent_off")) * rest * 2 + whole * 100) // (whole * 200)

    changed_seats = (pl.col("seats") != pl.col("old_seats")) | (pl.col("seat_price") != pl.col("old_seat_price"))
    common = ["subscription", "company", "k", "at", "period_end", "is_yearly"]
    parts = [
        changes.filter(changed_seats).select(
            *common,
            item=pl.lit(SEAT_ITEM),
            price="old_seat_price",
            quantity="old_seats",
            amount=-share(pl.col("old_seats") * pl.col("old_seat_amount")),
        ),
        changes.filter(changed_seats).select(
            *common,
            item=pl.lit(SEAT_ITEM),
            price="seat_price",
            quantity="seats",
            amount=share(pl.col("seats") * pl.col("seat_amount")),
        ),
        changes.filter(pl.col("has_addon") & ~pl.col("old_has_addon")).select(
            *common,
            item=pl.lit(ADDON_ITEM),
            price="addon_price",
            quantity=pl.lit(1, pl.Int64),
            amount=share(pl.col("addon_amount")),
        ),
    ]
    lines = pl.concat(parts).with_columns(net=pl.col("amount").sum().over("subscription", "at"))
    waits = (pl.col("net") < 0) & ~pl.col("is_yearly")
    following = terms.periods.select("subscription", k=pl.col("k") - 1, next_start="period_start")
    lines = lines.join(following, on=["subscription", "k"], how="left", maintain_order="left")
    return lines.filter(~waits | pl.col("next_start").is_not_null()).select(
        "subscription",
        "company",
        k=pl.when(waits).then(pl.col("k") + 1).otherwise("k"),
        created_at=pl.when(waits).then("next_start").otherwise("at"),
        reason=pl.when(waits).then(pl.lit("subscription_cycle")).otherwise(pl.lit("subscription_update")),
        period_start="at",
        period_end="period_end",
        proration=pl.lit(True),
        item="item",
        price="price",
        quantity="quantity",
        amount="amount",
        discount=pl.lit(0, pl.Int64),
    )


def extra_lines(world: World, terms: Terms, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines of invoices beside the paid periods: workshops, trials at no charge, and invoices made twice and voided."""
    chance = world.seeds.generator("invoices.extra")
    buys = world.companies.filter(pl.Series(chance.random(len(world.companies)) < WORKSHOP_SHARE))
    at = pl.col("signed_at") + pl.duration(days=20)
    workshops = buys.filter(at < END).select(
        "company",
        created_at=at,
        reason=pl.lit("manual"),
        period_start=at,
        period_end=at,
        proration=pl.lit(False),
        quantity=pl.lit(1, pl.Int64),
        amount=pl.lit(WORKSHOP_MINOR, pl.Int64),
        discount=pl.lit(0, pl.Int64),
        kind=pl.lit("workshop"),
    )
    cycles = (
        lines.filter(pl.col("reason") == "subscription_cycle")
        .select("subscription", "created_at")
        .unique(maintain_order=True)
    )
    cycles = cycles.filter(pl.Series(chance.random(len(cycles)) < VOIDED_SHARE))
    doubles = lines.join(cycles, on=["subscription", "created_at"], how="semi", maintain_order="left")
    doubles = doubles.with_columns(reason=pl.lit("manual"), kind=pl.lit("double"))
    trials = terms.subscriptions.filter("has_trial").select(
        "subscription",
        "company",
        "created_at",
        reason=pl.lit("subscription_create"),
        period_start="created_at",
        period_end="started_at",
        proration=pl.lit(False),
        item=pl.lit(SEAT_ITEM),
        quantity=pl.lit(1, pl.Int64),
        amount=pl.lit(0, pl.Int64),
        discount=pl.lit(0, pl.Int64),
        kind=pl.lit("trial"),
    )
    return pl.concat([workshops, doubles, trials], how="diagonal_relaxed")
