"""What a customer is worth over a lifetime, by three formulas and a model of repeat orders, for `rpt_lifetime_value`.

Every lifespan is a restricted mean from a survival curve, in months of 30 days: who is still there counts as far as
they were watched, and nothing is claimed beyond the horizon. Intervals resample customers (Efron & Tibshirani 1993),
with a fixed seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics import common_loss, order_value, repeat_purchase
from analytics.customer_lifetimes import GROUP, HORIZON_DAYS, MONTH_DAYS, watched_spells

Floats = NDArray[np.float64]

FORMULAS = ("clv_simple", "clv_margin_disc", "clv_txn", "clv_predicted")
SCHEMA = {
    "formula": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "customer_count": pl.Int64,
    **dict.fromkeys(("value", "ci_low", "ci_high"), pl.Float64),
    "currency": pl.String,
    **dict.fromkeys(("lifespan_months", "monthly_amount", "order_amount", "orders_per_year"), pl.Float64),
    "horizon_months": pl.Int32,
    **dict.fromkeys(("margin_rate", "discount_rate"), pl.Float64),
    "is_complete": pl.Boolean,
    "missing_reason": pl.String,
}
YEAR_DAYS, WEEK_DAYS, YEAR_MONTHS = 365, 7, 12
SEED = 20
# Resamples of customers: most, fewest, and so many customers drawn in all where there are more.
MOST_RESAMPLES, FEWEST_RESAMPLES, DRAWS = 1000, 100, 10_000_000
# Fitting a model anew is dear: its interval is the normal one of so many resamples, each of so many customers at most.
REFITS, REFITTED = 25, 5000
_BLOCK = 2_000_000
_Z = 1.959963984540054


@dataclass(frozen=True)
class Assumptions:
    """Gross margin and yearly discount rate, days without an order after which a shop's customer has left, and gate."""

    margin_rate: float
    discount_rate: float
    dormant_days: int
    gate: repeat_purchase.Gate = field(default=repeat_purchase.KLAVIYO)

    def __post_init__(self) -> None:
        if not 0 <= self.margin_rate <= 1:
            raise ValueError(f"The var gross_margin_rate is {self.margin_rate}; it has to be between 0 and 1.")
        if self.discount_rate < 0:
            raise ValueError(f"The var discount_rate is {self.discount_rate}; it must not be below 0.")
        if self.dormant_days < 1:
            raise ValueError(f"The var dormant_days is {self.dormant_days}; it has to be a day or more.")


def subscription_values(
    presences: pl.DataFrame,
    levels: pl.DataFrame,
    segments: pl.DataFrame,
    as_of: date | None,
    assumptions: Assumptions,
    horizon: int = HORIZON_DAYS,
) -> pl.DataFrame:
    """clv_simple and clv_margin_disc of each group, of the columns of `SCHEMA`.

    `presences` and `segments` as for `customer_lifetimes.curves`; `levels`: customer_id, monthly_amount and currency of
    who pays on `as_of`. Simple is revenue a customer and month, times the months that one stays within the horizon;
    the other counts its margin, month by month as long as one is there, discounted from the first paid day.
    """
    known = segments.drop_nulls("segment")
    if as_of is None or presences.is_empty() or known.is_empty() or levels.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    [currency] = levels["currency"].unique()
    spells = (
        watched_spells(presences, as_of)
        .join(levels.select("customer_id", "monthly_amount"), on="customer_id", how="left")
        .join(known, on="customer_id")
        .sort(*GROUP, "exit", "customer_id")
    )
    months = horizon // MONTH_DAYS
    discounts = (1 + assumptions.discount_rate) ** (-np.arange(months) / YEAR_MONTHS)

    def figures(curve: "_Curve", weights: Floats, paid: Floats) -> Floats:
        payers, amount = weights @ (paid > 0), weights @ paid
        monthly = np.divide(amount, payers, out=np.zeros_like(amount), where=payers > 0)
        lifespan = curve.restricted_mean(horizon) / MONTH_DAYS
        margins = curve.at(np.arange(months, dtype=np.float64) * MONTH_DAYS) @ discounts * assumptions.margin_rate
        return np.column_stack((monthly * lifespan, monthly * margins, lifespan, monthly))

    rows = []
    for (dimension, segment), group in spells.group_by(*GROUP, maintain_order=True):
        exits, is_event = group["exit"].to_numpy().astype(np.float64), group["event"].to_numpy()
        paid = group["monthly_amount"].fill_null(0).to_numpy().astype(np.float64)
        entries = group["entry"].to_numpy().astype(np.float64)
        estimate, low, high = _resampled(exits, is_event, partial(figures, paid=paid), entries)
        reason = _unknown_lifespan(exits, is_event, horizon) or ("Nobody of them pays now." if not paid.any() else None)
        for place, formula in enumerate(FORMULAS[:2]):
            rows.append(
                {
                    "formula": formula,
                    "dimension": dimension,
                    "segment": segment,
                    "customer_count": group.height,
                    **_value(estimate, low, high, place, reason),
                    "currency": currency,
                    "lifespan_months": None if reason else float(estimate[2]),
                    "monthly_amount": _finite(estimate[3]) if paid.any() else None,
                    "horizon_months": months,
                    "margin_rate": assumptions.margin_rate if place else None,
                    "discount_rate": assumptions.discount_rate if place else None,
                    "is_complete": _is_watched(exits, is_event, horizon),
                    "missing_reason": reason,
                }
            )
    return pl.DataFrame(rows, schema=SCHEMA)


