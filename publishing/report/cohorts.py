"""The page `cohorts`: who comes back, how often, and what it brings."""

from typing import Any

from publishing.report import charts, cohort_tables, figures, health, heatmap, quality, summary
from publishing.report.health import SourceTable
from publishing.report.source import Release, Row
from publishing.report.words import count, day_name, listing, month_name, percent, plural

MOST_MONTHS = 24
MOST_TABLE_MONTHS = 13
MOST_COUNTRIES = 10
# How rpt_repeat_purchase names customers without a country.
UNKNOWN_COUNTRY = "unknown"


def context(release: Release) -> dict[str, Any]:
    """Everything that `templates/cohorts.html.j2` shows."""
    months = figures.read_months(release)
    complete = [row for row in months if row["is_complete"]]
    commerce = [table for table in health.read_tables(release) if table.role == "commerce"]
    return {
        "period": month_name(complete[-1]["order_month"]) if complete else day_name(release.as_of_date),
        "has_orders": any(row["order_count"] or row["anonymous_order_count"] for row in months),
        "no_orders": _no_orders(commerce),
        "notice": _notice(release, commerce),
        "running_month": month_name(months[-1]["order_month"]) if len(complete) < len(months) else None,
        **_headlines(release, complete),
        **_cohorts(release),
        **_months(months),
        **_repeat(release),
        **_quality(release, months),
    }


def _headlines(release: Release, complete: list[Row]) -> dict[str, Any]:
    windows = figures.read_repeat(release)
    pooled = heatmap.read_pooled(release)
    at_age = {age: figures.read_cohorts_at(release, age) for age in figures.HEADLINE_AGES}
    customers = figures.customers_headline(complete)
    returning = figures.returning_headline(complete)
    revenue = figures.revenue_headline(complete)
    retention = [figures.retention_headline(cohorts, age, pooled) for age, cohorts in at_age.items()]
    return {
        "headlines": [customers, returning, revenue, figures.repeat_headline(windows), *retention],
        "sentences": summary.sentences(complete, windows, at_age[1], customers, returning, revenue, retention[0]),
    }


def _no_orders(commerce: list[SourceTable]) -> str:
    """Why there is no order, as far as the sources tell."""
    connected = [table for table in commerce if table.is_connected]
    systems = listing(list(dict.fromkeys(table.system for table in connected or commerce)) or ["a shop"])
    received, refused = (sum(getattr(t, f"{name}_count") for t in connected) for name in ("received", "quarantined"))
    if not connected:
        why = f"nothing is connected for commerce (possible: {systems})"
    elif received:
        why = f"none of the {plural(received, 'row')} from {systems} is one, {count(refused)} of them broke a rule"
    else:
        why = f"connected for commerce is {systems}, but no row has come"
    return f"This release holds no orders: {why}. The page Sources says what is connected, and how it stands."


def _notice(release: Release, commerce: list[SourceTable]) -> str:
    """A warning where the orders that the page rests on may not be all."""
    sentences = [quality.lag_sentence(release.as_of_date, health.newest(commerce))]
    if refused := [table.name for table in commerce if table.status == "refused"]:
        sentences.append(f"The last delivery of {listing(refused)} was refused: the page Sources says why.")
    return " ".join(filter(None, sentences))


def _cohorts(release: Release) -> dict[str, Any]:
    cells, pooled = heatmap.read_cells(release), heatmap.read_pooled(release)
    first = release.rows("select min(cohort_month) as month from marts.rpt_order_cohorts")[0]["month"]
    averages = [f"month {row['months_since_first']}: {percent(row['rate'], 0)}" for row in pooled]
    return {
        "heat": heatmap.build_heat_map(release, cells, pooled),
        "first_cohort": month_name(first) if first else None,
        "curves": charts.retention_curves(cells, pooled),
        "curves_alt": "Retention by months since the first order, one line per cohort. Average of complete months: "
        + ", ".join(averages),
    }


def _months(months: list[Row]) -> dict[str, Any]:
    shown = months[-MOST_MONTHS:]
    span = charts.month_span([row["order_month"] for row in shown])
    currency = _currency(months)
    people = {"returning": "returning_customer_count", "new": "new_customer_count"}
    amounts = {"returning": "returning_net_amount", "new": "new_net_amount", "unknown": "unknown_net_amount"}
    return {
        "customers_chart": charts.stacked_months(shown, people, "customers"),
        "customers_alt": f"Customers who ordered per month, {span}, returning and new; the table has the numbers.",
        "revenue_chart": charts.stacked_months(shown, amounts, "revenue") if currency else None,
        "revenue_alt": f"Net revenue per month, {span}, from returning and new customers; the table has the totals.",
        "has_unknown": bool(currency) and any(row["anonymous_order_count"] for row in shown),
        "span": f"{MOST_MONTHS} latest of {len(months)} months" if len(months) > MOST_MONTHS else "",
        "currency": currency,
        "months_table": cohort_tables.months_table(months[-MOST_TABLE_MONTHS:], currency) if months else None,
        "hidden_months": max(0, len(months) - MOST_TABLE_MONTHS),
    }


def _currency(months: list[Row]) -> str | None:
    """The currency of all amounts; None where there are several, and amounts are therefore NULL."""
    currencies = {row["currency"] for row in months}
    return currencies.pop() if len(currencies) == 1 else None


def _repeat(release: Release) -> dict[str, Any]:
    windows = figures.read_repeat(release)
    days, countries = _countries(release)
    unknown = sum(row["den"] for row in countries if row["segment"] == UNKNOWN_COUNTRY)
    countries = [row for row in countries if row["segment"] != UNKNOWN_COUNTRY]
    shown = [row for row in countries if row["min_cell_ok"]][:MOST_COUNTRIES]
    overall = next((row for row in windows if row["window_days"] == days), None)
    small = sum(not row["min_cell_ok"] for row in countries)
    further = len(countries) - small - len(shown)
    left_out = []
    if further:
        left_out.append(plural(further, "further country", "further countries"))
    if small:
        left_out.append(plural(small, "country", "countries") + " under the minimum size")
    return {
        "repeat_chart": charts.repeat_windows(windows),
        "repeat_alt": "Repeat purchase rate with its 95% interval per window; the table below has the numbers.",
        "repeat_table": cohort_tables.repeat_table(windows) if windows else None,
        "country_window": "at any time" if days is None else f"within {days} days",
        "country_table": cohort_tables.country_table(shown, overall) if shown else None,
        "country_count": len(countries),
        "countries_left_out": " and ".join(left_out),
        "unknown_country": plural(unknown, "customer") if unknown else "",
    }


def _countries(release: Release) -> tuple[int | None, list[Row]]:
    """Countries by customers counted, within 90 days where a country has passed them, else over all time."""
    for days in (figures.HEADLINE_WINDOW_DAYS, None):
        countries = release.rows(
            """
            select segment, num, den, rate, ci_low, ci_high, min_cell_ok
            from marts.rpt_repeat_purchase
            where segment_by = 'country' and window_days is not distinct from $days
            order by den desc, segment
            """,
            days=days,
        )
        if any(row["min_cell_ok"] and row["segment"] != UNKNOWN_COUNTRY for row in countries):
            break
    return days, countries


def _quality(release: Release, months: list[Row]) -> dict[str, Any]:
    balance = quality.read_balance(release)
    return {
        "gate": quality.read_gate(release),
        "balance_table": cohort_tables.balance_table(balance, _currency(months)) if balance else None,
        "accounted": quality.balance_sentence(balance, sum(row["anonymous_order_count"] for row in months)),
        "loads": quality.loads_sentence(release),
        "change": quality.change_sentence(release),
    }
