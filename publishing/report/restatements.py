"""What the page `revenue` says of figures that an earlier report told otherwise."""

from typing import Any

from markupsafe import Markup

from publishing.report.source import Release, Row
from publishing.report.tables import styled_table
from publishing.report.words import MISSING, count, day_name, money, month_name, percent, plural, sentence_case

CAUSES = {
    "late_data": "came late",
    "correction": "corrected at its source",
    "identity": "records moved between customers",
    "policy": "another policy",
    "fx": "another rate of a currency",
    "definition": "defined otherwise",
    "late_renewal": "renewed late",
    "invoices": "invoices or payments came late, or corrected",
    "regrouping": "customers in another group",
    "unknown": "not known",
}
FIGURES = {
    "closing_amount": "Revenue at the end of the month",
    "closing_customer_count": "Customers at the end of the month",
    "gross_mrr_churn_rate": "Lost and shrunk revenue",
    "nrr": "Net revenue retention",
    "grr": "Gross revenue retention",
    "retention_rate": "Customer retention",
    "gross_renewal_rate": "Renewed revenue",
}
"""Of what is told otherwise the figures that the page names; the mart has all."""
MOST_LINES, MOST_CAUSES = 12, 3


def context(release: Release, currency: str) -> dict[str, Any]:
    """What `templates/revenue.html.j2` shows of restatements: those of the newest run that found any."""
    rows = release.rows(
        """
        select *, count(*) over (partition by previous_release_id, cause) as cause_count
        from marts.rpt_restatements
        qualify previous_release_id = max(previous_release_id) over ()
        order by dimension <> 'all', month desc, table_name, figure, span_months
        """
    )
    if not rows:
        return {"restated": None, "restatements_table": None}
    causes = sorted({row["cause"]: row["cause_count"] for row in rows}.items(), key=lambda one: (-one[1], one[0]))
    told_causes = [f"{_cause(cause)} ({count(number)})" for cause, number in causes[:MOST_CAUSES]]
    if others := sum(number for _, number in causes[MOST_CAUSES:]):
        told_causes.append(f"other causes ({count(others)})")
    because = "; ".join(told_causes)
    told, before = rows[0]["restated_date"], rows[0]["previous_as_of_date"]
    other = f"the one of {day_name(before)}" if before != told else "an earlier one of that day"
    return {
        "restated": (
            f"The report of {day_name(told)} told {plural(len(rows), 'figure')} of months "
            f"that were over otherwise than {other}: {because}."
        ),
        "restatements_table": _table(rows, currency),
    }


def _table(rows: list[Row], currency: str) -> Markup | None:
    lines = [
        {
            "figure": FIGURES[row["figure"]] + (f", {row['span_months']} months" if row["basis"] == "window" else ""),
            "month": month_name(row["month"]),
            **dict(zip(("before", "now"), _values(row, currency), strict=True)),
            "cause": sentence_case(_cause(row["cause"])),
        }
        for row in rows
        if row["dimension"] == "all"
        and row["figure"] in FIGURES
        and row["table_name"] != "rpt_cohort_retention"
        and row["span_months"] in (0, 12)
    ][:MOST_LINES]
    labels = {"figure": "Figure", "month": "Month", "before": "Told before", "now": "Now", "cause": "Why"}
    return styled_table("restatements", lines, labels, left=["month", "cause"]) if lines else None


def _cause(cause: str) -> str:
    return ", ".join(CAUSES[name] for name in cause.split(", "))


def _values(row: Row, currency: str) -> tuple[str, str]:
    """What was told before and now, with as many digits as tell them apart."""
    figure, before, now = row["figure"], row["previous_value"], row["value"]
    if figure == "closing_customer_count":
        return count(before), count(now)
    told = (MISSING, MISSING)
    for more in range(5):
        if figure == "closing_amount":
            told = money(before, currency, more), money(now, currency, more)
        else:
            told = percent(before, 2 + more), percent(now, 2 + more)
        if told[0] != told[1]:
            break
    return told
