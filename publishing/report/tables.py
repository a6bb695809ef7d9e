"""What all tables of the report share: Great Tables, styled by the page, and an interval drawn in a cell."""

import re
from collections.abc import Collection
from typing import Any

import polars as pl
from great_tables import GT
from markupsafe import Markup, escape


def styled_table(
    name: str,
    lines: list[dict[str, Any]],
    labels: dict[str, str],
    *,
    left: Collection[str] = (),
    drawn: str | None = None,
    group: str | None = None,
) -> Markup:
    """Columns are text already: the first names the row, those of words are `left`, the others are numbers.

    `drawn`: the one column that holds markup. `group`: the one whose values head the rows that share them.
    """
    first, *others = labels
    columns = [group, *labels] if group else list(labels)
    table = (
        GT(
            pl.DataFrame(lines, schema=dict.fromkeys(columns, pl.String)),
            id=f"table-{name}",
            rowname_col=first,
            groupname_col=group,
        )
        .tab_stubhead(label=labels[first])
        .cols_label(cases={column: labels[column] for column in others})
        .cols_align("right", columns=others)
    )
    if left:
        table = table.cols_align("left", columns=list(left))
    if drawn:
        # The text columns stay escaped by Great Tables.
        table = table.cols_align("left", columns=[drawn]).fmt(lambda value: value, columns=[drawn])
    html = table.as_raw_html()
    # Each table would bring 8 kB of rules of its own; report.css dresses them all alike.
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r' (headers|data-[a-z-]+|colspan="1"|rowspan="1")(="[^"]*")?', "", html)
    html = re.sub(r'<div id="[^"]*" style="[^"]*">', f'<div class="table table-{escape(name)}">', html, count=1)
    return Markup(html)


def drawn_interval(from_share: float | None, to_share: float | None, share: float) -> Markup:
    """A share and its interval (all 0 to 1) on a line from 0 to 100%; nothing where there is no interval."""
    if from_share is None or to_share is None:
        return Markup("")
    low, high, rate = (100 * float(number) for number in (from_share, to_share, share))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="range" viewBox="0 0 100 10" width="100" height="10" '
        'aria-hidden="true"><path d="M0 5H100" stroke="#dfe4e9"/>'
        '<path d="M{:.1f} 5H{:.1f}" stroke="#2171b5" stroke-opacity=".45" stroke-width="4"/>'
        '<circle cx="{:.1f}" cy="5" r="2.6" fill="#08306b"/></svg>'
    ).format(low, high, rate)
