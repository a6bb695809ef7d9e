"""The shop's loyalty programme: points that members earn and spend, and friends whom they bring."""

import numpy as np
import polars as pl

from ingestion.demo import names
from ingestion.demo.baskets import refund_cents
from ingestion.demo.clock import Bools, Floats, Integers
from ingestion.demo.story import TYPICAL_SATISFACTION, logistic

POINTS_CODE, POINTS_REWARD, POINTS_REWARD_CENTS = "POINTS500", 500, 500
POINTS_PER_EURO, WELCOME_POINTS, POINTS_EXPIRE_DAYS, POINTS_SHARE = 3, 100, 365, 0.6
REFERRED_SHARE, LONGEST_REFERRAL_DAYS = 0.06, 60
# In euros, for the member and the friend together.
REFERRAL_COST = "10.00"


def redeem_points(
    random: np.random.Generator,
    orders: pl.DataFrame,
    lines: pl.DataFrame,
    refunds: pl.DataFrame,
    is_member: Bools,
    days: float,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Members earn three points for each euro, and pay with 500 of them where they have enough and no other discount.

    Points are gone a year after the last order. Returns: lines with the points' discounts, and the points ledger
    (shopper, kind, points, order, day), whose sum is never negative at any time.
    """
    amount = (pl.col("price_cents") * pl.col("quantity") - pl.col("discount_cents")).alias("amount")
    lines = lines.with_columns(amount)
    # The dearest line carries the discount, so that it never costs less than nothing.
    dearest = lines.sort("amount", "line", descending=[True, False]).unique("order", keep="first").sort("order")
    most = dearest["amount"].to_numpy()
    paid = lines.group_by("order").agg(pl.col("amount").sum()).sort("order")["amount"].to_numpy()
    shopper, number, day = (orders[name].to_numpy() for name in ("shopper", "number", "day"))
    back = refund_cents(lines, refunds).group_by("order").agg(pl.col("cents").sum(), pl.col("day").first())
    back_points = np.zeros(len(orders), np.int64)
    back_points[back["order"].to_numpy()] = -(-back["cents"].to_numpy() * POINTS_PER_EURO // 100)
    can_redeem = (
        is_member[shopper]
        & ~orders["had_discount"].to_numpy()
        & ~orders["is_cancelled"].to_numpy()
        & (most >= POINTS_REWARD_CENTS)
        & (random.random(len(orders)) < POINTS_SHARE)
    )
    balance, last_day = np.full(len(is_member), WELCOME_POINTS), np.zeros(len(is_member))
    redeemed = np.zeros(len(orders), bool)
    earned = np.zeros(len(orders), np.int64)
    ledger: list[pl.DataFrame] = []
    for step in range(1, int(number.max(initial=0)) + 1):
        order = np.flatnonzero((number == step) & is_member[shopper])
        who, now = shopper[order], day[order]
        if step > 1:
            ledger.append(_expired(balance, who, last_day[who], now))
        redeemed[order] = can_redeem[order] & (balance[who] >= POINTS_REWARD)
        less = POINTS_REWARD_CENTS * redeemed[order]
        earned[order] = (paid[order] - less) * POINTS_PER_EURO // 100
        # What will be given back counts as gone already, so that nobody spends points that are taken back later.
        taken = np.minimum(back_points[order], earned[order])
        balance[who] += earned[order] - taken - POINTS_REWARD * redeemed[order]
        last_day[who] = now
    buyers = np.unique(shopper[is_member[shopper]])
    ledger.append(_expired(balance, buyers, last_day[buyers], np.full(len(buyers), days)))
    back_day = np.full(len(orders), np.inf)
    back_day[back["order"].to_numpy()] = back["day"].to_numpy()
    taken = np.minimum(back_points, earned)
    place = np.arange(len(orders))
    ledger += [
        _entries("earn", shopper, earned, place, day),
        _entries("redeem", shopper, -POINTS_REWARD * redeemed, place, day),
        _entries("adjust", shopper, -taken, place, back_day),
    ]
    with_points = dearest.filter(pl.Series(redeemed)).select("line", points=pl.lit(POINTS_REWARD_CENTS))
    lines = lines.join(with_points, on="line", how="left", maintain_order="left").with_columns(
        discount_cents=pl.col("discount_cents") + pl.col("points").fill_null(0),
    )
    return lines.drop("amount", "points"), pl.concat(ledger)


def welcome_points(shoppers: pl.DataFrame) -> pl.DataFrame:
    """The entries of the points ledger with which each membership begins."""
    members = shoppers.filter("is_member")
    return members.select(
        "shopper",
        kind=pl.lit("earn"),
        points=pl.lit(WELCOME_POINTS, pl.Int64),
        order=pl.lit(None, pl.Int64),
        day="registered_day",
    )


def refer_friends(
    random: np.random.Generator, orders: pl.DataFrame, shoppers: pl.DataFrame, taken: pl.Series
) -> pl.DataFrame:
    """Whom members invited, mostly those who were pleased: some friends bought, others didn't answer.

    `taken`: the private addresses that somebody has already.

    Returns: sender, receiver (null: unknown to the shop), receiver_email (null: the receiver's own), status,
    invited_day, completed_day (infinity: never).
    """
    is_member = shoppers["is_member"].to_numpy()
    senders = orders.filter(pl.Series(is_member[orders["shopper"].to_numpy()])).sort("free_day", "order")
    return pl.concat(
        [_friends_who_bought(random, orders, senders), _friends_who_did_not(random, senders, shoppers, taken)]
    )


def _friends_who_bought(random: np.random.Generator, orders: pl.DataFrame, senders: pl.DataFrame) -> pl.DataFrame:
    firsts = orders.filter(pl.col("number") == 1)
    firsts = firsts.filter(pl.Series(random.random(len(firsts)) < REFERRED_SHARE))
    free_day, satisfaction = senders["free_day"].to_numpy(), senders["satisfaction"].to_numpy()
    bought = firsts["day"].to_numpy()
    begin, end = np.searchsorted(free_day, bought - LONGEST_REFERRAL_DAYS), np.searchsorted(free_day, bought)
    # Of three members who might have told of the shop, the most pleased one did.
    drawn = begin + np.floor(random.random((3, len(firsts))) * (end - begin)).astype(np.int64)
    known = drawn[:, end > begin]
    best = known[satisfaction[known].argmax(axis=0), np.arange(known.shape[1])]
    bought, receiver = bought[end > begin], firsts["shopper"].to_numpy()[end > begin]
    wait = random.random(len(best)) * (bought - free_day[best])
    return pl.DataFrame(
        {
            "sender": senders["shopper"].to_numpy()[best],
            "receiver": receiver,
            "receiver_email": pl.Series([None] * len(best), dtype=pl.String),
            "status": pl.Series(["completed"] * len(best), dtype=pl.String),
            "invited_day": free_day[best] + wait,
            "completed_day": bought,
        }
    )


def _friends_who_did_not(
    random: np.random.Generator, senders: pl.DataFrame, shoppers: pl.DataFrame, taken: pl.Series
) -> pl.DataFrame:
    likely = logistic(-4.0 + 3.0 * (senders["satisfaction"].to_numpy() - TYPICAL_SATISFACTION))
    invites = senders.filter(pl.Series(random.random(len(senders)) < likely))
    size = len(invites)
    home = shoppers["country"].to_numpy().astype(object)[invites["shopper"].to_numpy()]
    email = names.private_emails(random, *names.person_names(random, home), home, taken)
    status = pl.Series(random.choice(["pending", "cancelled", "blocked"], size, p=[0.75, 0.15, 0.1]), dtype=pl.String)
    own = shoppers["email"].gather(invites["shopper"])
    return pl.DataFrame(
        {
            "sender": invites["shopper"],
            "receiver": pl.Series([None] * size, dtype=pl.Int64),
            # What is blocked is members who invite themselves.
            "receiver_email": pl.select(
                pl.when(status == "blocked").then(own.str.replace("@", "+friend@")).otherwise(email)
            ).to_series(),
            "status": status,
            "invited_day": invites["free_day"].to_numpy() + random.exponential(6, size),
            "completed_day": np.full(size, np.inf),
        }
    )


def _expired(balance: Integers, who: Integers, since: Floats, until: Floats) -> pl.DataFrame:
    """Take away the points of those whose last order is a year back."""
    is_over = (until - since > POINTS_EXPIRE_DAYS) & (balance[who] > 0)
    gone = who[is_over]
    entries = _entries("expire", gone, -balance[gone], None, since[is_over] + POINTS_EXPIRE_DAYS)
    balance[gone] = 0
    return entries


def _entries(kind: str, shopper: Integers, points: Integers, order: Integers | None, day: Floats) -> pl.DataFrame:
    entries = pl.DataFrame({"shopper": shopper, "points": points, "day": day}).with_columns(
        kind=pl.lit(kind), order=pl.lit(None, pl.Int64) if order is None else pl.Series(order)
    )
    return entries.select("shopper", "kind", "points", "order", "day").filter(pl.col("points") != 0)
