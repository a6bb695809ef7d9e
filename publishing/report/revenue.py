"""The page `revenue`: what customers pay each month, what of it stays, and what moves it."""

from typing import Any

from markupsafe import Markup

from publishing.report import (
    restatements,
    revenue_billing,
    revenue_charts,
    revenue_renewals,
    revenue_trends,
    revenue_worth,
)
from publishing.report import revenue_figures as figures
from publishing.report.source import Release, Row
from publishing.report.tables import styled_table
from publishing.report.words import (
    MISSING,
    count,
    interval,
    money,
    month_name,
    percent,
    plural,
    sentence_case,
)

DIMENSIONS = {
    "segment": "By segment",
    "plan": "By plan",
    "tier": "By size",
    "region": "By region",
    "currency": "By currency",
    "business_unit": "By unit",
}
REASONS = {
    "seats": "units",
    "price": "price",
    "plan": "another plan",
    "usage": "use",
    "addon": "add-ons",
    "discount_start": "a discount began",
    "discount_expiry": "a discount ended",
    "voluntary": "cancelled",
    "involuntary": "payment failed",
    "unknown": "reason not known",
}
MOST_TABLE_MONTHS = 13


def context(release: Release) -> dict[str, Any]:
    """Everything that `templates/revenue.html.j2` shows."""
    months = figures.read_months(release)
    complete = [row for row in months if row["is_complete"]]
    if not complete:
        return {"has_revenue": False, "period": None}
    last = complete[-1]
    retention = figures.read_retention(release)
    trends = figures.read_trends(release, last["month"])
    triangle = figures.read_triangle(release)
    return {
        "has_revenue": True,
        "period": month_name(last["month"]),
        "sentences": _sentences(complete, retention, trends),
        "notice": _notice(figures.read_unvalued(release)),
        "headline_table": revenue_trends.headlines(trends, last["currency"]),
        "benchmarks_table": revenue_trends.benchmarks(figures.read_benchmarks(release)),
        "bridge": revenue_charts.bridge(last),
        "bridge_alt": _bridge_alt(last),
        "months_table": _months(complete[-MOST_TABLE_MONTHS:]),
        "hidden_months": max(0, len(complete) - MOST_TABLE_MONTHS),
        "currency": last["currency"],
        "history": revenue_charts.retention_history(retention),
        "history_alt": _history_alt(retention),
        "windows_table": _windows(figures.read_windows(release, last["month"])),
        "customers_table": _customers_kept(figures.read_customers_kept(release, last["month"])),
        "segments_table": _segments(figures.read_segments(release, last["month"])),
        "losses_table": _losses(figures.read_losses(release, last["month"]), last),
        "triangle": revenue_charts.triangle(triangle, "revenue_retention_rate", "revenue-triangle"),
        "logos": revenue_charts.triangle(triangle, "retention_rate", "logo-triangle"),
        "triangle_alt": "Cohorts by months since the first paid month; rpt_cohort_retention has the numbers.",
        **_survival(release),
        **revenue_renewals.section(release, last["currency"]),
        **revenue_worth.section(release),
        **revenue_billing.sections(release),
        **restatements.context(release, last["currency"]),
        "policy": last["policy"],
    }


def _sentences(months: list[Row], retention: list[Row], trends: list[Row]) -> list[str]:
    last = months[-1]
    sentences = [
        f"At the end of {month_name(last['month'])} {plural(last['closing_customer_count'], 'customer')} paid "
        f"{money(last['closing_amount'], last['currency'])} a month{_growth(months)}."
    ]
    if retention and retention[-1]["nrr"] is not None:
        row = retention[-1]
        sure = (
            f"; 95% interval {interval(row['nrr_ci_low'], row['nrr_ci_high'])}" if row["nrr_ci_low"] is not None else ""
        )
        sentences.append(
            f"Of what {plural(row['start_customer_count'], 'customer')} paid a year before, "
            f"{percent(row['nrr'])} was still paid then (net retention{sure}), {percent(row['grr'])} without what they "
            "added (gross)."
        )
    churn, failed = -last["churn_amount"], -last["involuntary_churn_amount"]
    if churn:
        because = f", {percent(failed / churn)} of it because a payment failed" if failed else ""
        sentences.append(
            f"{plural(last['churned_customer_count'], 'customer')} left in {month_name(last['month'])} with "
            f"{money(churn, last['currency'])} a month{because}; with what others pay less, "
            f"{percent(last['gross_mrr_churn_rate'])} of the opening revenue was lost."
        )
    return sentences + revenue_trends.worsening(trends)


def _growth(months: list[Row]) -> str:
    if len(months) <= figures.YEAR or not months[-1 - figures.YEAR]["closing_amount"]:
        return ""
    year_ago = months[-1 - figures.YEAR]
    change = float(months[-1]["closing_amount"] / year_ago["closing_amount"]) - 1
    return f", {percent(abs(change))} {'more' if change >= 0 else 'less'} than a year before"


def _notice(unvalued: int) -> str:
    if not unvalued:
        return ""
    return f"{plural(unvalued, 'movement')} in a currency without a rate in fx_rates.csv: in no total of this page."


