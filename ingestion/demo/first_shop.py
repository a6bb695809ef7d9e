"""A small consumer shop: customers and order lines as its shop system would export them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from ingestion.errors import UserError

# The export breaks off in the middle of a month, as exports do; the date is fixed so that a seed gives the same files.
END = np.datetime64("2026-06-17T18:00:00", "ms")
END_MONTH, END_DAY = 6, 17
DAYS_PER_MONTH = 30.44
SECONDS_PER_DAY = 86_400

# Buying and leaving as in the BG/NBD model (Fader, Hardie & Lee 2005): each customer has an own rate, and after each
# order an own chance never to return.
RATE_SHAPE, RATE_PER_MONTH = 0.9, 0.55
DROPOUT_ALPHA, DROPOUT_BETA = 0.9, 3.2
MOST_ORDERS = 80
GROWTH_PER_MONTH = 0.02
# How busy each calendar month is, January first; the busiest sets the scale.
SEASON = np.array([0.70, 0.66, 0.72, 0.74, 0.76, 0.70, 0.66, 0.68, 0.76, 0.82, 0.97, 1.00])

COUNTRIES = {"Germany": 0.42, "France": 0.2, "Netherlands": 0.14, "Austria": 0.1, "Belgium": 0.08, "Italy": 0.06}
FIRST_NAMES = ("Ada", "Ben", "Carla", "David", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Klara", "Luca")
LAST_NAMES = ("Albers", "Berger", "Costa", "Dubois", "Engel", "Fischer", "Garnier", "Huber", "Jansen", "Keller")
PRODUCT_COUNT = 120
GUEST_SHARE, RETURN_SHARE, GIFT_SHARE = 0.03, 0.05, 0.008

SOURCES = """\
# The demo shop's exports. Values under columns are the files' own column names, or SQL expressions over them.
sources:
  files:
    order_lines:
      path: files/order_lines_*.csv
      columns:
        order_id: order_number
        line_id: line_number
        customer_id: customer_number
        ordered_at: ordered
        product_id: sku
        quantity: qty
        unit_price: price
        currency: "'EUR'"
        is_cancellation: line_type = 'return'
        country: ship_country
    customers:
      path: files/customers.csv
      columns:
        customer_id: customer_number
        customer_name: name
        email: email
        country: country
        signed_up_at: registered
