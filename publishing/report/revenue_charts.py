"""Charts of the page `revenue`."""

from typing import Any

import altair as alt
from markupsafe import Markup

from publishing.report.charts import DARK, GREY, INK, LIGHT, MID, SOFT, data, point, thinned, to_svg
from publishing.report.source import Row
from publishing.report.words import MINUS, percent, short_month

GAIN, LOSS, WARM = MID, "#c2571a", "#f3d2bd"
NAMES = {
    "new": "New",
    "expansion": "Expansion",
    "reactivation": "Reactivation",
    "contraction": "Contraction",
    "churn": "Churn",
    "scope_change": "Ids",
    "fx": "Rates",
}


def bridge(row: Row) -> Markup:
    """A month's way from opening to closing MRR: each movement hangs where the one before it ended."""
    level = float(row["opening_amount"])
    bars: list[dict[str, Any]] = [
        {"name": "Opening", "low": 0.0, "high": level, "kind": "level", "text": _short(level)}
    ]
    for kind, name in NAMES.items():
        amount = float(row[f"{kind}_amount"])
        if not amount and kind in ("scope_change", "fx", "reactivation"):
            continue
        bars.append(
            {
                "name": name,
                "low": min(level, level + amount),
                "high": max(level, level + amount),
                "kind": "gain" if amount >= 0 else "loss",
                "text": f"{'+' if amount > 0 else MINUS if amount < 0 else ''}{_short(abs(amount))}",
            }
        )
        level += amount
    bars.append({"name": "Closing", "low": 0.0, "high": level, "kind": "level", "text": _short(level)})
    # The movements are small beside the levels: the scale begins not far below the lowest of them.
    floor = min((bar["low"] for bar in bars[1:-1] if bar["low"] < bar["high"]), default=0.0)
    top = max(float(bar["high"]) for bar in bars)
    bottom = max(0.0, floor - 0.6 * (top - floor))
    for bar in bars:
        bar["low"] = max(float(bar["low"]), bottom)
    names = [bar["name"] for bar in bars]
    scale = alt.Scale(domain=[bottom, top + 0.08 * (top - bottom)], nice=False, zero=False)
    base = alt.Chart(data(bars)).encode(
        x=alt.X("name:N", sort=names, title=None, axis=alt.Axis(labelAngle=0, grid=False, ticks=False))
    )
    rects = base.mark_bar(size=46).encode(
        y=alt.Y("low:Q", title=None, scale=scale, axis=alt.Axis(format="~s", tickCount=5)),
        y2="high:Q",
        color=alt.Color(
            "kind:N", scale=alt.Scale(domain=["level", "gain", "loss"], range=[DARK, GAIN, LOSS]), legend=None
        ),
    )
    texts = base.mark_text(dy=-8, baseline="bottom", color=INK, fontSize=12).encode(
        y=alt.Y("high:Q", scale=scale), text="text:N"
    )
    return to_svg(alt.layer(rects, texts), 680, 215, "bridge")


LABEL_SHARE = 0.08
"""Of a chart's height, what a line of text takes."""


