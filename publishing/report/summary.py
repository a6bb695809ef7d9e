"""Sentences that a leader can quote: what the numbers say, and no reason why."""

from publishing.report.figures import HEADLINE_WINDOW_DAYS, Headline, measure_cohort, measure_repeat
from publishing.report.source import Row
from publishing.report.words import MISSING, count, interval, month_name, percent, plural


def sentences(
    complete: list[Row],
    windows: list[Row],
    month_one: list[Row],
    customers: Headline,
    returning: Headline,
    revenue: Headline,
    retention: Headline,
) -> list[str]:
    """Two to four sentences from the same figures as the cards; fewer where the data are too young."""
    if not complete:
        return ["No calendar month is complete yet, so there is no month to report on."]
    found = [
        _customers(complete[-1], customers, revenue),
        _returning(complete[-1], returning),
        _repeat(windows),
        _retention(month_one, retention),
    ]
    return [sentence for sentence in found if sentence]


def _customers(month: Row, customers: Headline, revenue: Headline) -> str:
    sentence = (
        f"In {month_name(month['order_month'])}, the last complete month, "
        f"{plural(month['customer_count'], 'customer')} ordered{_clause(customers)}"
    )
    if revenue.value == MISSING:
        return f"{sentence}."
    return f"{sentence}. Net revenue was {revenue.value}{_clause(revenue)}."


def _returning(month: Row, returning: Headline) -> str:
    if not month["returning_customer_count"]:
        return ""
    if not month["new_customer_count"]:
        return "All of them had ordered in an earlier month."
    return (
        f"{count(month['returning_customer_count'])} of them, {percent(month['returning_customer_rate'])}, "
        f"had ordered in an earlier month{_clause(returning)}."
    )


def _repeat(windows: list[Row]) -> str:
    row = next((row for row in windows if row["window_days"] == HEADLINE_WINDOW_DAYS), None)
    measured = measure_repeat(row) if row else None
    if measured is None:
        return ""
    return (
        f"Of the {plural(measured.den, 'customer')} whose first {HEADLINE_WINDOW_DAYS} days have passed, "
        f"{percent(measured.rate)} ordered again on a later day within them "
        f"(95% interval {interval(measured.low, measured.high)})."
    )


def _retention(month_one: list[Row], retention: Headline) -> str:
    measured = measure_cohort(month_one[-1]) if month_one else None
    if measured is None:
        return ""
    return (
        f"Of the {plural(measured.den, 'customer')} who first ordered in "
        f"{month_name(month_one[-1]['cohort_month'])}, {percent(measured.rate)} ordered in the month after"
        f"{_clause(retention)}."
    )


def _clause(headline: Headline) -> str:
    return f", {headline.change.text}" if headline.change.direction != "none" else ""
