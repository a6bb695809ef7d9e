"""The tables of the page `cohorts`."""

from markupsafe import Markup

from publishing.report.charts import window_name
from publishing.report.source import Row
from publishing.report.tables import drawn_interval, styled_table
from publishing.report.words import MISSING, count, interval, money, percent, share_of, short_month

DISPOSITIONS = {
    "sale": "Sales",
    "free_item": "Free items (price 0)",
    "adjustment": "Adjustments, neither sale nor cancellation",
    "cancellation_matched": "Cancellations matched to their sale",
    "cancellation_unmatched": "Cancellations without a matching sale",
    "quarantined": "Quarantined",
}


def months_table(months: list[Row], currency: str | None) -> Markup:
    """One line per month, newest first; without one currency there are no amounts."""
    lines = [
        {
            "month": short_month(row["order_month"]) + ("" if row["is_complete"] else " *"),
            "customers": count(row["customer_count"]),
            "new": count(row["new_customer_count"]),
            "share": percent(row["returning_customer_rate"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
            "orders": count(row["order_count"]),
            "net": count(row["net_amount"]),
            "average": count(row["average_order_amount"]),
            "returned": percent(row["return_rate"]),
        }
        for row in reversed(months)
    ]
    unit = f" ({currency})" if currency else ""
    return styled_table(
        "months",
        lines,
        {
            "month": "Month",
            "customers": "Customers",
            "new": "New",
            "share": "Returning",
            "interval": "95% interval",
            "orders": "Orders",
            "net": f"Net revenue{unit}",
            "average": "Average order",
            "returned": "Returned",
        },
    )


def repeat_table(windows: list[Row]) -> Markup:
    """Repeat purchase per window with what it rests on."""
    lines = [
        {
            "window": f"Within {window_name(row['window_days'])}" if row["window_days"] else "Ever (all time)",
            "num": count(row["num"]),
            "den": count(row["den"]),
            "rate": percent(row["rate"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
            "waiting": count(row["immature_customer_count"]),
        }
        for row in windows
    ]
    return styled_table(
        "repeat",
        lines,
        {
            "window": "Window",
            "num": "Came back",
            "den": "Customers counted",
            "rate": "Rate",
            "interval": "95% interval",
            "waiting": "Window not over yet",
        },
    )


def country_table(countries: list[Row], overall: Row | None) -> Markup:
    """Repeat purchase per country with the interval drawn beside; all customers come first, to compare with."""
    rows = ([overall | {"segment": "All customers"}] if overall else []) + countries
    lines = [
        {
            "country": row["segment"],
            "num": count(row["num"]),
            "den": count(row["den"]),
            "rate": percent(row["rate"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
            "drawn": str(drawn_interval(row["ci_low"], row["ci_high"], row["rate"])),
        }
        for row in rows
    ]
    labels = {
        "country": "Country",
        "num": "Came back",
        "den": "Customers counted",
        "rate": "Rate",
        "interval": "95% interval",
        "drawn": "0 to 100%",
    }
    return styled_table("countries", lines, labels, drawn="drawn")


def balance_table(balance: list[Row], currency: str | None) -> Markup:
    """Every line received, by what became of it; the last line adds them up."""
    total = sum(row["line_count"] for row in balance)
    lines = [
        {
            "what": DISPOSITIONS.get(row["disposition"], row["disposition"].replace("_", " ").capitalize())
            + (f": {row['reason']}" if row["reason"] else ""),
            "known": MISSING if row["disposition"] == "quarantined" else count(row["known_line_count"]),
            "unknown": MISSING if row["disposition"] == "quarantined" else count(row["unknown_line_count"]),
            "lines": count(row["line_count"]),
            "share": share_of(row["line_count"], total),
            "amount": money(row["line_amount"], currency).removeprefix(f"{currency} "),
        }
        for row in balance
    ]
    lines.append(
        {
            "what": "All lines received",
            "known": count(sum(row["known_line_count"] for row in balance)),
            "unknown": count(sum(row["unknown_line_count"] for row in balance)),
            "lines": count(total),
            "share": share_of(total, total),
            "amount": "",
        }
    )
    labels = {
        "what": "What became of the line",
        "known": "Known customer",
        "unknown": "No known customer",
        "lines": "Lines",
        "share": "Share",
        "amount": f"Amount ({currency})" if currency else "Amount",
    }
    return styled_table("balance", lines, labels)