def retention_history(rows: list[Row]) -> Markup | None:
    """Net and gross retention over twelve months, month by month, with their 95% intervals as bands."""
    lines: list[dict[str, Any]] = [
        {
            "month": short_month(row["month"]),
            "rate": float(row[rate]),
            "low": float(row[f"{rate}_ci_low"] if row[f"{rate}_ci_low"] is not None else row[rate]),
            "high": float(row[f"{rate}_ci_high"] if row[f"{rate}_ci_high"] is not None else row[rate]),
            "name": name,
        }
        for row in rows
        for rate, name in (("nrr", "NRR"), ("grr", "GRR"))
        if row[rate] is not None
    ]
    if not lines:
        return None
    months = [short_month(row["month"]) for row in rows]
    low = max(0.0, min(line["low"] for line in lines) - 0.03)
    high = max(line["high"] for line in lines) + 0.03
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    axis = alt.Axis(
        values=thinned(months, 9), labelAngle=0, labelExpr="split(datum.label, ' ')", grid=False, labelOverlap=False
    )
    base = alt.Chart(data(lines)).encode(
        x=alt.X("month:N", sort=months, title=None, axis=axis),
        color=alt.Color("name:N", scale=alt.Scale(domain=["NRR", "GRR"], range=[DARK, LOSS]), legend=None),
    )
    y = alt.Y("rate:Q", title=None, scale=scale, axis=alt.Axis(format="%", tickCount=5))
    band = base.mark_area(opacity=0.13).encode(y=alt.Y("low:Q", scale=scale, title=None), y2="high:Q")
    line = base.mark_line(strokeWidth=2.4, point=point(DARK)).encode(y=y)
    even = alt.Chart(data([{"rate": 1.0}])).mark_rule(color=SOFT, strokeDash=[3, 3]).encode(y=y)
    last: list[dict[str, Any]] = [{**line, "text": f"{line['name']} {percent(line['rate'])}"} for line in lines[-2:]]
    # Two that end close together stand one above the other.
    least = LABEL_SHARE * (high - low)
    gap = last[0]["rate"] - last[-1]["rate"]
    if len(last) == 2 and gap < least:
        last[0]["rate"] += (least - gap) / 2
        last[1]["rate"] -= (least - gap) / 2
    label = (
        alt.Chart(data(last))
        .mark_text(align="left", dx=9, fontSize=12, fontWeight="bold")
        .encode(
            x=alt.X("month:N", sort=months),
            y=y,
            text="text:N",
            color=alt.Color("name:N", scale=alt.Scale(domain=["NRR", "GRR"], range=[DARK, LOSS]), legend=None),
        )
    )
    return to_svg(alt.layer(even, band, line, label), 680, 215, "retention", right=90)


def survival(rows: list[Row]) -> Markup | None:
    """The share of customers still there by age, as steps, with its 95% interval as a band."""
    points = [
        {
            "age": row["age"],
            "rate": row["survival"],
            "low": row["ci_low"] if row["ci_low"] is not None else row["survival"],
            "high": row["ci_high"] if row["ci_high"] is not None else row["survival"],
        }
        for row in rows
    ]
    if len(points) < 2:
        return None
    x = alt.X(
        "age:Q",
        title="Months of 30 days since the first paid day",
        axis=alt.Axis(grid=False, format="d", tickMinStep=1),
        scale=alt.Scale(nice=False),
    )
    y = alt.Y("rate:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(data(points)).encode(x=x)
    band = base.mark_area(opacity=0.18, color=MID, interpolate="step-after").encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.mark_line(color=DARK, strokeWidth=2.4, interpolate="step-after").encode(y=y)
    last = points[-1]
    label = (
        alt.Chart(data([{**last, "text": percent(last["rate"], 0)}]))
        .mark_text(align="left", dx=8, fontSize=12, fontWeight="bold", color=DARK)
        .encode(x=x, y=y, text="text:N")
    )
    return to_svg(alt.layer(band, line, label), 680, 190, "survival", right=44)


def triangle(cells: list[Row], column: str, name: str) -> Markup | None:
    """Cohorts by age: the darker, the more is left; more than at first is warm; what isn't over yet is pale."""
    shown = [
        {
            "cohort": short_month(row["cohort_month"]),
            "age": row["age"],
            "rate": float(row[column]),
            "text": percent(row[column], 0).rstrip("%") + ("" if row["is_complete"] else "*"),
            "shade": _shade(float(row[column]), bool(row["is_complete"])),
            "ink": "white" if row["is_complete"] and 0.85 <= float(row[column]) <= 1 else INK,
        }
        for row in cells
        if row[column] is not None and row["min_cell_ok"]
    ]
    if not shown:
        return None
    cohorts = list(dict.fromkeys(cell["cohort"] for cell in shown))
    base = alt.Chart(data(shown)).encode(
        x=alt.X("age:O", title="Months since the first paid month", axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y("cohort:N", sort=cohorts, title=None),
    )
    rects = base.mark_rect(stroke="white").encode(color=alt.Color("shade:N", scale=None))
    texts = base.mark_text(fontSize=10.5).encode(text="text:N", color=alt.Color("ink:N", scale=None))
    return to_svg(alt.layer(rects, texts), 680, 24 * len(cohorts) + 46, name)


def _shade(rate: float, is_complete: bool) -> str:
    if not is_complete:
        return GREY
    if rate > 1:
        return WARM
    return DARK if rate >= 0.95 else MID if rate >= 0.85 else "#6baed6" if rate >= 0.75 else LIGHT


def _short(amount: float) -> str:
    # Three digits, and the letters of the axis.
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size * 0.9995:
            return f"{amount / size:,.3g}{letter}"
    return f"{amount:,.0f}"
