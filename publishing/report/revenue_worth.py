"""The sections of the page `revenue` on what a customer is worth, and on how long first value takes."""

from typing import Any

from markupsafe import Markup

from publishing.report.source import Release, Row
from publishing.report.tables import styled_table
from publishing.report.words import MISSING, TO, count, interval, money, percent, sentence_case

FORMULAS = {
    "clv_simple": "Revenue by months there (clv_simple)",
    "clv_margin_disc": "Margin, discounted (clv_margin_disc)",
    "clv_txn": "Shop: value of orders until one leaves (clv_txn)",
    "clv_predicted": "Shop: expected in the next 365 days (clv_predicted)",
}
CLOCKS = {
    "contract_start": "Contract start",
    "sign_up": "Sign-up",
    "first_visit": "First visit",
}


def section(release: Release) -> dict[str, Any]:
    """What `templates/revenue_worth.html.j2` shows."""
    values, steps = _read_values(release), _read_steps(release)
    firsts = _read_first_values(release)
    return {
        "worth_table": _values([row for row in values if row["value_amount"] is not None]),
        "worth_reasons": _reasons(values),
        "worth_rates": _rates(values),
        "first_value_table": _first_values(firsts),
        "first_value_days": firsts[0]["due_days"] if firsts else None,
        "funnel_table": _funnel(steps),
    }


def _read_values(release: Release) -> list[Row]:
    """In all, and by plan as far as groups are large enough."""
    return release.rows(
        f"""
        select * from marts.rpt_lifetime_value
        where dimension = 'all' or (dimension = 'plan' and min_cell_ok)
        order by list_position(['{"', '".join(FORMULAS)}'], formula), dimension <> 'all', value_amount desc, segment
        """
    )


def _read_first_values(release: Release) -> list[Row]:
    """Each clock's first value, in all, and from contract start by plan as far as groups are large enough."""
    return release.rows(
        f"""
        select * from marts.rpt_time_to_first_value
        where
            is_first_value
            and (dimension = 'all' or (dimension = 'plan' and clock = 'contract_start' and min_cell_ok))
        order by
            list_position(['{"', '".join(CLOCKS)}'], clock), criterion, dimension <> 'all', median_days, segment
        """
    )


def _read_steps(release: Release) -> list[Row]:
    return release.rows(
        """
        select * from marts.rpt_time_to_first_value
        where clock = 'contract_start' and dimension = 'all' order by step_number
        """
    )


def _values(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "segment": _group(row),
            "formula": FORMULAS[row["formula"]],
            "n": count(row["customer_count"]),
            "value": money(row["value_amount"], row["currency"]),
            "interval": f"{count(row['ci_low_amount'])}{TO}{count(row['ci_high_amount'])}"
            if row["ci_low_amount"] is not None
            else MISSING,
            "lifespan": f"{row['lifespan_months']:.1f} of {row['horizon_months']}"
            if row["lifespan_months"] is not None
            else MISSING,
            "paid": count(row["monthly_amount"]) if row["monthly_amount"] is not None else MISSING,
            "order": count(row["order_amount"]) if row["order_amount"] is not None else MISSING,
            "orders": f"{row['orders_per_year']:.2f}" if row["orders_per_year"] is not None else MISSING,
        }
        for row in rows
    ]
    labels = {
        "segment": "Group",
        "n": "Customers",
        "value": "Value of a customer",
        "interval": "95% interval",
        "lifespan": "Months there",
        "paid": "A month",
        "order": "An order",
        "orders": "Orders a year",
    }
    return styled_table("worth", lines, labels, group="formula") if lines else None


def _reasons(rows: list[Row]) -> list[str]:
    return [
        f"{FORMULAS[row['formula']]}: {row['missing_reason']}"
        for row in rows
        if row["dimension"] == "all" and row["missing_reason"]
    ]


def _rates(rows: list[Row]) -> str:
    for row in rows:
        if row["margin_rate"] is not None:
            margin, discount = percent(row["margin_rate"], 0), percent(row["discount_rate"], 0)
            return f"a gross margin of {margin}, discounted at {discount} a year"
    return ""


def _first_values(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "segment": _group(row),
            "clock": f"{CLOCKS[row['clock']]} to {_criterion(row)}",
            "n": count(row["start_count"]),
            "open": count(row["open_count"]),
            "median": _days(row["median_days"]),
            "interval": f"{_days(row['median_ci_low_days'])}{TO}{_days(row['median_ci_high_days'])}"
            if row["median_ci_low_days"] is not None
            else MISSING,
            "p90": _days(row["p90_days"]),
            "in_time": percent(row["in_time_rate"]),
            "in_time_interval": interval(row["in_time_ci_low"], row["in_time_ci_high"]),
            "missed": percent(row["miss_rate"]),
        }
        for row in rows
    ]
    labels = {
        "segment": "Group",
        "n": "Started",
        "open": "Not there",
        "median": "Median days",
        "interval": "95% interval",
        "p90": "Nine tenths",
        "in_time": "In time",
        "in_time_interval": "95% interval",
        "missed": "Missed it",
    }
    return styled_table("first-value", lines, labels, group="clock") if lines else None


def _funnel(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "step": sentence_case(_criterion(row)) + (" ◂" if row["is_first_value"] else ""),
            "n": count(row["start_count"]),
            "reached": count(row["reached_count"]),
            "share": percent(row["reached_rate"]),
            "interval": interval(row["reached_ci_low"], row["reached_ci_high"]),
            "median": _days(row["median_days"]),
            "p90": _days(row["p90_days"]),
        }
        for row in rows
    ]
    labels = {
        "step": "Step",
        "n": "Customers with it",
        "reached": "Reached",
        "share": "Share so far",
        "interval": "95% interval",
        "median": "Median days",
        "p90": "Nine tenths",
    }
    return styled_table("funnel", lines, labels) if lines else None


def _group(row: Row) -> str:
    return "All" if row["dimension"] == "all" else sentence_case(str(row["segment"]).replace("_", " "))


def _criterion(row: Row) -> str:
    return str(row["criterion"]).replace("_", " ")


def _days(days: float | None) -> str:
    return f"{days:.1f}" if days is not None else MISSING
