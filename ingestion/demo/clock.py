"""The demo's time and chance: a fixed last moment, calendar months before it, and one random stream per name.

All times are UTC without a zone, as in the contracts of the raw tables. Simulations count in whole seconds.
"""

import hashlib
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# The exports break off in the middle of a Wednesday, as exports do; it is fixed so that a seed gives the same files.
END = datetime.fromisoformat("2026-06-17T18:00:00")
HOUR = 3_600
DAY = 24 * HOUR


@dataclass(frozen=True)
class Seeds:
    """Random streams that don't disturb one another: a new draw in one module changes nothing elsewhere."""

    rng: int

    def generator(self, name: str) -> np.random.Generator:
        """The stream of that name, from its beginning."""
        digest = hashlib.sha256(name.encode()).digest()
        return np.random.default_rng([self.rng % 2**63, int.from_bytes(digest[:8], "big")])


def months_until_end(months: int) -> list[date]:
    """First days of `months` whole months before END's month, and of END's month, which is cut off."""
    last = END.year * 12 + END.month - 1
    return [date(place // 12, place % 12 + 1, 1) for place in range(last - months, last + 1)]


def month_bounds(months: list[date]) -> Integers:
    """Seconds at which each month begins, and after them the second at which the data end."""
    starts = np.array(months, dtype="datetime64[s]").astype(np.int64)
    return np.append(starts, to_seconds(END))


def month_days(months: list[date]) -> Integers:
    """How many days each month has; the last one too, though the data end within it."""
    return np.array([monthrange(month.year, month.month)[1] for month in months])


def days_until_end(months: list[date]) -> Integers:
    """How many days of each month the data have; END is the end of a working day."""
    return np.append(month_days(months)[:-1], END.day)


def to_seconds(moment: datetime) -> int:
    """Seconds since 1970."""
    return int(np.datetime64(moment, "s").astype(np.int64))


def later(column: str, seconds: NDArray[Any]) -> pl.Expr:
    """The times of a column, each so many seconds later."""
    return pl.col(column) + pl.duration(seconds=pl.lit(pl.Series(np.asarray(seconds, dtype=np.int64))))


def as_times(name: str, seconds: NDArray[Any], is_known: Bools | None = None) -> pl.Series:
    """Seconds since 1970 as times; null where not known."""
    times = pl.Series(name, np.asarray(seconds, dtype=np.int64) * 1_000_000).cast(pl.Datetime("us"))
    return times if is_known is None else times.set(pl.Series(~is_known), None)