def transaction_values(
    orders: pl.DataFrame, as_of: date | None, assumptions: Assumptions, horizon: int = HORIZON_DAYS
) -> pl.DataFrame:
    """clv_txn of a shop's customers, in all and by country, of the columns of `SCHEMA`.

    `orders`: customer_id, country, currency, ordered_on, net_amount (returns taken off), none after `as_of`. Orders of
    a day are one. Value of an order, times orders a year of those who are there, times the years that one stays within
    the horizon; who has not ordered for `dormant_days` has left on the last of them.
    """
    if as_of is None or orders.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    currency, reason = _currency(orders)
    customers = _customers(orders, as_of)
    dormant_in = pl.col("days_to_last") + assumptions.dormant_days
    spells = customers.with_columns(
        exit=pl.min_horizontal(dormant_in, pl.col("age_days") + 1), is_event=dormant_in <= pl.col("age_days")
    ).sort("exit", "customer_id")

    def figures(curve: "_Curve", weights: Floats, counts: Floats) -> Floats:
        amount, count, days = (weights @ counts).T
        value, frequency = amount / np.maximum(count, 1), count / np.maximum(days, 1)
        lifespan = curve.restricted_mean(horizon)
        return np.column_stack((value * frequency * lifespan, lifespan / MONTH_DAYS, value, frequency * YEAR_DAYS))

    rows = []
    for dimension, segment, group in _by_country(spells):
        exits, is_event = group["exit"].to_numpy().astype(np.float64), group["is_event"].to_numpy()
        counts = group.select("amount", "order_count", "exit").to_numpy().astype(np.float64)
        estimate, low, high = _resampled(exits, is_event, partial(figures, counts=counts))
        why = reason or _unknown_lifespan(exits, is_event, horizon)
        rows.append(
            {
                "formula": "clv_txn",
                "dimension": dimension,
                "segment": segment,
                "customer_count": group.height,
                **_value(estimate, low, high, 0, why),
                "currency": currency,
                "lifespan_months": None if why else float(estimate[1]),
                "order_amount": None if reason else float(estimate[2]),
                "orders_per_year": float(estimate[3]),
                "horizon_months": horizon // MONTH_DAYS,
                "is_complete": _is_watched(exits, is_event, horizon),
                "missing_reason": why,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def predicted_values(
    orders: pl.DataFrame, as_of: date | None, assumptions: Assumptions, refits: int = REFITS
) -> pl.DataFrame:
    """clv_predicted of a shop's customers, in all and by country, of the columns of `SCHEMA`.

    `orders` as for `transaction_values`; those that were returned whole don't count. What a customer is expected to
    order in the next 365 days, by BG/NBD (its limit `common_loss` where customers don't differ in their chance of being
    lost) and gamma-gamma, on the mean over customers. Without value where the gate is not met, or nothing fits.
    """
    if as_of is None or orders.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    sold = orders.filter(pl.col("net_amount") > 0)
    currency, reason = _currency(orders)
    unmet = repeat_purchase.unmet_conditions(sold.select("customer_id", "ordered_on"), as_of, assumptions.gate)
    reason = " ".join([*unmet, *([reason] if reason else [])]) or None
    customers = _customers(sold, as_of)
    found: pl.DataFrame | None = None
    is_common = False
    if not reason:
        try:
            found, is_common = _predicted(customers)
        except ValueError as error:
            reason = str(error)
    spread: dict[tuple[str, str], float] = {}
    if found is not None:
        means = []
        drawn_count = min(customers.height, REFITTED)
        for number in range(refits):
            drawn = customers.sample(drawn_count, with_replacement=True, seed=SEED + number)
            try:
                predicted, _ = _predicted(drawn, is_common=is_common)
            except ValueError:
                continue
            means.append({(by, name): _mean(group, "value") for by, name, group in _by_country(predicted)})
        # Fewer drawn than there are spread more (Bickel, Götze & van Zwet 1997).
        scale = float(np.sqrt(drawn_count / customers.height))
        for key in {key for mean in means for key in mean}:
            values = [mean[key] for mean in means if key in mean]
            spread[key] = scale * float(np.std(values, ddof=1)) if len(values) > refits // 2 else np.nan
    rows = []
    for dimension, segment, group in _by_country(customers if found is None else found):
        row = {
            "formula": "clv_predicted",
            "dimension": dimension,
            "segment": segment,
            "customer_count": group.height,
            "currency": currency,
            "horizon_months": YEAR_MONTHS,
            "is_complete": False,
            "missing_reason": reason,
        }
        if found is not None:
            value, width = _mean(group, "value"), _Z * spread.get((dimension, segment), np.nan)
            has_interval = group.height > 1 and np.isfinite(width)
            row |= {
                "value": value,
                "ci_low": max(0.0, value - width) if has_interval else None,
                "ci_high": value + width if has_interval else None,
                "order_amount": _mean(group, "order_value"),
                "orders_per_year": _mean(group, "orders"),
            }
        rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA)


def _mean(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].to_numpy().mean())


