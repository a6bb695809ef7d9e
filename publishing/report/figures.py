"""The headline figures: last complete month, its change in words, and its own history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from markupsafe import Markup

from publishing.report.source import Release, Row
from publishing.report.words import (
    MISSING,
    Change,
    Measured,
    Number,
    amount_change,
    count,
    earlier_month,
    interval,
    money,
    month_name,
    percent,
    plural,
    share_change,
    short_month,
)

HEADLINE_WINDOW_DAYS = 90
HEADLINE_AGES = (1, 3)
SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 200, 36, 4


@dataclass(frozen=True)
class Headline:
    """One card: a figure, the period that it describes, what it rests on, how it moved, its history."""

    title: str
    period: str
    value: str
    basis: str
    change: Change
    sparkline: Markup | None = None
    history: str = ""


def read_months(release: Release) -> list[Row]:
    """All months, oldest first, with the net revenue of new, returning and unknown customers beside them."""
    return release.rows(
        """
        with revenue as (
            select
                activity_month,
                coalesce(sum(net_amount) filter (where months_since_first = 0), 0) as new_net_amount,
                coalesce(sum(net_amount) filter (where months_since_first > 0), 0) as returning_net_amount
            from marts.rpt_order_cohorts
            group by activity_month
        )

        select
            m.order_month, m.is_complete, m.currency, m.customer_count, m.new_customer_count,
            m.returning_customer_count, m.returning_customer_rate, m.ci_low, m.ci_high, m.order_count,
            m.anonymous_order_count, m.net_amount, m.average_order_amount, m.return_rate,
            coalesce(r.new_net_amount, 0) as new_net_amount,
            coalesce(r.returning_net_amount, 0) as returning_net_amount,
            m.net_amount - coalesce(r.new_net_amount + r.returning_net_amount, 0) as unknown_net_amount
        from marts.rpt_order_months as m
        left join revenue as r on m.order_month = r.activity_month
        order by m.order_month
        """
    )


def read_repeat(release: Release) -> list[Row]:
    """Repeat purchase over all customers: one row per window, all time last."""
    return release.rows(
        """
        select window_days, num, den, rate, ci_low, ci_high, immature_customer_count, min_cell_ok
        from marts.rpt_repeat_purchase
        where segment_by = 'all'
        order by window_days nulls last
        """
    )


def read_cohorts_at(release: Release, age: int) -> list[Row]:
    """Retention at one age, one row per cohort whose month of that age is complete, oldest first."""
    return release.rows(
        """
        select
            cohort_month, active_customer_count, cohort_size, retention_rate, ci_low, ci_high, min_cell_ok
        from marts.rpt_order_cohorts
        where is_complete and months_since_first = $age and cohort_size > 0
        order by cohort_month
        """,
        age=age,
    )


def customers_headline(complete: list[Row]) -> Headline:
    """Customers who ordered in the last complete month."""
    title = "Customers who ordered"
    if not complete:
        return _not_yet(title, "no month is complete yet")
    now = complete[-1]
    basis = f"{count(now['new_customer_count'])} new, {count(now['returning_customer_count'])} returning"
    change = _month_change(complete, "customer_count", count(complete[-2]["customer_count"]) if complete[1:] else "")
    values = [row["customer_count"] for row in complete]
    months = [row["order_month"] for row in complete]
    history = _history(values, months, count)
    return Headline(
        title, month_name(now["order_month"]), count(now["customer_count"]), basis, change, spark(values), history
    )


def returning_headline(complete: list[Row]) -> Headline:
    """Share of the customers of the last complete month who had ordered in an earlier month."""
    title = "Returning customers"
    measured = [(row["order_month"], measure_returning(row)) for row in complete]
    return _share_headline(title, measured, "no month is complete yet", "month")


def revenue_headline(complete: list[Row]) -> Headline:
    """Net revenue of the last complete month."""
    title = "Net revenue"
    if not complete:
        return _not_yet(title, "no month is complete yet")
    now = complete[-1]
    period = month_name(now["order_month"])
    if now["net_amount"] is None or now["currency"] is None:
        why = "the orders are in several currencies"
        return Headline(title, period, MISSING, why, Change("none", "amounts of different currencies are not added up"))
    basis = plural(now["order_count"], "order")
    if now["anonymous_order_count"]:
        basis += f", {count(now['anonymous_order_count'])} anonymous"
    change = _month_change(complete, "net_amount", count(complete[-2]["net_amount"]) if complete[1:] else "")
    values = [row["net_amount"] for row in complete]
    history = _history(values, [row["order_month"] for row in complete], count)
    return Headline(title, period, money(now["net_amount"], now["currency"]), basis, change, spark(values), history)


def repeat_headline(windows: list[Row]) -> Headline:
    """Repeat purchase within 90 days, over every customer whose 90 days have passed."""
    title = f"Repeat purchase, {HEADLINE_WINDOW_DAYS} days"
    row = next((row for row in windows if row["window_days"] == HEADLINE_WINDOW_DAYS), None)
    measured = measure_repeat(row) if row else None
    if row is None or measured is None:
        return _not_yet(title, f"nobody's first {HEADLINE_WINDOW_DAYS} days have passed yet")
    waiting = row["immature_customer_count"]
    change = Change("none", f"{count(waiting)} newer customers not counted yet" if waiting else "everyone is counted")
    basis = f"{interval(measured.low, measured.high)} · {count(measured.num)} of {count(measured.den)}"
    return Headline(title, "All cohorts together", percent(measured.rate), basis, change)


def retention_headline(cohorts: list[Row], age: int, pooled: list[Row]) -> Headline:
    """Retention at one age of the latest cohort that is complete there; the average of all stands beside it."""
    measured = [(row["cohort_month"], measure_cohort(row)) for row in cohorts]
    average = next((percent(row["rate"]) for row in pooled if row["months_since_first"] == age), MISSING)
    missing = f"no cohort has completed its month {age} yet"
    return _share_headline(f"Month-{age} retention", measured, missing, "cohort", f"average {average}")


def measure_returning(row: Row) -> Measured | None:
    """The returning share of a month; None where nobody ordered."""
    if row["returning_customer_rate"] is None:
        return None
    return Measured(
        row["returning_customer_count"],
        row["customer_count"],
        row["returning_customer_rate"],
        row["ci_low"],
        row["ci_high"],
    )


def measure_repeat(row: Row) -> Measured | None:
    """A window's repeat purchase rate; None where no customer's window has passed."""
    if row["rate"] is None:
        return None
    return Measured(row["num"], row["den"], row["rate"], row["ci_low"], row["ci_high"])


def measure_cohort(row: Row) -> Measured | None:
    """A cohort's retention at one age."""
    if row["retention_rate"] is None:
        return None
    return Measured(
        row["active_customer_count"], row["cohort_size"], row["retention_rate"], row["ci_low"], row["ci_high"]
    )


