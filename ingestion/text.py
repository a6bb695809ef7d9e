"""Small helpers for the sentences that people read and the SQL that DuckDB reads."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches


def ident(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as a quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


def sql_value(value: str | int | date | None) -> str:
    """`value` as SQL. DuckDB imports pandas (2 s) at the first bound parameter, so our small values are written out."""
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return f"timestamp {literal(value.isoformat(sep=' '))}"
    if isinstance(value, date):
        return f"date {literal(value.isoformat())}"
    return literal(value) if isinstance(value, str) else str(value)


def listed(names: Iterable[str], *, most: int = 30) -> str:
    """`a, b, c`, cut after `most` names."""
    given = list(names)
    rest = f" and {len(given) - most} more" if len(given) > most else ""
    return ", ".join(given[:most]) + rest


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` where a known word is near, else nothing."""
    by_folded = {word.casefold(): word for word in known}
    near = get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=0.6)
    return f" (did you mean '{by_folded[near[0]]}'?)" if near else ""


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key by which `part_2` comes before `part_10`."""
    return [(int(digits), "") if digits else (-1, text) for digits, text in re.findall(r"(\d+)|(\D+)", name)]


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
