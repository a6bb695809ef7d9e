"""How shoppers order again: traits → experience → satisfaction → hazard of reorder. The coefficients are in `story.py`.

taste, price sensitivity, country           season, price rise
      │                                           │
      ▼                                           │
first order ──► delivery, discount,               │
      ▲         return, contact                   │
      │               │                           │
      │               ▼                           ▼
      │         satisfaction ────────────► rate of reorder ◄── loyalty, consent to mail, own habit
      │               │                           │
      │               ▼                           │
      │         stops for good?                   │
      └──────────── no ───────────────────────────┘
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestion.demo.clock import DAY, Bools, Floats, Integers, as_times, month_bounds
from ingestion.demo.story import (
    OrderExperience,
    ReorderCauses,
    ReorderCoefficients,
    logistic,
    order_satisfaction,
    reorder_rate,
    shop_busyness,
    stop_chance,
    usual_satisfaction,
)

DAYS_PER_MONTH = 30.44
# From this month on the list prices are higher.
PRICE_RISE = date(2025, 10, 1)
# January, July and November: the shop gives discounts more freely.
SALE_MONTHS = (1, 7, 11)
RUSH_MONTHS = (11, 12)
# Days that a parcel usually takes, and the log odds that it comes late.
TRANSIT_DAYS = {"DE": 1.6, "NL": 1.8, "AT": 2.4, "BE": 2.2, "FR": 2.8, "IT": 3.8}
LATE_LOG_ODDS = {"DE": -2.6, "NL": -2.6, "AT": -2.3, "BE": -2.4, "FR": -2.0, "IT": -1.5}
CANCELLED_SHARE, COUNTER_SHARE = 0.015, 0.05


@dataclass(frozen=True)
class ShopCalendar:
    """The shop's time as days since its first month began; `edges`: where each month begins, and where the data end.

    `busyness`: what multiplies every shopper's rate of reorder in each month.
    """

    edges: Floats
    first_second: int
    month_of_year: Integers
    is_price_raised: Bools
    busyness: Floats

    @classmethod
    def of(cls, months: list[date], reorder: ReorderCoefficients) -> "ShopCalendar":
        bounds = month_bounds(months)
        month_of_year = np.array([month.month for month in months])
        is_price_raised = np.array([month >= PRICE_RISE for month in months])
        busyness = shop_busyness(reorder, month_of_year, is_price_raised)
        return cls((bounds - bounds[0]) / DAY, int(bounds[0]), month_of_year, is_price_raised, busyness)

    @property
    def days(self) -> float:
        return float(self.edges[-1])

    @property
    def _exposures(self) -> Floats:
        return np.append(0, np.cumsum(np.diff(self.edges) / DAYS_PER_MONTH * self.busyness))

    def exposure(self, day: Floats) -> Floats:
        """What a rate of 1 adds up to between the start and a day."""
        return np.asarray(np.interp(day, self.edges, self._exposures))

    def day_at(self, exposure: Floats) -> Floats:
        """The day until which a rate of 1 has added up to that; infinity where the data end before."""
        return np.asarray(np.interp(exposure, self._exposures, self.edges, right=np.inf))

    def month(self, day: Floats) -> Integers:
        """The place in the calendar of each day's month."""
        return np.clip(np.searchsorted(self.edges, day, side="right") - 1, 0, len(self.busyness) - 1)

    def times(self, day: Floats, *, can_lie_ahead: bool = False) -> pl.Series:
        """Days as times, to the second; null for infinity, and for what lies after the end unless it may."""
        is_known = np.isfinite(day) & (can_lie_ahead | (day <= self.days))
        return as_times("", self.first_second + np.round(np.where(is_known, day, 0) * DAY), is_known)


def simulate_orders(
    random: np.random.Generator, shoppers: pl.DataFrame, calendar: ShopCalendar, reorder: ReorderCoefficients
) -> pl.DataFrame:
    """All orders, oldest first, with what happened to each and what it did to its shopper. All times are days.

    `shoppers`: shopper (dense from 0), first_day (infinity: never orders), country, taste, price_sensitivity,
    is_member, has_mail_consent.

    Returns: order, shopper, number (1 = the first), day, is_counter (taken along), had_discount, is_cancelled,
    sent_day, promised_day, delivered_day, late_days, is_returned, has_contact, reply_days, satisfaction (after it),
    free_day (from when on the shopper may order again), rate (per month, from then on), has_stopped, next_day
    (infinity: none before the end).
    """
    traits = {name: shoppers[name].to_numpy() for name in shoppers.columns}
    count, spread = len(shoppers), reorder.habit_spread
    habit = np.maximum(random.gamma(1 / spread, spread, count), 1e-4) if spread else np.ones(count)
    satisfaction = usual_satisfaction(traits["taste"])
    shopper = np.flatnonzero(np.isfinite(traits["first_day"]))
    day = traits["first_day"][shopper]
    steps: list[pl.DataFrame] = []
    while len(shopper) or not steps:
        its = {name: values[shopper] for name, values in traits.items()}
        order = _one_order(random, its, day, calendar)
        experience = OrderExperience(
            taste=its["taste"],
            price_sensitivity=its["price_sensitivity"],
            luck=random.standard_normal(len(shopper)),
            **{name: order[name] for name in _FELT},
        )
        now = satisfaction[shopper] = order_satisfaction(satisfaction[shopper], experience)
        causes = ReorderCauses(
            habit=habit[shopper],
            satisfaction=now,
            had_discount=order["had_discount"],
            **{name: its[name] for name in ("price_sensitivity", "is_member", "has_mail_consent")},
        )
        rate = reorder_rate(reorder, causes)
        has_stopped = random.random(len(shopper)) < stop_chance(reorder, now)
        # Nobody orders again while a parcel is under way, so what it brings can't work backwards in time.
        on_its_way = np.where(order["is_cancelled"], 0, order["delivered_day"] - day)
        free_day = day + reorder.parcel_wait * on_its_way
        wait = random.exponential(1, len(shopper)) / rate
        next_day = np.where(has_stopped, np.inf, calendar.day_at(calendar.exposure(free_day) + wait))
        outcome = {
            "satisfaction": now,
            "free_day": free_day,
            "rate": rate,
            "has_stopped": has_stopped,
            "next_day": next_day,
        }
        number = np.full(len(shopper), len(steps) + 1)
        steps.append(pl.DataFrame({"shopper": shopper, "number": number, "day": day} | order | outcome))
        goes_on = np.isfinite(next_day)
        shopper, day = shopper[goes_on], next_day[goes_on]
    return pl.concat(steps).sort("day", "shopper").with_row_index("order").with_columns(pl.col("order").cast(pl.Int64))