def _predicted(customers: pl.DataFrame, *, is_common: bool = False) -> tuple[pl.DataFrame, bool]:
    """`customers` with orders (of the next year), order_value, and value, their product; and whether by common_loss."""
    figures = customers.select(
        frequency=pl.col("order_count") - 1,
        recency_weeks=pl.col("days_to_last") / WEEK_DAYS,
        age_weeks=pl.col("age_days") / WEEK_DAYS,
    )
    orders = None if is_common else _own_orders(figures)
    is_common = orders is None
    if orders is None:
        shared = common_loss.fit(figures).parameters
        orders = common_loss.expected_future_orders(shared, figures, YEAR_DAYS / WEEK_DAYS)
    amounts = customers.select("order_count", mean_value=pl.col("amount") / pl.col("order_count"))
    of_order = order_value.expected_value(order_value.fit(amounts).parameters, amounts)
    return customers.with_columns(orders=orders, order_value=of_order, value=orders * of_order), is_common


def _own_orders(figures: pl.DataFrame) -> pl.Series | None:
    """What BG/NBD expects of each customer, None where it fits none or ran so far off that nothing can be computed."""
    try:
        own = repeat_purchase.fit(figures).parameters
    except ValueError:
        return None
    with np.errstate(all="ignore"):
        orders = repeat_purchase.expected_future_orders(own, figures, YEAR_DAYS / WEEK_DAYS)
    return orders if orders.is_finite().all() else None


