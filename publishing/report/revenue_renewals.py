"""The section of the page `revenue` on renewals: what fell due, what of it was renewed, what comes next."""

from datetime import date
from typing import Any

import altair as alt
from markupsafe import Markup

from publishing.report.charts import DARK, GREY, INK, data, to_svg
from publishing.report.revenue_charts import LOSS, WARM
from publishing.report.revenue_figures import YEAR
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
    short_month,
)

MOST_PAST, MOST_COMING = 12, 6
DIMENSIONS = {"renewal": "By how it renews", "plan": "By plan", "tier": "By size"}
PARTS = {"renewed": DARK, "lost": LOSS, "pending": WARM, "to come": GREY}


def section(release: Release, currency: str) -> dict[str, Any]:
    """What `templates/revenue_renewals.html.j2` shows; nothing where no term of a contract is known."""
    months = _read_months(release)
    past = [row for row in months if row["due_count"]][-MOST_PAST:]
    coming = [row for row in months if row["upcoming_count"]][:MOST_COMING]
    if not past and not coming:
        return {"has_renewals": False}
    shown = _near([*past, *coming], release.as_of_date)
    complete = [row for row in past if row["is_complete"]]
    year = _read_windows(release, complete[-1]["due_month"]) if complete else []
    return {
        "has_renewals": True,
        "renewal_sentence": _sentence(year, coming, currency),
        "renewals_chart": _chart(shown) if shown else None,
        "renewals_alt": _alt(past, coming, currency),
        "renewals_table": _months(past),
        "renewal_groups_table": _groups([row for row in year if row["min_cell_ok"]]),
        "coming_table": _coming(coming),
    }


def _read_months(release: Release) -> list[Row]:
    return release.rows(
        "select * from marts.rpt_renewal_rates where dimension = 'all' and window_months = 1 order by due_month"
    )


def _read_windows(release: Release, month: date) -> list[Row]:
    """The twelve months up to one, in all and by group."""
    return release.rows(
        f"""
        select * from marts.rpt_renewal_rates
        where
            dimension in ('all', '{"', '".join(DIMENSIONS)}') and window_months = {YEAR}
            and due_month = date '{month}'
        order by dimension <> 'all', dimension, due_amount desc, segment
        """
    )


def _sentence(year: list[Row], coming: list[Row], currency: str) -> str:
    parts = []
    if year and year[0]["gross_renewal_rate"] is not None:
        row = year[0]
        within = f"; 95% interval {interval(row['gross_ci_low'], row['gross_ci_high'])}"
        parts.append(
            f"Of {money(row['due_amount'], currency)} a year that fell due in the twelve months to "
            f"{month_name(row['due_month'])}, "
            f"{percent(row['gross_renewal_rate'])} was renewed "
            f"(gross renewal rate{within if row['gross_ci_low'] is not None else ''}), "
            f"{percent(row['net_renewal_rate'])} with what it costs more (net); of "
            f"{plural(row['due_customer_count'], 'customer')}, {percent(row['logo_renewal_rate'])} renewed."
        )
    if coming:
        amount = sum(row["upcoming_amount"] for row in coming[:3])
        number = sum(row["upcoming_count"] for row in coming[:3])
        until = month_name(coming[:3][-1]["due_month"])
        parts.append(f"{money(amount, currency)} falls due up to {until}, in {plural(number, 'renewal')}.")
    return " ".join(parts)


def _near(rows: list[Row], as_of: date) -> list[Row]:
    """Of the months those that a chart has place for: twelve up to the day's, and six to come."""
    day = 12 * as_of.year + as_of.month
    numbered = ((12 * row["due_month"].year + row["due_month"].month, row) for row in rows)
    near = {number: row for number, row in numbered if day - MOST_PAST < number <= day + MOST_COMING}
    return [near[number] for number in sorted(near)]


