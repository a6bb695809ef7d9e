"""Who signs with the demo company, when, and on what terms: all that is settled before anything happens."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ingestion.demo.clock import DAY, HOUR, Bools, Floats, Integers, Seeds, days_until_end, month_bounds
from ingestion.demo.pricing import LAUNCH, NO_COUPON, PARTNER, WELCOME
from ingestion.demo.story import TIERS, onboarding_quality

TIER_SHARES = (0.58, 0.31, 0.11)
ACQUIRED_SHARE = 0.3
# Per tier: typical seats and employees at the start, and how they spread (log-normal).
SEATS, SEAT_SPREAD = np.array([4.5, 14.0, 42.0]), np.array([0.5, 0.5, 0.55])
EMPLOYEES, EMPLOYEE_SPREAD = np.array([35.0, 320.0, 3200.0]), np.array([0.7, 0.6, 0.8])
# Share of yearly contracts per tier.
YEARLY_SHARES = np.array([0.25, 0.5, 0.75])
# Chances of plans (columns) per tier.
PLAN_SHARES = np.array([[0.55, 0.4, 0.05, 0], [0.1, 0.5, 0.35, 0.05], [0, 0.1, 0.45, 0.45]])
ADDON_SHARE = 0.12
PARTNER_SHARE, LAUNCH_SHARE, WELCOME_SHARE = 0.07, 0.1, 0.08
TRIAL_SHARES, TRIAL_DAYS = np.array([0.4, 0.2, 0.0]), 14
# Sign-ups: a rush at the launch, which halves within so many months, on top of a steady flow.
LAUNCH_RUSH, RUSH_MONTHS = 3.0, 4.0
SIGN_UP_SEASON = np.array([1.1, 1, 1.1, 1, 1, 0.95, 0.8, 0.6, 1.15, 1.1, 1.1, 0.7])
# Days after which a payment that fails is given up, by the half of the month in which it was due: with these that falls
# in the same month for the first half and in the next for the second, however long the month is.
HALF_MONTH = 14
DUNNING_DAYS, LATE_DUNNING_DAYS = 14, 17
WORK_BEGINS, WORK_ENDS = 8 * HOUR, 18 * HOUR
SPONSOR_STAY_MONTHS = 42.0

COUNTRIES = ("DE", "US", "GB", "FR", "NL", "AT", "ES", "IT", "SE", "CA")
COUNTRY_SHARES = (0.24, 0.22, 0.14, 0.1, 0.08, 0.05, 0.05, 0.05, 0.03, 0.04)
CURRENCY_BY_COUNTRY = np.array([0, 1, 2, 0, 0, 0, 0, 0, 0, 1])


@dataclass(frozen=True)
class Traits:
    """One entry per company. Codes are places in TIERS, PLANS, CURRENCIES, COUNTRIES, COUPONS; times are seconds."""

    tier: Integers
    is_acquired: Bools
    fit: Floats
    country: Integers
    currency: Integers
    employees: Integers
    seats: Integers
    plan: Integers
    has_addon: Bools
    is_yearly: Bools
    coupon: Integers
    has_trial: Bools
    sign_month: Integers
    anchor_day: Integers
    anchor_second: Integers
    signed_at: Integers
    onboarding: Floats
    onboarding_days: Floats
    sponsor_left_at: Integers
    people: Integers
    owner: Integers

    @property
    def count(self) -> int:
        return len(self.tier)


def draw_traits(seeds: Seeds, count: int, months: list[date], *, is_acausal: bool) -> Traits:
    """`count` companies in the order of their signing, with 20 people each on average."""
    chance = seeds.generator("companies")
    tier = chance.choice(len(TIERS), count, p=TIER_SHARES)
    fit = chance.normal(size=count)
    country = chance.choice(len(COUNTRIES), count, p=COUNTRY_SHARES)
    employees = np.ceil(EMPLOYEES[tier] * np.exp(EMPLOYEE_SPREAD[tier] * chance.normal(size=count))).astype(np.int64)
    seats = np.ceil(SEATS[tier] * np.exp(SEAT_SPREAD[tier] * chance.normal(size=count))).astype(np.int64)
    employees = np.maximum(employees, seats)
    plan = (chance.random((count, 1)) > PLAN_SHARES[tier].cumsum(axis=1)).sum(axis=1)
    # In a world without influence the length of the contract can't depend on the tier: churn depends on that length.
    is_yearly = chance.random(count) < (np.full(3, 0.4) if is_acausal else YEARLY_SHARES)[tier]
    sign_month = _sign_months(chance, count, months)
    anchor_day, anchor_second, signed_at = _anchors(chance, sign_month, months)
    onboarding = onboarding_quality(fit, tier, chance.normal(size=count))
    pace = np.exp(3.9 + 0.25 * tier - 1.4 * onboarding + 0.35 * chance.normal(size=count))
    has_trial = (chance.random(count) < TRIAL_SHARES[tier]) & (signed_at - TRIAL_DAYS * DAY > month_bounds(months)[0])
    return Traits(
        tier=tier,
        is_acquired=chance.random(count) < ACQUIRED_SHARE,
        fit=fit,
        country=country,
        currency=CURRENCY_BY_COUNTRY[country],
        employees=employees,
        seats=seats,
        plan=plan,
        has_addon=chance.random(count) < ADDON_SHARE,
        is_yearly=is_yearly,
        coupon=_coupons(chance, is_yearly),
        has_trial=has_trial,
        sign_month=sign_month,
        anchor_day=anchor_day,
        anchor_second=anchor_second,
        signed_at=signed_at,
        onboarding=onboarding,
        onboarding_days=np.clip(pace, 3, 200),
        sponsor_left_at=signed_at + (chance.exponential(SPONSOR_STAY_MONTHS * 30.4, count) * DAY).astype(np.int64),
        people=_people_counts(seats, 20 * count),
        owner=chance.integers(0, 25, count),
    )


def _sign_months(chance: np.random.Generator, count: int, months: list[date]) -> Integers:
    place = np.arange(len(months))
    weight = (1 + LAUNCH_RUSH * 0.5 ** (place / RUSH_MONTHS)) * SIGN_UP_SEASON[[month.month - 1 for month in months]]
    # The last month is cut off in its middle.
    weight[-1] *= 0.5
    return np.sort(chance.choice(len(months), count, p=weight / weight.sum()))


def _anchors(
    chance: np.random.Generator, sign_month: Integers, months: list[date]
) -> tuple[Integers, Integers, Integers]:
    """Day of the month, second of the day, and moment of signing: in working hours, before the data end, ascending."""
    day = chance.integers(1, days_until_end(months)[sign_month] + 1)
    second = chance.integers(WORK_BEGINS, WORK_ENDS, len(sign_month))
    order = np.lexsort((second, day, sign_month))
    day, second = day[order], second[order]
    return day, second, month_bounds(months)[sign_month] + (day - 1) * DAY + second


def _coupons(chance: np.random.Generator, is_yearly: Bools) -> Integers:
    draw = chance.random(len(is_yearly))
    coupon = np.full(len(is_yearly), NO_COUPON)
    coupon[draw < PARTNER_SHARE + LAUNCH_SHARE + WELCOME_SHARE] = WELCOME
    # A coupon for some months means nothing to a contract that is paid once a year.
    coupon[(draw < PARTNER_SHARE + LAUNCH_SHARE) & ~is_yearly] = LAUNCH
    coupon[draw < PARTNER_SHARE] = PARTNER
    return coupon


def _people_counts(seats: Integers, total: int) -> Integers:
    """People per company, `total` in all: five at least, the others in proportion to the seats."""
    least = 5
    share = (total - least * len(seats)) * seats / seats.sum()
    counts = np.floor(share).astype(np.int64)
    rest = int(total - least * len(seats) - counts.sum())
    counts[np.argsort(counts - share, kind="stable")[:rest]] += 1
    return np.asarray(counts + least)