_FELT = ("had_discount", "late_days", "reply_days", "is_returned", "is_cancelled")


def _one_order(
    random: np.random.Generator, its: dict[str, NDArray[Any]], day: Floats, calendar: ShopCalendar
) -> dict[str, NDArray[Any]]:
    """What happens to one order of each shopper."""
    count = len(day)
    month_of_year = calendar.month_of_year[calendar.month(day)]
    is_sale, is_rush = np.isin(month_of_year, SALE_MONTHS), np.isin(month_of_year, RUSH_MONTHS)
    wants_discount = -2.2 + 1.8 * its["price_sensitivity"] + 0.4 * its["has_mail_consent"] + 1.0 * is_sale
    had_discount = random.random(count) < logistic(wants_discount)
    is_counter = random.random(count) < COUNTER_SHARE
    is_cancelled = ~is_counter & (random.random(count) < CANCELLED_SHARE)
    sent = day + 0.2 + random.exponential(0.6, count)
    transit = _of_country(TRANSIT_DAYS, its["country"])
    promised = day + np.ceil(transit + 2)
    is_late = random.random(count) < logistic(_of_country(LATE_LOG_ODDS, its["country"]) + 0.9 * is_rush)
    in_time = np.maximum(np.minimum(sent + transit * random.uniform(0.5, 1.0, count), promised), sent + 0.4)
    late = np.maximum(promised, sent) + random.gamma(1.6, 1.7, count)
    delivered = np.where(is_late, late, in_time)
    sent, promised, delivered = (np.where(is_counter, day, then) for then in (sent, promised, delivered))
    late_days = np.where(is_cancelled, 0, (delivered - promised).clip(0))
    is_returned = ~is_cancelled & (random.random(count) < logistic(-2.5 - 0.5 * its["taste"]))
    complains = -3.2 + 0.5 * late_days + 1.0 * is_returned + 2.0 * is_cancelled
    has_contact = random.random(count) < logistic(complains)
    return {
        "is_counter": is_counter,
        "had_discount": had_discount,
        "is_cancelled": is_cancelled,
        "sent_day": np.where(is_cancelled, np.inf, sent),
        "promised_day": promised,
        "delivered_day": np.where(is_cancelled, np.inf, delivered),
        "late_days": late_days,
        "is_returned": is_returned,
        "has_contact": has_contact,
        "reply_days": np.where(has_contact, random.gamma(1.2, 0.7, count), 0),
    }


def _of_country(values: dict[str, float], country: NDArray[Any]) -> Floats:
    codes = np.array(sorted(values))
    return np.array([values[code] for code in codes])[np.searchsorted(codes, country.astype(str))]


def true_hazards(orders: pl.DataFrame, calendar: ShopCalendar, months: list[date]) -> pl.DataFrame:
    """The true hazard of reorder: the chance of at least one order in a month, given all up to its beginning.

    Only where it isn't 0: who hasn't ordered yet is left out, and so is who has stopped, or waits for a parcel.

    Returns: shopper, month, satisfaction (by the parcel last ordered), reorder_hazard, has_reordered.
    """
    going_on = orders.filter(~pl.col("has_stopped"))
    column = {name: going_on[name].to_numpy() for name in going_on.columns}
    first = np.searchsorted(calendar.edges[:-1], column["day"], side="right")
    counts = np.searchsorted(calendar.edges[:-1], column["next_day"], side="left") - first
    place = np.repeat(np.arange(len(going_on)), counts)
    month = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts) + first[place]
    begin, end = np.maximum(calendar.edges[month], column["free_day"][place]), calendar.edges[month + 1]
    exposure = (calendar.exposure(end) - calendar.exposure(begin)).clip(0)
    return (
        pl.DataFrame(
            {
                "shopper": column["shopper"][place],
                "month": pl.Series(months, dtype=pl.Date)[month],
                "satisfaction": column["satisfaction"][place],
                "reorder_hazard": -np.expm1(-column["rate"][place] * exposure),
                "has_reordered": column["next_day"][place] < end,
            }
        )
        .filter(pl.col("reorder_hazard") > 0)
        .sort("shopper", "month")
    )