"""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class _Customers:
    """One entry per customer; times are days since the start."""

    first_day: Floats
    country: NDArray[np.str_]


def write_demo(folder: Path, *, customers: int = 2000, months: int = 24, rng: int = 7) -> Path:
    """Write the demo shop's files and its `sources.yml` into `folder`; returns the path of the latter.

    `months`: length of the shop's history, up to 17 June 2026. The same arguments give the same bytes.

    Raises:
        UserError: too few customers or months, the folder can't be written, or another `sources.yml` is in it.
    """
    path = folder / "sources.yml"
    if path.exists() and path.read_text(encoding="utf-8") != SOURCES:
        raise UserError(f"{path} is not the demo's: the demo would overwrite it; use another --home, or remove it.")
    if customers < 1 or months < 1:
        raise UserError("the demo needs at least 1 customer and 1 month: give higher numbers.")
    random = np.random.default_rng(rng)
    days = months * DAYS_PER_MONTH
    people = _customers(random, customers, days)
    lines = _lines(random, people, days)
    returns = _returns(random, lines, days)
    table = pl.concat([_as_table(lines, days), returns]).sort("ordered", "order_number", "line_number")
    try:
        files = folder / "files"
        files.mkdir(parents=True, exist_ok=True)
        _customer_table(people, days).write_csv(files / "customers.csv")
        for (year,), part in _with_mistakes(table).group_by(pl.col("ordered").str.slice(0, 4), maintain_order=True):
            part.write_csv(files / f"order_lines_{year}.csv")
        path.write_text(SOURCES, encoding="utf-8")
    except OSError as error:
        raise UserError(f"the demo can't be written to {folder}: {error.strerror}.") from error
    return path


def _customers(random: np.random.Generator, count: int, days: float) -> _Customers:
    """First orders, more of them as the shop grows and in its season."""
    candidates = np.arange(days)
    weight = (1 + GROWTH_PER_MONTH) ** (candidates / DAYS_PER_MONTH) * _season(candidates, days)
    day = np.sort(random.choice(candidates, count, p=weight / weight.sum()) + _clock(random, count))
    country = random.choice(list(COUNTRIES), count, p=list(COUNTRIES.values()))
    return _Customers(np.minimum(day, days), country)


def _lines(random: np.random.Generator, people: _Customers, days: float) -> pl.DataFrame:
    """One row per sale line: order, line, customer, day, product, qty, cents, country."""
    count = len(people.first_day)
    rate = random.gamma(RATE_SHAPE, RATE_PER_MONTH / RATE_SHAPE, (count, 1)) / DAYS_PER_MONTH
    dropout = random.beta(DROPOUT_ALPHA, DROPOUT_BETA, (count, 1))
    gaps = random.exponential(1, (count, MOST_ORDERS)) / np.maximum(rate, 1e-6)
    gaps[:, 0] = 0
    day = people.first_day[:, None] + gaps.cumsum(axis=1)
    stays = random.random((count, MOST_ORDERS)) > dropout
    is_alive = np.hstack([np.ones((count, 1), bool), np.cumprod(stays[:, :-1], axis=1).astype(bool)])
    happens = random.random((count, MOST_ORDERS)) < _season(day, days)
    happens[:, 0] = True
    customer, place = np.nonzero(is_alive & happens & (day <= days))
    orders = pl.DataFrame({"customer": customer, "day": day[customer, place]}).sort("day", "customer")
    orders = orders.with_columns(
        country=pl.Series(people.country[orders["customer"].to_numpy()]),
        is_guest=pl.Series(random.random(len(orders)) < GUEST_SHARE),
        line_count=pl.Series(1 + random.poisson(1.3, len(orders))),
    ).with_row_index("order", offset=1)
    lines = orders.select(pl.all().exclude("line_count").repeat_by("line_count")).explode(cs.all())
    size = len(lines)
    popularity = 1 / np.arange(1, PRODUCT_COUNT + 1) ** 0.8
    product = random.choice(PRODUCT_COUNT, size, p=popularity / popularity.sum())
    list_cents = np.round(np.exp(random.normal(3.1, 0.7, PRODUCT_COUNT))) * 100 - 1
    cents = np.where(random.random(size) < GIFT_SHARE, 0, list_cents[product]).astype(np.int64)
    return lines.with_columns(
        line=pl.int_range(1, pl.len() + 1).over("order"),
        product=pl.Series(product),
        qty=pl.Series(random.geometric(0.72, size)),
        cents=pl.Series(cents),
    )


def _returns(random: np.random.Generator, lines: pl.DataFrame, days: float) -> pl.DataFrame:
    """Some lines come back within weeks, on a credit note of their own."""
    is_returned = (random.random(len(lines)) < RETURN_SHARE) & (lines["cents"].to_numpy() > 0)
    returned = lines.filter(pl.Series(is_returned))
    late = returned["day"].to_numpy() + 2 + random.exponential(8, len(returned))
    returned = returned.with_columns(day=pl.Series(late), qty=-pl.col("qty"), line=pl.lit(1, pl.Int64))
    returned = returned.filter(pl.col("day") <= days).with_columns(order=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32))
    return _as_table(returned, days, prefix="R", line_type="return")


def _as_table(lines: pl.DataFrame, days: float, *, prefix: str = "S", line_type: str = "sale") -> pl.DataFrame:
    """The lines as the shop system exports them, all as text."""
    return lines.select(
        order_number=pl.lit(prefix) + pl.col("order").cast(pl.String).str.zfill(7),
        line_number=pl.col("line").cast(pl.String),
        customer_number=pl.when("is_guest").then(None).otherwise(_customer_number(pl.col("customer"))),
        ordered=_timestamp(lines["day"].to_numpy(), days),
        sku=pl.lit("SKU-") + pl.col("product").cast(pl.String).str.zfill(3),
        qty=pl.col("qty").cast(pl.String),
        price=(pl.col("cents") // 100).cast(pl.String) + "." + (pl.col("cents") % 100).cast(pl.String).str.zfill(2),
        line_type=pl.lit(line_type),
        ship_country=pl.col("country"),
    )


def _with_mistakes(table: pl.DataFrame) -> pl.DataFrame:
    """A handful of rows as no system should export them, spread over the history."""
    mistakes: list[tuple[str, str]] = [
        ("price", "-14.99"),
        ("ordered", "2026-02-30 10:15:00"),
        ("qty", "two"),
        ("price", ""),
        ("order_number", ""),
    ]
    bad = []
    for place, (column, value) in enumerate(mistakes, start=1):
        row = table.slice(len(table) * place // (len(mistakes) + 1), 1)
        # A mistake is an extra row with a number of its own, so that the true lines stay whole.
        extra = row.with_columns(order_number=pl.lit(f"X{place:07d}"))
        bad.append(extra.with_columns(pl.lit(value).alias(column)))
    return pl.concat([table, *bad])


def _customer_table(people: _Customers, days: float) -> pl.DataFrame:
    place = np.arange(len(people.first_day))
    first = np.array(FIRST_NAMES)[place % len(FIRST_NAMES)]
    last = np.array(LAST_NAMES)[place // len(FIRST_NAMES) % len(LAST_NAMES)]
    return pl.DataFrame({"place": place, "first": first, "last": last, "country": people.country}).select(
        customer_number=_customer_number(pl.col("place")),
        name=pl.col("first") + " " + pl.col("last"),
        email=pl.format("{}.{}{}@example.com", pl.col("first"), pl.col("last"), "place").str.to_lowercase(),
        country="country",
        registered=_timestamp(people.first_day - 1 / 96, days),
    )


def _customer_number(place: pl.Expr) -> pl.Expr:
    return pl.lit("C") + (place + 1).cast(pl.String).str.zfill(6)


def _season(day: Floats, days: float) -> Floats:
    """How busy the shop is on each day since the start, from 0 to 1."""
    month = (END_MONTH - 1 + (END_DAY + day - days) / DAYS_PER_MONTH) % 12
    return np.asarray(SEASON[month.astype(np.int64) % 12])


def _clock(random: np.random.Generator, count: int) -> Floats:
    """Time of day as a share: shops are busy from morning to evening."""
    return np.clip(random.normal(0.6, 0.14, count), 0.01, 0.99)


def _timestamp(day: NDArray[Any], days: float) -> pl.Series:
    """Days since the start as text, to the second."""
    milliseconds = ((day - days) * SECONDS_PER_DAY).astype(np.int64) * 1000
    moments = END + milliseconds.astype("timedelta64[ms]")
    return pl.Series(moments).dt.strftime("%Y-%m-%d %H:%M:%S")
