"""Rows of a query as the command line prints them."""

import sys
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_rows(columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """A table on standard output, numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    numeric = [all(isinstance(row[i], int | float | Decimal | None) for row in rows) for i in range(len(columns))]
    for column, is_numeric in zip(columns, numeric, strict=True):
        table.add_column(Text(column), no_wrap=True, justify="right" if is_numeric else "left")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    # Wider than the terminal, so that no value is ever cut.
    wide = Console(file=sys.stdout, width=100_000, highlight=False)
    wide.print(table, width=wide.measure(table).maximum)
