"""Altair charts as inline SVG: no script, no outside resource, readable in grey."""

import re
from datetime import date
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from publishing.report.health import LEAST_DAILY_ROWS, table_label
from publishing.report.identity_figures import Listed, Share
from publishing.report.source import Row
from publishing.report.words import count, near_percent, percent, short_month

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
INK, SOFT, RULE = "#1b2733", "#5b6875", "#dfe4e9"
DARK, MID, LIGHT, GREY = "#08306b", "#2171b5", "#9ecae1", "#e6e9ec"
# With few months a bar would fill its half of the page.
FEW_MONTHS, WIDEST_BAR = 9, 30

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart
# What came of a day's expected rows.
COVERAGE = {"most": "#d3e3f3", "half": "#6baed6", "little": MID, "missing": INK, "to come": "#ffffff"}
MONDAY = 0
PARTS = {"returning": MID, "new": LIGHT, "unknown": GREY}


def retention_curves(cells: list[Row], pooled: list[Row]) -> Markup | None:
    """One thin line per cohort over its complete months; thick, with a label, their average as far as it is founded."""
    curves = [
        {"cohort": f"{row['cohort_month']}", "age": row["months_since_first"], "rate": row["retention_rate"]}
        for row in cells
        if row["months_since_first"] > 0 and row["is_complete"] and row["min_cell_ok"]
    ]
    points = [row for row in pooled if row["rate"] is not None]
    founded = [row for row in points if not row["is_thin"]] or points
    average = [{"age": row["months_since_first"], "rate": row["rate"]} for row in founded]
    if not average:
        return None
    last = average[-1]
    ages = [row["months_since_first"] for row in points]
    x = alt.X(
        "age:Q",
        title="Months since the month of the first order",
        axis=alt.Axis(values=ages, grid=False, format="d"),
        scale=alt.Scale(domain=[1, max(ages[-1], 2)], nice=False, padding=8),
    )
    y = alt.Y("rate:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domainMin=0))
    thin = alt.Chart(data(curves)).mark_line(color=LIGHT, strokeWidth=1.1).encode(x=x, y=y, detail="cohort:N")
    dots = alt.Chart(data(curves)).mark_circle(color=LIGHT, size=9, opacity=1).encode(x=x, y=y)
    halo = alt.Chart(data(average)).mark_line(color="white", strokeWidth=5.5).encode(x=x, y=y)
    thick = alt.Chart(data(average)).mark_line(color=DARK, strokeWidth=2.8, point=point(DARK)).encode(x=x, y=y)
    ending = alt.Chart(data([last | {"text": f"average, month {last['age']}: {percent(last['rate'], 0)}"}])).encode(
        x=x, y=y, text="text:N"
    )
    label = ending.mark_text(align="left", dx=9, fontSize=12, fontWeight="bold", color=DARK)
    clearing = ending.mark_text(align="left", dx=9, fontSize=12, fontWeight="bold", stroke="white", strokeWidth=4)
    return to_svg(alt.layer(thin, dots, halo, thick, clearing, label), 680, 225, "curves", right=104)


def stacked_months(months: list[Row], columns: dict[str, str], name: str) -> Markup | None:
    """Bars per month, stacked from `columns` (part of `PARTS` → column); months not over yet are pale and dashed."""
    bars = [
        {
            "month": short_month(row["order_month"]),
            "part": part,
            "order": order,
            "value": float(row[column] or 0),
            "complete": bool(row["is_complete"]),
        }
        for row in months
        for order, (part, column) in enumerate(columns.items())
    ]
    if not any(bar["value"] for bar in bars):
        return None
    names = [short_month(row["order_month"]) for row in months]
    axis = alt.Axis(
        values=thinned(names, 7),
        labelAngle=0,
        labelExpr="split(datum.label, ' ')",
        ticks=False,
        grid=False,
        labelOverlap=False,
    )
    amounts = alt.Axis(labelExpr="datum.value % 1 ? '' : format(datum.value, '~s')", tickCount=5)
    chart = (
        alt.Chart(data(bars))
        .mark_bar(size=WIDEST_BAR if len(names) < FEW_MONTHS else alt.Undefined)
        .encode(
            x=alt.X("month:N", sort=names, title=None, axis=axis, scale=alt.Scale(paddingInner=0.22)),
            y=alt.Y("value:Q", title=None, axis=amounts),
            color=alt.Color("part:N", scale=alt.Scale(domain=list(PARTS), range=list(PARTS.values())), legend=None),
            order="order:Q",
            fillOpacity=alt.condition("datum.complete", alt.value(1), alt.value(0.28)),
            stroke=alt.condition("datum.complete", alt.value("transparent"), alt.value(SOFT)),
            strokeDash=alt.value([3, 2]),
        )
    )
    return to_svg(chart, 380, 185, name)


def repeat_windows(windows: list[Row]) -> Markup | None:
    """Repeat purchase per window: a dot, its 95% interval, its value. No line, as the windows differ in customers."""
    dots = [
        {
            "window": window_name(row["window_days"]),
            "rate": row["rate"],
            "low": row["ci_low"],
            "high": row["ci_high"],
            "text": percent(row["rate"]),
        }
        for row in windows
        if row["rate"] is not None
    ]
    if not dots:
        return None
    base = alt.Chart(data(dots)).encode(
        x=alt.X(
            "window:N",
            sort=[dot["window"] for dot in dots],
            title=None,
            axis=alt.Axis(labelAngle=0, grid=False, ticks=False, labelPadding=8),
        )
    )
    scale = alt.Scale(domain=[0, min(1.0, max(dot["high"] for dot in dots) * 1.18)], nice=False)
    y = alt.Y("rate:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=scale)
    whisker = base.mark_rule(color=MID, strokeWidth=5, opacity=0.45).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    dot = base.mark_point(color=DARK, filled=True, size=60, opacity=1).encode(y=y)
    label = base.mark_text(dy=-9, baseline="bottom", color=INK, fontSize=12).encode(
        y=alt.Y("high:Q", scale=scale), text="text:N"
    )
    return to_svg(alt.layer(whisker, dot, label), 680, 165, "repeat")


def coverage_days(days: list[Row]) -> Markup | None:
    """A line per table and a cell per day: the less came of what was expected, the darker, and black where nothing."""
    if not days:
        return None
    cells = [
        {
            "table": table_label(row["source"], row["system"], row["table_name"]),
            "day": _day(row["record_date"]),
            "part": _part(row),
        }
        for row in days
    ]
    dates = sorted({row["record_date"] for row in days})
    tables = list(dict.fromkeys(cell["table"] for cell in cells))
    axis = alt.Axis(
        values=[_day(day) for day in dates if day.weekday() == MONDAY],
        labelAngle=0,
        labelOverlap=False,
        grid=False,
    )
    chart = (
        alt.Chart(data([cell for cell in cells if cell["part"]]))
        .mark_rect(strokeWidth=1, strokeDash=[2, 2])
        .encode(
            x=alt.X(
                "day:N",
                title=None,
                axis=axis,
                scale=alt.Scale(domain=[_day(day) for day in dates], paddingInner=0.12),
            ),
            y=alt.Y(
                "table:N",
                title=None,
                axis=alt.Axis(grid=False, labelColor=INK, labelLimit=220),
                scale=alt.Scale(domain=tables, paddingInner=0.12),
            ),
            color=alt.Color(
                "part:N", scale=alt.Scale(domain=list(COVERAGE), range=list(COVERAGE.values())), legend=None
            ),
            stroke=alt.condition("datum.part == 'to come'", alt.value(SOFT), alt.value("transparent")),
        )
    )
    return to_svg(chart, 840, 17 * len(tables) + 34, "coverage", left=28)


def records_and_ids(listed: list[Listed], names: list[str], name: str) -> Markup | None:
    """A bar per source as long as its records are many; the dark part is how many they are."""
    bars = [
        {
            "source": system,
            "records": row.record_count,
            "ids": row.id_count,
            "text": f"{count(row.record_count)} → {count(row.id_count)}",
        }
        for system, row in zip(names, listed, strict=True)
    ]
    if not bars:
        return None
    # Room for the text beyond the longest bar.
    most = max(row.record_count for row in listed) * 1.5
    x = alt.Scale(domain=[0, most], nice=False)
    y = alt.Y("source:N", sort=names, title=None, axis=alt.Axis(grid=False, labelColor=INK, labelLimit=120))
    base = alt.Chart(data(bars)).encode(y=y)
    records = base.mark_bar(color=LIGHT, size=15).encode(x=alt.X("records:Q", scale=x, axis=None))
    ids = base.mark_bar(color=DARK, size=15).encode(x=alt.X("ids:Q", scale=x, axis=None))
    label = base.mark_text(align="left", dx=5, fontSize=11, color=INK).encode(
        x=alt.X("records:Q", scale=x, axis=None), text="text:N"
    )
    return to_svg(alt.layer(records, ids, label), 380, 23 * len(bars) + 14, name, left=14)


def near_certain(shares: list[tuple[str, Share]], name: str) -> Markup | None:
    """Shares near 100%: a dot, its interval, its value, on a scale that begins below the lowest of them."""
    dots = [
        {
            "what": what,
            "value": share.value,
            "low": share.value if share.low is None else share.low,
            "high": share.value if share.high is None else share.high,
            "text": near_percent(share.value),
        }
        for what, share in shares
    ]
    if not dots:
        return None
    names = [what for what, _ in shares]
    lowest = min(share.value if share.low is None else share.low for _, share in shares)
    # Steps of 5 points, so that small movements from day to day don't move the scale.
    begin = max(0.0, int(20 * (lowest - 0.005)) / 20)
    x = alt.Scale(domain=[begin, 1], nice=False)
    y = alt.Y("what:N", sort=names, title=None, axis=alt.Axis(grid=False, labelColor=INK, labelLimit=220))
    axis = alt.Axis(format="~%", tickCount=5)
    base = alt.Chart(data(dots)).encode(y=y)
    whisker = base.mark_rule(color=MID, strokeWidth=5, opacity=0.45).encode(
        x=alt.X("low:Q", scale=x, title=None, axis=axis), x2="high:Q"
    )
    dot = base.mark_point(color=DARK, filled=True, size=60, opacity=1).encode(
        x=alt.X("value:Q", scale=x, title=None, axis=axis)
    )
    # In a column of their own: beside the dots they would lie on intervals.
    label = base.mark_text(align="left", dx=12, color=INK, fontSize=12).encode(x=alt.datum(1), text="text:N")
    return to_svg(alt.layer(whisker, dot, label), 680, 26 * len(dots) + 40, name, right=76, left=30)


def window_name(days: int | None) -> str:
    """90 days, or all time."""
    return "all time" if days is None else f"{count(days)} days"


def month_span(months: list[date]) -> str:
    """First to last month, for a chart's description."""
    return f"{short_month(months[0])} to {short_month(months[-1])}" if months else "no month"


def _part(row: Row) -> str | None:
    """None where too few rows are expected to say anything of one day."""
    if row["is_gap"]:
        return "missing"
    if (row["expected_count"] or 0) < LEAST_DAILY_ROWS:
        return None
    if row["is_to_come"] and not row["new_count"]:
        return "to come"
    share = row["new_count"] / row["expected_count"]
    return "most" if share >= 0.75 else "half" if share >= 0.5 else "little"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def data(values: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=values)


def point(color: str) -> alt.OverlayMarkDef:
    return alt.OverlayMarkDef(color=color, size=26, filled=True)


def thinned(names: list[str], most: int) -> list[str]:
    """At most `most` labels, evenly spaced, the last one always among them."""
    step = -(-len(names) // most)
    return names[::-1][::step][::-1]


def to_svg(chart: AnyChart, width: int, height: int, name: str, right: int = 8, left: int = 4) -> Markup:
    configured = (
        chart.properties(width=width, height=height, padding={"left": left, "right": right, "top": 8, "bottom": 4})
        .configure(font=FONT, background="transparent", autosize=alt.AutoSizeParams(type="fit", contains="padding"))
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT,
            titleColor=SOFT,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            gridColor=RULE,
            domain=False,
            ticks=False,
            labelPadding=6,
        )
    )
    svg = str(vl_convert.vegalite_to_svg(configured.to_dict(validate=False)))
    return Markup(_embeddable(svg, name))


def _embeddable(svg: str, name: str) -> str:
    """Several SVGs share one page: ids must not collide, and size follows the page, not the drawing.

    The roles that Vega writes on every mark go: the figure around has the description, and the PDF prints faster.
    """
    svg = re.sub(r' (class|role|aria-[a-z]+|pointer-events)="[^"]*"', "", svg)
    svg = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r' width="[\d.]+" height="[\d.]+" viewBox', ' width="100%" aria-hidden="true" viewBox', svg, count=1)
    return svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
