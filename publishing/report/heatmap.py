"""The cohort heat map: months of first order down, months since across, retention in the cell."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from publishing.report.source import Release, Row
from publishing.report.words import count, month_name, percent, plural, short_month

# What an A4 page and a reader can take in; older cohorts stay in the mart and in the average.
MOST_COHORTS = 24
SHADES = 9
# An average over fewer cohorts is those cohorts' story; it is printed pale and ends the curve.
FEWEST_COHORTS = 3

CellKind = Literal["complete", "incomplete", "small", "thin", "none"]


@dataclass(frozen=True)
class Cell:
    """One cohort in one month. `shade` is set where the cell counts for the colour scale."""

    kind: CellKind
    text: str = ""
    hint: str = ""
    shade: int | None = None


@dataclass(frozen=True)
class CohortLine:
    """One row of the heat map."""

    month: str
    size: str
    is_incomplete: bool
    is_small: bool
    cells: list[Cell]


@dataclass(frozen=True)
class HeatMap:
    """All that the template needs to draw the table and its legend."""

    ages: list[int]
    lines: list[CohortLine]
    average: list[Cell]
    scale_top: str
    cohort_count: int
    hidden_count: int
    has_incomplete: bool
    has_small: bool
    has_thin: bool


def read_cells(release: Release) -> list[Row]:
    """Every cell of the latest cohorts, cohorts downwards."""
    return release.rows(
        """
        select
            cohort_month, months_since_first, activity_month, cohort_size, active_customer_count, retention_rate,
            ci_low, ci_high, is_complete, min_cell_ok
        from marts.rpt_order_cohorts
        where cohort_month in (
            select distinct cohort_month from marts.rpt_order_cohorts order by cohort_month desc limit $most
        )
        order by cohort_month, months_since_first
        """,
        most=MOST_COHORTS,
    )


def read_pooled(release: Release) -> list[Row]:
    """Retention by age over all complete cells of all cohorts: one row per age."""
    return release.rows(
        """
        select
            months_since_first,
            count(*) as cohort_count,
            sum(active_customer_count)::bigint as num,
            sum(cohort_size)::bigint as den,
            sum(active_customer_count) / nullif(sum(cohort_size), 0) as rate,
            count(*) < $fewest as is_thin
        from marts.rpt_order_cohorts
        where is_complete and months_since_first between 1 and $most
        group by months_since_first
        order by months_since_first
        """,
        most=MOST_COHORTS,
        fewest=FEWEST_COHORTS,
    )


def build_heat_map(release: Release, cells: list[Row], pooled: list[Row]) -> HeatMap:
    """Arranges the cells as rows; the first month is 100% by definition and shown as the cohort's size only."""
    ages = sorted({row["months_since_first"] for row in cells if row["months_since_first"] > 0})
    top = _scale_top(cells)
    cohorts: dict[date, dict[int, Row]] = {}
    for row in cells:
        cohorts.setdefault(row["cohort_month"], {})[row["months_since_first"]] = row
    lines = [_line(month, by_age, ages, top) for month, by_age in cohorts.items()]
    averages = {row["months_since_first"]: row for row in pooled}
    cohort_count = release.rows("select count(distinct cohort_month) as n from marts.rpt_order_cohorts")[0]["n"]
    return HeatMap(
        ages=ages,
        lines=lines,
        average=[_average(averages.get(age)) for age in ages],
        scale_top=percent(top, 0),
        cohort_count=cohort_count,
        hidden_count=cohort_count - len(cohorts),
        has_incomplete=any(not row["is_complete"] for row in cells),
        has_small=any(line.is_small and not line.is_incomplete for line in lines),
        has_thin=any(row["is_thin"] for row in pooled),
    )


def _line(month: date, by_age: dict[int, Row], ages: list[int], top: float) -> CohortLine:
    first = next(iter(by_age.values()))
    return CohortLine(
        month=short_month(month),
        size=count(first["cohort_size"]),
        is_incomplete=0 in by_age and not by_age[0]["is_complete"],
        is_small=not first["min_cell_ok"],
        cells=[_cell(by_age.get(age), top) for age in ages],
    )


def _cell(row: Row | None, top: float) -> Cell:
    if row is None or row["retention_rate"] is None:
        return Cell("none")
    text = f"{100 * row['retention_rate']:.0f}"
    hint = (
        f"{count(row['active_customer_count'])} of {count(row['cohort_size'])} customers "
        f"ordered in {month_name(row['activity_month'])}"
    )
    if not row["is_complete"]:
        return Cell("incomplete", text, f"{hint}, a month that is not over yet")
    if not row["min_cell_ok"]:
        return Cell("small", text, f"{hint}; the cohort is under the minimum size")
    return Cell("complete", text, hint, _shade(row["retention_rate"], top))


def _average(row: Row | None) -> Cell:
    if row is None or row["rate"] is None:
        return Cell("none")
    hint = f"{count(row['num'])} of {count(row['den'])} customers of {plural(row['cohort_count'], 'cohort')}"
    return Cell("thin" if row["is_thin"] else "complete", f"{100 * row['rate']:.0f}", hint)


def _scale_top(cells: list[Row]) -> float:
    """The rate of the darkest shade: the highest coloured cell, rounded up to a tenth."""
    rates = [
        row["retention_rate"]
        for row in cells
        if row["months_since_first"] > 0 and row["is_complete"] and row["min_cell_ok"] and row["retention_rate"]
    ]
    tenths = -(-max(rates, default=0.1) * 10 // 1)
    return float(max(tenths, 1) / 10)


def _shade(rate: float, top: float) -> int:
    return min(int(rate / top * SHADES), SHADES - 1)
