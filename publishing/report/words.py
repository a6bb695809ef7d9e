"""Numbers and changes in the words that the report uses everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Number = int | float | Decimal

MISSING = "—"
MINUS, TO = "\N{MINUS SIGN}", "\N{EN DASH}"
# Below this many customers a month-on-month change says more about chance than about the business.
FEWEST_FOR_A_CHANGE = 30
# From here on full digits no longer fit a headline and are no longer read.
MILLIONS_FROM = 100_000_000


@dataclass(frozen=True)
class Measured:
    """A share as a mart publishes it: with its counts and its 95% interval."""

    num: int
    den: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """How a figure moved, in words. `direction` only picks the symbol beside them."""

    direction: Literal["up", "down", "same", "unclear", "none"]
    text: str


def month_name(month: date) -> str:
    """November 2010."""
    return f"{month:%B %Y}"


def short_month(month: date) -> str:
    """Nov 2010."""
    return f"{month:%b %Y}"


def earlier_month(earlier: date, month: date) -> str:
    """October, said of the month before November; with its year where months lie between."""
    is_next = 12 * (month.year - earlier.year) + month.month - earlier.month == 1
    return f"{earlier:%B}" if is_next else month_name(earlier)


def day_name(day: date) -> str:
    """9 December 2010."""
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """9 Dec 2010."""
    return f"{day.day} {day:%b %Y}"


def moment(at: datetime) -> str:
    """9 December 2010, 20:01 UTC."""
    return f"{day_name(at.date())}, {at:%H:%M} UTC"


def count(value: Number | None) -> str:
    """1,234 or a dash."""
    return MISSING if value is None else f"{value:,.0f}".replace("-", MINUS)


def percent(rate: Number | None, digits: int = 1) -> str:
    """35.3% or a dash."""
    return MISSING if rate is None else f"{100 * rate:.{digits}f}%".replace("-", MINUS)


def share_of(part: int, total: int) -> str:
    """A part of a total in percent; what is there is never 0.0%."""
    rate = part / total if total else None
    return "< 0.1%" if rate is not None and 0 < rate < 0.001 else percent(rate)


def near_percent(rate: float | None) -> str:
    """Two digits; what isn't all is never 100.00%, and what is there never 0.00%."""
    if rate is not None and 0.99995 <= rate < 1:
        return "> 99.99%"
    return "< 0.01%" if rate is not None and 0 < rate < 0.00005 else percent(rate, 2)


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """From 33.1 to 37.5%, as 33.1, a dash and 37.5%; the dash alone where an end is not known."""
    if low is None or high is None:
        return MISSING
    return f"{100 * low:.{digits}f}{TO}{100 * high:.{digits}f}%"


def money(amount: Number | None, currency: str | None, digits: int = 0) -> str:
    """GBP 1,172,336; a dash where an amount or its currency is not known."""
    if amount is None or currency is None:
        return MISSING
    if abs(float(amount)) >= MILLIONS_FROM and not digits:
        return f"{currency} {float(amount) / 1e6:,.1f} million".replace("-", MINUS)
    return f"{currency} {amount:,.{digits}f}".replace("-", MINUS)


def plural(number: int, one: str, many: str | None = None) -> str:
    """1 month, 2 months."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listing(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentence_case(text: str) -> str:
    """The text with a capital first letter; names within keep theirs."""
    return text[:1].upper() + text[1:]


def amount_change(now: Number, before: Number, before_text: str, against: str, fewest: int) -> Change:
    """The change of a count or an amount; `fewest` is the smaller number of customers behind the two."""
    if fewest < FEWEST_FOR_A_CHANGE:
        return Change("unclear", f"too few customers to call a change on {against} ({before_text})")
    if now == before:
        return Change("same", f"the same as {against}")
    direction: Literal["up", "down"] = "up" if now > before else "down"
    if before <= 0:
        return Change(direction, f"{direction} from {before_text} in {against}")
    relative = abs(float(now) / float(before) - 1)
    size = "less than 0.1%" if relative < 0.0005 else percent(relative)
    return Change(direction, f"{direction} {size} on {against} ({before_text})")


def share_change(now: Measured, before: Measured, against: str) -> Change:
    """The change of a share. Where the intervals overlap nobody should quote a direction, so none is given."""
    if min(now.den, before.den) < FEWEST_FOR_A_CHANGE:
        return Change("unclear", f"too few customers to call a change on {against} ({percent(before.rate)})")
    if now.low <= before.high and before.low <= now.high:
        return Change("unclear", f"no clear change on {against} ({percent(before.rate)})")
    direction: Literal["up", "down"] = "up" if now.rate > before.rate else "down"
    points = f"{100 * abs(now.rate - before.rate):.1f} points"
    return Change(direction, f"{direction} {points} on {against} ({percent(before.rate)})")
