"""What the demo company charges: plans, an add-on, three currencies, two intervals, one price rise, and coupons."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.demo.clock import Bools, Integers

PLANS = ("starter", "team", "business", "enterprise")
ADDON = "analytics"
CURRENCIES = ("EUR", "USD", "GBP")
# Whole units of currency per seat and month, before and after the rise: [version][plan][currency]. They are whole, so
# that a coupon's percentage of any quantity is a whole number of cents.
MONTHLY_PRICES = np.array(
    [
        [[19, 21, 17], [29, 32, 26], [45, 50, 40], [69, 76, 61]],
        [[21, 23, 19], [32, 35, 28], [49, 55, 44], [75, 83, 66]],
    ]
)
# The same per month of a year that is paid in advance.
YEARLY_PRICES = np.array(
    [
        [[16, 18, 14], [24, 27, 21], [37, 41, 33], [57, 63, 50]],
        [[18, 20, 16], [27, 29, 23], [41, 45, 36], [62, 68, 54]],
    ]
)
# The add-on has one price whatever the seats, and was left out of the rise.
ADDON_MONTHLY, ADDON_YEARLY = np.array([99, 109, 87]), np.array([83, 91, 73])
MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class Coupon:
    """`months`: how long it applies; None for ever, 0 for one invoice."""

    name: str
    percent_off: int
    months: int | None


# A coupon that is taken off one invoice only leaves recurring revenue as it is.
COUPONS = (
    Coupon("PARTNER10", 10, None),
    Coupon("LAUNCH20", 20, 6),
    Coupon("WELCOME50", 50, 0),
    Coupon("SAVE20", 20, 3),
)
NO_COUPON = -1
PARTNER, LAUNCH, WELCOME, SAVE = range(len(COUPONS))


def seat_price(version: Integers, plan: Integers, currency: Integers, is_yearly: Bools) -> Integers:
    """Whole units of currency per seat and month."""
    return np.where(is_yearly, YEARLY_PRICES[version, plan, currency], MONTHLY_PRICES[version, plan, currency])


def addon_price(currency: Integers, is_yearly: Bools) -> Integers:
    """Whole units of currency per month."""
    return np.where(is_yearly, ADDON_YEARLY[currency], ADDON_MONTHLY[currency])


def recurring_coupon_percent(coupon: Integers) -> Integers:
    """Percent off recurring revenue of each coupon's number, 0 without one."""
    percents = [0 if coupon.months == 0 else coupon.percent_off for coupon in COUPONS]
    return np.array([*percents, 0])[coupon]


def has_recurring_discount(coupon: Integers, tenure: Integers) -> Bools:
    """Whether the coupon of the contract lowers recurring revenue so many months after its start."""
    lasts = np.array([10_000 if coupon.months is None else coupon.months for coupon in COUPONS] + [0])
    return np.asarray(tenure <= lasts[coupon] - (lasts[coupon] == 0))


def mrr_minor(
    *,
    seats: Integers,
    version: Integers,
    plan: Integers,
    has_addon: Bools,
    currency: Integers,
    is_yearly: Bools,
    percent_off: Integers,
) -> Integers:
    """Monthly recurring revenue in the currency's smallest unit, after recurring discounts; exact."""
    whole = seats * seat_price(version, plan, currency, is_yearly) + has_addon * addon_price(currency, is_yearly)
    return np.asarray(whole * (100 - percent_off))


def price_book() -> pl.DataFrame:
    """One row per price: number, version, plan (or the add-on), currency, is_yearly, unit_amount per interval in cents.

    Its number is the same whatever the seed.
    """
    rows = [
        (version, plan, currency, is_yearly, int(prices[version, place, money]) * 100 * months)
        for is_yearly, prices, months in ((False, MONTHLY_PRICES, 1), (True, YEARLY_PRICES, MONTHS_PER_YEAR))
        for version in range(len(prices))
        for place, plan in enumerate(PLANS)
        for money, currency in enumerate(CURRENCIES)
    ]
    addons = [
        (0, ADDON, currency, is_yearly, int(prices[money]) * 100 * months)
        for is_yearly, prices, months in ((False, ADDON_MONTHLY, 1), (True, ADDON_YEARLY, MONTHS_PER_YEAR))
        for money, currency in enumerate(CURRENCIES)
    ]
    schema = {
        "version": pl.Int64,
        "plan": pl.String,
        "currency": pl.String,
        "is_yearly": pl.Boolean,
        "unit_amount": pl.Int64,
    }
    return pl.DataFrame(rows + addons, schema=schema, orient="row").with_row_index("price").cast({"price": pl.Int64})
