"""Headline figures of the page `revenue`: their level, where they go, and what others reach."""

from markupsafe import Markup

from publishing.report.source import Row
from publishing.report.tables import styled_table
from publishing.report.words import MISSING, count, interval, money, percent, plural, sentence_case

NAMES = {
    ("mrr", 1): "Recurring revenue a month",
    ("paying_customers", 1): "Customers who pay",
    ("arpa", 1): "Revenue a customer (ARPA)",
    ("nrr", 12): "Net revenue retention, 12 months",
    ("grr", 12): "Gross revenue retention, 12 months",
    ("logo_retention_rate", 12): "Customer retention, 12 months",
    ("logo_churn_rate", 12): "Customers lost, 12 months",
    ("logo_churn_rate", 1): "Customers lost in the month",
    ("gross_mrr_churn_rate", 1): "Lost and shrunk revenue in the month",
    ("expansion_rate", 1): "Expansion in the month",
    ("quick_ratio", 1): "Gains over losses (quick ratio)",
}
FEWEST_MONTHS = 12
"""Of a shorter history nobody says where in it a month stands."""


def worsening(trends: list[Row]) -> list[str]:
    """A sentence for revenue lost, where its trend is bad: three months in a row, not one."""
    row = next((row for row in trends if row["metric"] == "gross_mrr_churn_rate"), None)
    if not row or not row["is_worsening"]:
        return []
    return [
        f"Lost revenue has risen for {row['streak_months']} months in a row, as a share of what each month opened with."
    ]


def headlines(trends: list[Row], currency: str) -> Markup:
    """Each headline's level, its last three steps, and where it stands in its own history."""
    rows = {(row["metric"], row["window_months"]): row for row in trends}
    lines = [
        {
            "figure": name,
            "level": _level(metric, rows[metric, window]["value"], currency),
            "before": _level(metric, rows[metric, window]["previous_value"], currency),
            "direction": _direction(rows[metric, window]),
            "history": _history(rows[metric, window]),
        }
        for (metric, window), name in NAMES.items()
        if (metric, window) in rows
    ]
    labels = {
        "figure": "Figure",
        "level": "Level",
        "before": "Month before",
        "direction": "Last three months",
        "history": "In its own history",
    }
    return styled_table("headlines", lines, labels, left=["direction", "history"])


def benchmarks(rows: list[Row]) -> Markup | None:
    """What others reach beside ours, and who says so."""
    lines = [
        {
            "figure": str(NAMES.get((row["metric"], row["window_months"]), row["metric"]))
            + ("" if row["dimension"] == "all" else f": {row['segment']}"),
            "level": sentence_case(row["level"]),
            "range": _range(row["low_value"], row["high_value"]),
            "ours": percent(row["value"]),
            "place": row["standing"],
            "source": row["source"],
        }
        for row in rows
    ]
    labels = {
        "figure": "Figure",
        "level": "Level",
        "range": "Of others",
        "ours": "Ours",
        "place": "Ours is",
        "source": "Who says so, of whom",
    }
    return styled_table("benchmarks", lines, labels, left=["level", "place", "source"]) if lines else None


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"up to {percent(high, 0)}" if low is None else f"from {percent(low, 0)}"
    return percent(low, 0) if low == high else interval(low, high, 0)


def _level(metric: str, value: float | None, currency: str) -> str:
    if value is None:
        return MISSING
    if metric == "quick_ratio":
        return f"{value:.2f}"
    if metric in ("mrr", "arpa"):
        return money(value, currency)
    return count(value) if metric == "paying_customers" else percent(value)


def _direction(row: Row) -> str:
    """Each step up to the newest, as far as there are three."""
    return " ".join("▲" if step > 0 else "▼" if step < 0 else "=" for step in row["steps"]) or MISSING


def _history(row: Row) -> str:
    months = row["history_month_count"]
    if months < FEWEST_MONTHS:
        return f"only {plural(months, 'month')} before it"
    return f"above {percent(row['history_percentile'], 0)} of {months} months"