def _customers(orders: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row per customer: country of the first order, order_count (days), amount, days_to_last and age_days."""
    return (
        orders.sort("customer_id", "ordered_on", "country")
        .group_by("customer_id", maintain_order=True)
        .agg(
            pl.col("country").first(),
            order_count=pl.col("ordered_on").n_unique(),
            amount=pl.col("net_amount").cast(pl.Float64).sum(),
            days_to_last=(pl.col("ordered_on").max() - pl.col("ordered_on").min()).dt.total_days(),
            age_days=(as_of - pl.col("ordered_on").min()).dt.total_days(),
        )
    )


def _by_country(customers: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    countries = customers.drop_nulls("country").sort("country", maintain_order=True)
    return [
        ("all", "all", customers),
        *(("country", str(name), group) for (name,), group in countries.group_by("country", maintain_order=True)),
    ]


def _currency(orders: pl.DataFrame) -> tuple[str | None, str | None]:
    """The one currency of all orders, or why there is none."""
    currencies = orders["currency"].drop_nulls().unique().sort().to_list()
    if len(currencies) == 1:
        return currencies[0], None
    return None, f"Orders are in {', '.join(currencies) or 'no currency'}: their amounts have no sum."


def _unknown_lifespan(exits: Floats, is_event: NDArray[np.bool_], horizon: int) -> str | None:
    last = exits.max()
    if last >= horizon or is_event[exits == last].all():
        return None
    return f"Nobody of them has been watched for {horizon // MONTH_DAYS} months."


def _is_watched(exits: Floats, is_event: NDArray[np.bool_], horizon: int) -> bool:
    """Whether everybody was watched for the horizon, or left within it."""
    return bool((is_event | (exits >= horizon)).all())


def _value(estimate: Floats, low: Floats, high: Floats, place: int, reason: str | None) -> dict[str, float | None]:
    if reason:
        return {"value": None, "ci_low": None, "ci_high": None}
    return {"value": _finite(estimate[place]), "ci_low": _finite(low[place]), "ci_high": _finite(high[place])}


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


@dataclass(frozen=True)
class _Curve:
    """Survival curves over the same times, one row each."""

    times: Floats
    survival: Floats

    def at(self, days: Floats) -> Floats:
        places = np.searchsorted(self.times, days, side="right")
        started = np.column_stack((np.ones(len(self.survival)), self.survival))
        return np.asarray(started[:, places])

    def restricted_mean(self, horizon: int) -> Floats:
        ends = np.minimum(np.append(self.times, np.inf), horizon)
        widths = np.diff(ends, prepend=0.0)
        return np.asarray(np.column_stack((np.ones(len(self.survival)), self.survival)) @ widths)


def _resampled(
    exits: Floats,
    is_event: NDArray[np.bool_],
    figures: Callable[["_Curve", Floats], Floats],
    entries: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:
    """The figures of all, and the bounds of their 95 % interval: the middle of what resamples of customers give.

    `exits` ascend; `figures` has one row for each row of weights of the customers, in their order; `entries` are the
    times from which they are watched, 0 without.
    """
    times, starts = np.unique(exits, return_index=True)
    events = is_event.astype(np.float64)
    entries = np.zeros_like(exits) if entries is None else entries
    late = np.flatnonzero(entries)
    late = late[np.argsort(entries[late])]
    first_late = np.searchsorted(entries[late], times)

    def told(weights: Floats) -> Floats:
        left = np.add.reduceat(weights, starts, axis=1)
        lost = np.add.reduceat(weights * events, starts, axis=1)
        at_risk = np.cumsum(left[:, ::-1], axis=1)[:, ::-1]
        # Who is watched later only isn't at risk yet.
        unwatched = np.pad(np.cumsum(weights[:, late[::-1]], axis=1)[:, ::-1], ((0, 0), (0, 1)))
        at_risk = at_risk - unwatched[:, first_late]
        hazard = np.divide(lost, at_risk, out=np.zeros_like(lost), where=at_risk > 0)
        survival: Floats = np.cumprod(1 - hazard, axis=1, dtype=np.float64)
        return figures(_Curve(times, survival), weights)

    count = exits.size
    estimate = told(np.ones((1, count)))[0]
    if count < 2:
        return estimate, np.full(estimate.size, np.nan), np.full(estimate.size, np.nan)
    chance = np.random.default_rng(SEED)
    resamples = int(np.clip(DRAWS // count, FEWEST_RESAMPLES, MOST_RESAMPLES))
    block = max(1, _BLOCK // count)
    parts = []
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = chance.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        parts.append(told(weights))
    low, high = np.quantile(np.concatenate(parts), (0.025, 0.975), axis=0)
    return estimate, low, high
