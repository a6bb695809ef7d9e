"""The consumer shop: who its shoppers are, what they ordered, and what came of it, as it truly was.

`storefront.py` and `marketing.py` make of it what the shop's systems know. How one thing leads to another is told in
`purchases.py`.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from ingestion.demo.baskets import (
    CANCELLED_AFTER_DAYS,
    CODES,
    code_of,
    fill_baskets,
    leave_checkouts,
    order_money,
    refund_cents,
    send_parcels,
)
from ingestion.demo.clock import Seeds
from ingestion.demo.mailing import send_messages
from ingestion.demo.purchases import ShopCalendar, simulate_orders, true_hazards
from ingestion.demo.rewards import POINTS_CODE, redeem_points, refer_friends, welcome_points
from ingestion.demo.shoppers import make_shoppers
from ingestion.demo.story import ReorderCoefficients

UNNAMED_SHARE, APP_SHARE = 0.3, 0.2


@dataclass(frozen=True)
class Shop:
    """The shop's truth. Frames are sorted by dense ids from 0; times are UTC, null where nothing has happened.

    shoppers: shopper, person (of `people`, or null), parent, partner (shoppers, or null), first_name, last_name, email,
    phone, country, city, street, postal_code, birth_date, taste, price_sensitivity, is_member, has_mail_consent,
    has_account, registered_at, first_ordered_at, unsubscribed_at.
    orders: order, shopper, number (1 = the shopper's first), ordered_at, subtotal_cents, discount_cents,
    shipping_cents, tax_cents, total_cents, discount_code, channel (web, app, pos), is_unnamed (at the counter, without
    a name), had_discount, is_cancelled, cancelled_at, promised_at, sent_at, delivered_at (all at once at the counter),
    late_days, is_returned, has_contact, reply_days, satisfaction (after it), has_stopped (never orders again).
    lines: line, order, product, quantity, price_cents, discount_cents.
    refunds: refund (a line's), line, order, quantity, cents, is_cancellation, refunded_at.
    parcels: parcel, order, sent_at, promised_at, delivered_at.
    checkouts: checkout, shopper, began_at, completed_at, total_cents.
    campaigns: campaign, name, kind, channel, created_at.
    messages: message, shopper, campaign, channel, sent_at, opened_at, reopened_at, clicked_at, bounced_at,
    unsubscribed_at, spam_at.
    points: entry, shopper, kind, points, order, at.
    referrals: referral, sender, receiver, receiver_email, status, invited_at, completed_at.
    shopper_months: shopper, month, satisfaction, reorder_hazard, has_reordered; see `purchases.true_hazards`.
    private_emails: the private addresses of all: people of companies, shoppers, and friends whom they invited.
    """

    seeds: Seeds
    shoppers: pl.DataFrame
    orders: pl.DataFrame
    lines: pl.DataFrame
    refunds: pl.DataFrame
    parcels: pl.DataFrame
    checkouts: pl.DataFrame
    campaigns: pl.DataFrame
    messages: pl.DataFrame
    points: pl.DataFrame
    referrals: pl.DataFrame
    shopper_months: pl.DataFrame
    private_emails: pl.Series


def simulate_shop(
    seeds: Seeds,
    months: list[date],
    *,
    shoppers: int,
    reorder: ReorderCoefficients,
    people: pl.DataFrame | None = None,
) -> Shop:
    """Let `shoppers` people discover the shop over `months`, and order as `reorder` says.

    `people`: the people of companies (`World.people`), some of whom shop here too.
    """
    calendar = ShopCalendar.of(months, reorder)
    who = make_shoppers(seeds.generator("shop.shoppers"), calendar, shoppers, people)
    traits = ("shopper", "first_day", "country", "taste", "price_sensitivity", "is_member", "has_mail_consent")
    orders = simulate_orders(seeds.generator("shop.orders"), who.select(traits), calendar, reorder)
    lines, refunds = fill_baskets(seeds.generator("shop.baskets"), orders, who, calendar)
    random = seeds.generator("shop.points")
    lines, points = redeem_points(random, orders, lines, refunds, who["is_member"].to_numpy(), calendar.days)
    points = pl.concat([welcome_points(who), points])
    orders = orders.with_columns(order_money(orders, lines, who["country"].gather(orders["shopper"])).drop("order"))
    orders = orders.with_columns(**_circumstances(seeds, orders, points))
    checkouts = leave_checkouts(seeds.generator("shop.checkouts"), orders, who, calendar.days)
    mailing = send_messages(seeds.generator("shop.messages"), calendar, months, who, orders, checkouts)
    unsubscribed = mailing.messages.group_by("shopper").agg(pl.col("unsubscribed_day").min())
    who = who.join(unsubscribed, on="shopper", how="left", maintain_order="left")
    parcels = send_parcels(seeds.generator("shop.parcels"), orders)
    private_emails = who["email"] if people is None else pl.concat([people["private_email"], who["email"]])
    referrals = refer_friends(seeds.generator("shop.referrals"), orders, who, private_emails)
    return Shop(
        seeds=seeds,
        shoppers=_timed(who, calendar, first_day="first_ordered_at"),
        orders=_timed(orders.drop("is_counter", "free_day", "next_day", "rate"), calendar, day="ordered_at"),
        lines=lines,
        refunds=_known(refund_cents(lines, refunds), calendar, "refund", day="refunded_at"),
        parcels=_known(parcels, calendar, "parcel", sent_day="sent_at"),
        checkouts=_known(checkouts, calendar, "checkout", began_day="began_at"),
        campaigns=_timed(mailing.campaigns, calendar, sent_day="created_at"),
        messages=_timed(mailing.messages, calendar),
        points=_known(points, calendar, "entry", day="at"),
        referrals=_known(referrals, calendar, "referral", invited_day="invited_at"),
        shopper_months=true_hazards(orders, calendar, months),
        private_emails=pl.concat([private_emails, referrals["receiver_email"].drop_nulls()]),
    )


def _circumstances(seeds: Seeds, orders: pl.DataFrame, points: pl.DataFrame) -> dict[str, pl.Series | pl.Expr]:
    """Where each order was placed, with which code, and whether it was cancelled."""
    random = seeds.generator("shop.circumstances")
    with_points = points.filter(pl.col("kind") == "redeem")["order"]
    code = pl.Series(list(CODES), dtype=pl.String).gather(pl.Series(code_of(orders)))
    is_app, is_shy = (pl.Series(random.random(len(orders)) < share) for share in (APP_SHARE, UNNAMED_SHARE))
    return {
        "discount_code": pl.when("had_discount")
        .then(code)
        .when(pl.col("order").is_in(with_points.implode()))
        .then(pl.lit(POINTS_CODE)),
        "channel": pl.when("is_counter").then(pl.lit("pos")).when(is_app).then(pl.lit("app")).otherwise(pl.lit("web")),
        "is_unnamed": pl.col("is_counter") & is_shy,
        "cancelled_day": pl.when("is_cancelled").then(pl.col("day") + CANCELLED_AFTER_DAYS).otherwise(float("inf")),
    }


def _timed(frame: pl.DataFrame, calendar: ShopCalendar, **names: str) -> pl.DataFrame:
    """Days as times; `…_day` becomes `…_at` where `names` gives no other name."""
    days = [name for name in frame.columns if name in names or name.endswith("_day")]
    # A promise lies ahead; whatever else does hasn't happened.
    times = [calendar.times(frame[name].to_numpy(), can_lie_ahead=name == "promised_day").alias(name) for name in days]
    return frame.with_columns(times).rename({name: names.get(name, f"{name.removesuffix('_day')}_at") for name in days})


def _known(frame: pl.DataFrame, calendar: ShopCalendar, key: str, **names: str) -> pl.DataFrame:
    """What has happened by the end, oldest first, numbered."""
    (day,) = names
    happened = frame.filter(pl.col(day) <= calendar.days).sort(day, maintain_order=True)
    numbered = happened.select(pl.int_range(pl.len(), dtype=pl.Int64).alias(key), pl.all())
    return _timed(numbered, calendar, **names)