def spark(values: Sequence[Number | None]) -> Markup | None:
    """A line over a figure's history as a small SVG; gaps stay gaps. None where there is no line to draw."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return None
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (SPARK_WIDTH - 2 * SPARK_MARGIN) / (len(values) - 1)
    path, pen = [], "M"
    x = y = 0.0
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x = SPARK_MARGIN + index * step
        y = SPARK_HEIGHT - SPARK_MARGIN - (float(value) - low) / span * (SPARK_HEIGHT - 2 * SPARK_MARGIN)
        path.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" preserveAspectRatio="xMinYMid meet" '
        'aria-hidden="true">'
        '<path d="{}" fill="none" stroke="#4292c6" stroke-width="1.6"/>'
        '<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="#08306b"/></svg>'
    ).format(SPARK_WIDTH, SPARK_HEIGHT, " ".join(path), x, y)


def _month_change(complete: list[Row], column: str, before_text: str) -> Change:
    if len(complete) < 2:
        return Change("none", "no earlier complete month to compare with")
    before, now = complete[-2], complete[-1]
    if before[column] is None:
        return Change("none", f"not known for {month_name(before['order_month'])}")
    fewest = min(before["customer_count"], now["customer_count"])
    against = earlier_month(before["order_month"], now["order_month"])
    return amount_change(now[column], before[column], before_text, against, fewest)


def _share_headline(
    title: str,
    measured: list[tuple[date, Measured | None]],
    missing: str,
    of: Literal["month", "cohort"],
    aside: str = "",
) -> Headline:
    known = [(month, share) for month, share in measured if share is not None]
    if not known:
        return _not_yet(title, missing)
    suffix = " cohort" if of == "cohort" else ""
    month, now = known[-1]
    if len(known) < 2:
        change = Change("none", f"no earlier complete {of} to compare with")
    else:
        earlier, before = known[-2]
        against = earlier_month(earlier, month)
        change = share_change(now, before, f"the {against} cohort" if suffix else against)
    history = _history([share.rate for _, share in known], [] if suffix else [month for month, _ in known], percent)
    return Headline(
        title,
        f"{month_name(month)}{suffix}",
        percent(now.rate),
        f"{interval(now.low, now.high)} · {count(now.num)} of {count(now.den)}",
        change,
        spark([share.rate if share else None for _, share in measured]),
        f"{history}, {aside}" if history and aside else history or aside,
    )


def _history(values: Sequence[Number | None], months: Sequence[date], form: Callable[[Any], str]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    return f"{form(min(known))} to {form(max(known))}" + (f" since {short_month(months[0])}" if months else "")


def _not_yet(title: str, why: str) -> Headline:
    return Headline(title, "Not known yet", MISSING, why, Change("none", ""))