def _bridge_alt(row: Row) -> str:
    parts = [
        f"{name.lower()} {money(row[f'{kind}_amount'], row['currency'])}"
        for kind, name in revenue_charts.NAMES.items()
        if row[f"{kind}_amount"]
    ]
    return (
        f"From {money(row['opening_amount'], row['currency'])} at the beginning of {month_name(row['month'])} to "
        f"{money(row['closing_amount'], row['currency'])} at its end: {', '.join(parts)}."
    )


def _months(months: list[Row]) -> Markup:
    columns = ("opening", *figures.KINDS, "closing")
    lines = [
        {"month": month_name(row["month"]), **{name: count(row[f"{name}_amount"]) for name in columns}}
        for row in reversed(months)
    ]
    labels = {
        "month": "Month",
        "opening": "Opening",
        **{kind: revenue_charts.NAMES[kind] for kind in figures.KINDS},
        "closing": "Closing",
    }
    return styled_table("bridge", lines, labels)


def _history_alt(retention: list[Row]) -> str:
    points = [f"{month_name(row['month'])} {percent(row['nrr'])} and {percent(row['grr'])}" for row in retention[-6:]]
    return f"Net and gross revenue retention over twelve months: {', '.join(points)}."


RATES = {
    "n": "Customers at first",
    "start": "Revenue at first",
    "nrr": "Net (NRR)",
    "nrr_interval": "95% interval",
    "grr": "Gross (GRR)",
    "grr_interval": "95% interval",
    "strict": "Strict gross",
    "logo": "Customers kept",
}


def _rates(row: Row) -> dict[str, str]:
    return {
        "n": count(row["start_customer_count"]),
        "start": count(row["start_amount"]),
        "nrr": percent(row["nrr"]),
        "nrr_interval": interval(row["nrr_ci_low"], row["nrr_ci_high"]),
        "grr": percent(row["grr"]),
        "grr_interval": interval(row["grr_ci_low"], row["grr_ci_high"]),
        "strict": percent(row["strict_grr"]),
        "logo": percent(row["logo_retention_rate"]),
    }


def _windows(rows: list[Row]) -> Markup | None:
    lines = [{"window": plural(row["window_months"], "month"), **_rates(row)} for row in rows]
    return styled_table("windows", lines, {"window": "Over", **RATES}) if lines else None


def _customers_kept(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "window": plural(row["window_months"], "month"),
            "start": count(row["start_customer_count"]),
            "new": count(row["new_customer_count"]),
            "end": count(row["end_customer_count"]),
            "simple": percent(row["simple_retention_rate"]),
            "kept": percent(row["retention_rate"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
            "apart": "they differ" if row["is_simple_rate_off"] else "the same",
            "churn": percent(row["revenue_churn_rate"]),
        }
        for row in rows
    ]
    labels = {
        "window": "Over",
        "start": "Customers at first",
        "new": "New since",
        "end": "At the end",
        "simple": "Simple formula",
        "kept": "Who stayed",
        "interval": "95% interval",
        "apart": "Both rates",
        "churn": "Revenue lost",
    }
    return styled_table("customers", lines, labels, left=["apart"]) if lines else None


def _segments(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "segment": sentence_case(str(row["segment"]).replace("_", " ")),
            "dimension": DIMENSIONS[row["dimension"]],
            **_rates(row),
        }
        for row in rows
    ]
    labels = {"segment": "Group", **RATES}
    return styled_table("segments", lines, labels, group="dimension") if lines else None


def _survival(release: Release) -> dict[str, Any]:
    rows = figures.read_survival(release)
    at_year = [f"after {row['age']} months {percent(row['survival'])}" for row in rows if row["age"] in (6, 13, 24)]
    return {
        "survival": revenue_charts.survival(rows),
        "survival_alt": f"Customers still there: {', '.join(at_year)}."
        if at_year
        else "Customers still there, by age.",
        "lifetimes_table": _lifetimes(figures.read_lifetimes(release)),
    }


def _lifetimes(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "segment": "All" if row["dimension"] == "all" else sentence_case(str(row["segment"]).replace("_", " ")),
            "dimension": DIMENSIONS.get(row["dimension"], "All customers"),
            "n": count(row["customer_count"]),
            "survival": percent(row["survival"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
            "voluntary": percent(row["voluntary_incidence"]),
            "involuntary": percent(row["involuntary_incidence"]),
            "suspended": percent(row["suspended_incidence"]),
            "unknown": percent(row["unknown_incidence"]),
            "mean": f"{row['mean_months']:.1f}" if row["mean_months"] is not None else MISSING,
        }
        for row in rows
    ]
    labels = {
        "segment": "Group",
        "n": "Customers",
        "survival": f"Still there after {30 * figures.AFTER_A_YEAR} days",
        "interval": "95% interval",
        "voluntary": "Cancelled",
        "involuntary": "Payment failed",
        "suspended": "Free or paused",
        "unknown": "No reason known",
        "mean": "Mean months there, of 24",
    }
    return styled_table("lifetimes", lines, labels, group="dimension") if lines else None


def _losses(rows: list[Row], last: Row) -> Markup | None:
    lines = [
        {
            "movement": sentence_case(row["movement"]) + (f": {REASONS[row['reason']]}" if row["reason"] else ""),
            "number": count(row["movement_count"]),
            "amount": money(row["amount"], last["currency"]),
        }
        for row in rows
    ]
    labels = {"movement": "Movement and reason", "number": "Times", "amount": "Revenue a month"}
    return styled_table("losses", lines, labels) if lines else None
