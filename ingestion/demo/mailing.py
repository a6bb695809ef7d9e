"""What the shop sends to those who agreed: campaigns, flows, and what became of each message."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ingestion.demo.clock import Floats, Integers
from ingestion.demo.purchases import SALE_MONTHS, ShopCalendar
from ingestion.demo.story import TYPICAL_SATISFACTION, logistic, usual_satisfaction

FLOWS = ("Welcome", "After the first parcel", "Basket left", "We miss you")
WELCOME, AFTER_PARCEL, BASKET_LEFT, MISSED = range(len(FLOWS))
MISSED_AFTER_DAYS, PARCEL_MAIL_DAYS = 120, 6
MORNING = 8.5 / 24
BOUNCE_SHARE, REOPEN_SHARE, SPAM_SHARE = 0.003, 0.25, 0.1


@dataclass(frozen=True)
class Mailing:
    """Days are infinity where something didn't happen.

    campaigns: campaign, name, kind, channel, sent_day. messages: message, shopper, campaign, channel, sent_day,
    opened_day, reopened_day, clicked_day, bounced_day, unsubscribed_day, spam_day.
    """

    campaigns: pl.DataFrame
    messages: pl.DataFrame


def send_messages(
    random: np.random.Generator,
    calendar: ShopCalendar,
    months: list[date],
    shoppers: pl.DataFrame,
    orders: pl.DataFrame,
    checkouts: pl.DataFrame,
) -> Mailing:
    """Send what was due, until the receiver unsubscribes or the address bounces.

    Whether a message is opened, clicked or ends the subscription depends on the satisfaction by then, and whether the
    shopper still shops here; it changes nothing about either.
    """
    campaigns = _campaigns(calendar, months)
    mails = _due(campaigns, calendar, shoppers, orders, checkouts)
    now = _mood(mails, shoppers, orders)
    pleased = now["satisfaction"].to_numpy() - TYPICAL_SATISFACTION
    is_gone = now["has_stopped"].to_numpy()
    sent, size = mails["sent_day"].to_numpy(), len(mails)
    is_mail, is_flow = mails["channel"].to_numpy() == "email", mails["campaign"].to_numpy() < len(FLOWS)
    chance = random.random((7, size))
    bounces = is_mail & (chance[0] < BOUNCE_SHARE)
    opens = is_mail & ~bounces & (chance[1] < logistic(-0.7 + 2.0 * pleased - 1.2 * is_gone + 0.5 * is_flow))
    clicks = np.where(is_mail, opens, True) & (chance[2] < logistic(-2.3 + 1.0 * pleased - 1.0 * is_gone))
    leaves = ~bounces & (chance[3] < np.exp(-5.2 - 4.0 * pleased + 0.5 * is_gone))
    complains = leaves & is_mail & (chance[4] < SPAM_SHARE)
    opened = sent + random.exponential(0.3, size)
    clicked = np.where(is_mail, opened, sent) + random.exponential(0.01, size) + 1e-4
    left = np.where(opens, opened, sent + 0.2) + 0.02 * chance[5]
    messages = mails.with_columns(
        opened_day=np.where(opens, opened, np.inf),
        reopened_day=np.where(
            opens & (chance[6] < REOPEN_SHARE), opened + random.exponential(1.0, size) + 1e-3, np.inf
        ),
        clicked_day=np.where(clicks, clicked, np.inf),
        bounced_day=np.where(bounces, sent + 1e-3, np.inf),
        unsubscribed_day=np.where(leaves, left, np.inf),
        spam_day=np.where(complains, left, np.inf),
    )
    end = pl.min_horizontal("bounced_day", "unsubscribed_day").min().over("shopper")
    kept = messages.filter(pl.col("sent_day") <= end)
    return Mailing(campaigns, kept.with_row_index("message").with_columns(pl.col("message").cast(pl.Int64)))


def _campaigns(calendar: ShopCalendar, months: list[date]) -> pl.DataFrame:
    """Flows run from the start; a newsletter goes out each month, in sales a second one and a text message."""
    rows: list[tuple[str, str, str, float]] = [(name, "flow", "email", 0.0) for name in FLOWS]
    for month in months:
        tuesday = month + timedelta(days=(1 - month.weekday()) % 7)
        day = (tuesday - months[0]).days + MORNING
        rows.append((f"Newsletter {month:%B %Y}", "campaign", "email", day))
        if month.month in SALE_MONTHS:
            rows.append((f"Sale {month:%B %Y}", "campaign", "email", day + 9))
            rows.append((f"Sale by text {month:%B %Y}", "campaign", "sms", day + 16))
    columns = {"name": pl.String, "kind": pl.String, "channel": pl.String, "sent_day": pl.Float64}
    frame = pl.DataFrame([row for row in rows if row[-1] <= calendar.days], schema=columns, orient="row")
    return frame.with_row_index("campaign").with_columns(pl.col("campaign").cast(pl.Int64))


def _due(
    campaigns: pl.DataFrame,
    calendar: ShopCalendar,
    shoppers: pl.DataFrame,
    orders: pl.DataFrame,
    checkouts: pl.DataFrame,
) -> pl.DataFrame:
    """shopper, campaign, channel, sent_day of all that would be sent if nobody unsubscribed."""
    consent = shoppers["has_mail_consent"].to_numpy()
    has_phone = shoppers["phone"].is_not_null().to_numpy()
    registered = shoppers["registered_day"].to_numpy()
    parts: list[tuple[int, str, Integers, Floats]] = []
    for campaign, _, kind, channel, day in campaigns.iter_rows():
        if kind == "campaign":
            who = np.flatnonzero(consent & (registered < day) & (has_phone | (channel == "email")))
            # A large list takes an hour or two to go out.
            parts.append((campaign, channel, who, day + np.linspace(0, 0.08, len(who))))
    firsts = orders.filter(pl.col("number") == 1)
    silent = orders.filter(pl.col("next_day") > pl.col("day") + MISSED_AFTER_DAYS)
    open_baskets = checkouts.filter(pl.col("completed_day").is_infinite())
    for flow, who, day in (
        (WELCOME, np.arange(len(shoppers)), registered + 0.01),
        (AFTER_PARCEL, firsts["shopper"].to_numpy(), firsts["delivered_day"].to_numpy() + PARCEL_MAIL_DAYS),
        (BASKET_LEFT, open_baskets["shopper"].to_numpy(), open_baskets["began_day"].to_numpy() + 0.2),
        (MISSED, silent["shopper"].to_numpy(), silent["day"].to_numpy() + MISSED_AFTER_DAYS),
    ):
        is_due = consent[who] & (day <= calendar.days)
        parts.append((flow, "email", who[is_due], day[is_due]))
    frames = [
        pl.DataFrame({"shopper": who, "sent_day": day}).with_columns(
            campaign=pl.lit(campaign, pl.Int64), channel=pl.lit(channel)
        )
        for campaign, channel, who, day in parts
    ]
    return pl.concat(frames).filter(pl.col("sent_day") <= calendar.days).sort("sent_day", "shopper", "campaign")


def _mood(mails: pl.DataFrame, shoppers: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """satisfaction and has_stopped of each receiver when the message is sent."""
    known = orders.select("shopper", "satisfaction", "has_stopped", since="free_day").sort("since")
    start = pl.Series("before", usual_satisfaction(shoppers["taste"].to_numpy()))
    now = mails.select("shopper", "sent_day", before=start.gather(mails["shopper"])).join_asof(
        known, left_on="sent_day", right_on="since", by="shopper", check_sortedness=False
    )
    return now.select(pl.col("satisfaction").fill_null(pl.col("before")), pl.col("has_stopped").fill_null(value=False))