def _chart(rows: list[Row]) -> Markup:
    """What falls due in each month by what became of it, with the gross renewal rate of what is decided above it."""
    bars: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for row in rows:
        month = short_month(row["due_month"])
        amounts = {
            "renewed": row["kept_amount"],
            "lost": row["due_amount"] - row["kept_amount"] - row["pending_amount"],
            "pending": row["pending_amount"],
            "to come": row["upcoming_amount"],
        }
        bars += [
            {"month": month, "part": part, "order": place, "amount": float(amount)}
            for place, (part, amount) in enumerate(amounts.items())
            if amount
        ]
        if row["gross_renewal_rate"] is not None and row["is_complete"]:
            top = float(row["due_amount"] + row["upcoming_amount"])
            texts.append({"month": month, "amount": top, "text": percent(row["gross_renewal_rate"], 0)})
    # A month in which nothing falls due has its place.
    first, last = (12 * month.year + month.month - 1 for month in (rows[0]["due_month"], rows[-1]["due_month"]))
    months = [short_month(date(number // 12, number % 12 + 1, 1)) for number in range(first, last + 1)]
    x = alt.X(
        "month:N",
        scale=alt.Scale(domain=months),
        title=None,
        axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')", grid=False, ticks=False, labelOverlap=False),
    )
    base = alt.Chart(data(bars)).encode(x=x)
    rects = base.mark_bar(size=22).encode(
        y=alt.Y("amount:Q", title=None, axis=alt.Axis(format="~s", tickCount=5)),
        order=alt.Order("order:Q"),
        color=alt.Color(
            "part:N",
            title=None,
            scale=alt.Scale(domain=list(PARTS), range=list(PARTS.values())),
            legend=alt.Legend(orient="top", symbolType="square"),
        ),
    )
    labels = (
        alt.Chart(data(texts))
        .mark_text(dy=-7, fontSize=11, color=INK)
        .encode(x=alt.X("month:N", scale=alt.Scale(domain=months)), y="amount:Q", text="text:N")
    )
    return to_svg(alt.layer(rects, labels) if texts else rects, 680, 215, "renewals")


def _alt(past: list[Row], coming: list[Row], currency: str) -> str:
    told = [
        f"{month_name(row['due_month'])} {percent(row['gross_renewal_rate'])} of {money(row['due_amount'], currency)}"
        for row in past[-6:]
        if row["is_complete"]
    ]
    next_ones = [f"{month_name(row['due_month'])} {money(row['upcoming_amount'], currency)}" for row in coming[:3]]
    return f"Renewed: {', '.join(told) or MISSING}. To come: {', '.join(next_ones) or MISSING}."


RATES = {
    "customers": "Customers due",
    "due": "Due, a year",
    "gross": "Gross renewal",
    "gross_interval": "95% interval",
    "net": "Net renewal",
    "net_interval": "95% interval",
    "logo": "Customers renewed",
}


def _rates(row: Row) -> dict[str, str]:
    return {
        "customers": count(row["due_customer_count"]),
        "due": count(row["due_amount"]),
        "gross": percent(row["gross_renewal_rate"]),
        "gross_interval": interval(row["gross_ci_low"], row["gross_ci_high"]),
        "net": percent(row["net_renewal_rate"]),
        "net_interval": interval(row["net_ci_low"], row["net_ci_high"]),
        "logo": percent(row["logo_renewal_rate"]),
    }


def _months(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "month": month_name(row["due_month"]) + ("" if row["is_complete"] else " *"),
            **_rates(row),
            "pending": count(row["pending_count"]) if row["pending_count"] else MISSING,
        }
        for row in reversed(rows)
    ]
    return styled_table("renewals", lines, {"month": "Due in", **RATES, "pending": "Pending"}) if lines else None


def _groups(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "segment": "All" if row["dimension"] == "all" else sentence_case(str(row["segment"]).replace("_", " ")),
            "dimension": DIMENSIONS.get(row["dimension"], "All renewals"),
            **_rates(row),
        }
        for row in rows
    ]
    return styled_table("renewal-groups", lines, {"segment": "Group", **RATES}, group="dimension") if lines else None


def _coming(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "month": month_name(row["due_month"]),
            "number": count(row["upcoming_count"]),
            "amount": count(row["upcoming_amount"]),
        }
        for row in rows
    ]
    labels = {"month": "Due in", "number": "Renewals to come", "amount": "Due, a year"}
    return styled_table("renewals-to-come", lines, labels) if lines else None
