"""The page of the canonical tables, made from their contracts: `make docs` writes it."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ingestion.check import Marts, read_marts
from ingestion.contracts import Column, Contract, Contracts, read_contracts
from ingestion.home import PROJECT_ROOT

PAGE = PROJECT_ROOT / "ingestion" / "canonical_tables.md"
TYPES = {
    "varchar": "text",
    "timestamp": "time",
    "boolean": "true or false",
    "bigint": "whole number",
    "integer": "whole number",
    "double": "number",
}
INTRODUCTION = """\
# Canonical tables

What you have as files, whatever system it is from, comes in as one of these tables. Connect as few as you like: what
isn't there lowers what can be said, and breaks nothing. The page is written by `make docs`, from the
[contracts](../dbt_project/models/staging/files/_files__sources.yml) by which rows are judged.

**Map.** A `sources.yml` says where the files of a table are (`path`: relative to it, may hold `*` and `${VARIABLES}`;
CSV, Parquet or JSON lines) and what makes each of its columns (`columns`): the name of a column of the file, or a
[DuckDB expression](https://duckdb.org/docs/stable/sql/functions/overview) over them. `_row` is the row's number in the
file. Leave out what you don't have, unless it is needed.

```yaml
sources:
  files:
    tickets:
      path: helpdesk/tickets_*.csv
      columns:
        ticket_id: Number
        customer_id: Account
        channel: lower(Channel)
        status: case State when 'Done' then 'solved' when 'New' then 'new' else 'open' end
        created_at: try_strptime(Opened, '%d.%m.%Y %H:%M')
        updated_at: try_strptime(Changed, '%d.%m.%Y %H:%M')
```

**Check.** `tenure check --sources sources.yml` says row by row what would come in, and loads nothing.

**Bad rows.** A row that lacks a needed value, or has one of another type or outside of what is accepted, goes to
quarantine with its reason; the others go on. Mend it at the source and deliver the file again. Where most rows have
the wrong type in a column, the file is refused.

**Again.** The same row twice is loaded once. A row with a known key replaces the earlier one, which is kept as
history. Times without a zone are UTC; `2026-05-04T09:30:00+02:00` becomes UTC.

## Where to start

| You want to know | Connect | Then add |
| --- | --- | --- |
| who buys again, when, and what it is worth | `order_lines`, or `orders` if you have totals only | `customers` |
| what recurs, who leaves, what renews | `subscriptions` | `invoices`, `customers` |
| who uses the product, and how deeply | `usage_events` | `people`, `customers` |
| where customers struggle | `tickets`, `survey_responses` | `customers`, `people` |
| whom you reach, and who answers | `messages`, `meetings` | `people`, `contact_roles` |
| what your team did, and whether it helped | `interventions` | `milestones` |

Use the same customer ids in all of them, or the ids of a system that is connected too (`id_system`, where there is
one).
"""


# What a raw table holds besides; a file has a row for each record.
VERSIONS = re.compile(r", in each (version|state) that was received")


def canonical_tables(contracts: Contracts, dbt_manifest: Path) -> str:
    """The page as Markdown: how to map, where to start, and each table with its columns."""
    marts, _ = read_marts(dbt_manifest)
    meanings = _meanings(dbt_manifest)
    tables = [contract for contract in contracts.values() if contract.source == "files"]
    sections = [_section(table, marts["files", table.table], meanings[table.table]) for table in tables]
    return "\n".join([INTRODUCTION, _overview(tables, marts), *sections])


def _meanings(dbt_manifest: Path) -> dict[str, dict[str, str]]:
    """Canonical table → column → its description."""
    sources = json.loads(dbt_manifest.read_text())["sources"].values()
    return {
        node["name"]: {name: column["description"] for name, column in node["columns"].items()}
        for node in sources
        if node["source_name"] == "files"
    }


def _overview(tables: Iterable[Contract], marts: Marts) -> str:
    lines = ["## The tables", "", "| Table | One row per | Needed columns |", "| --- | --- | --- |"]
    for table in tables:
        grain = _grain(table).removeprefix("One row per ").removesuffix(".")
        lines.append(f"| [`{table.table}`](#{table.table}) | {grain} | {_names(table.required_columns)} |")
    unread = [table.table for table in tables if not marts["files", table.table]]
    if unread:
        lines += ["", f"No mart reads these yet; they are loaded, checked and kept: {_names(unread)}."]
    return "\n".join([*lines, ""])


def _section(table: Contract, marts: Sequence[str], meanings: Mapping[str, str]) -> str:
    lines = [f"## {table.table}", "", _grain(table), "", *_facts(table, marts), ""]
    lines += ["| Column | Type | Needed | Accepted | Meaning |", "| --- | --- | --- | --- | --- |"]
    for column in table.columns:
        kind = TYPES.get(column.data_type, column.data_type.partition("(")[0])
        needed = "yes" if column.meta.required else ""
        cells = [f"`{column.name}`", kind, needed, "; ".join(_accepted(column)), meanings[column.name]]
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _grain(table: Contract) -> str:
    return VERSIONS.sub("", table.description)


def _facts(table: Contract, marts: Sequence[str]) -> Iterator[str]:
    meta = table.meta
    yield f"- **Enables:** {meta.enables}. Marts today: {_names(marts) if marts else 'none yet'}."
    key = f"- **Key:** {_names(meta.key)}"
    if meta.key_without_id:
        key += f"; without `{table.line_id}`, {_names(meta.key_without_id)} and the place among the same in the file"
    yield f"{key}."
    later = "what comes later"
    yield f"- **Newest wins:** {f'by `{meta.version}`; without it, {later}' if meta.version else later}."
    if meta.is_critical:
        yield "- **Critical:** once connected, nothing is published while it is refused, stale or shrunken."
    for rule in meta.rules:
        yield f"- **Bad row, too:** {rule.reason}."


def _accepted(column: Column) -> Iterator[str]:
    meta = column.meta
    if meta.accepted_values is not None:
        yield _names(meta.accepted_values)
    if meta.pattern is not None:
        yield f"`{meta.pattern}`"
    if meta.currency is not None:
        yield "a code of ISO 4217, in " + ("capitals" if meta.currency == "upper" else "small letters")
    if meta.min is not None and meta.max is not None:
        yield f"{_bound(meta.min)} to {_bound(meta.max)}"
    elif meta.min is not None:
        yield f"{_bound(meta.min)} or later" if isinstance(meta.min, str) else f"{_bound(meta.min)} or more"
    elif meta.max is not None:
        yield f"{_bound(meta.max)} or earlier" if isinstance(meta.max, str) else f"{_bound(meta.max)} or less"
    if meta.not_after_received:
        yield "not in the future"


def _bound(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    manifest = Path(sys.argv[1])
    PAGE.write_text(canonical_tables(read_contracts(PROJECT_ROOT / "dbt_project"), manifest), encoding="utf-8")
