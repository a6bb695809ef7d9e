"""Rows that a contract accepts, and rows made comparable whatever way they came."""

import json
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.contracts import Column, Contract

Row = dict[str, Any]
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC).replace(tzinfo=None)
# More rows than a page of the fake systems holds share this place in time.
PLATEAU = range(20, 30)


def rows_of(contracts: Mapping[str, Contract], count: int = 40) -> dict[str, list[Row]]:
    """`count` rows for each table, the same each time: keys are unique, references point at rows that are there."""
    rng = random.Random(7)
    tables: dict[str, list[Row]] = {}
    for table, contract in contracts.items():
        tables[table] = [_row(contract, index, rng, count) for index in range(count)]
    return tables


def _row(contract: Contract, index: int, rng: random.Random, count: int) -> Row:
    row: Row = {}
    for column in contract.columns:
        meta = column.meta
        if column.name == contract.meta.key[0] == "id":
            row[column.name] = record_id(contract.table, index)
        elif not meta.required and column.name not in contract.meta.key and rng.random() < 0.25:
            row[column.name] = None
        elif meta.references:
            row[column.name] = record_id(meta.references.split(".")[0], rng.randrange(count))
        else:
            row[column.name] = _value(column, index, rng)
    return row


def record_id(table: str, index: int) -> str:
    """The id of a table's row: digits, as most systems have them."""
    return f"{sum(map(ord, table)) % 90 + 10}{index:08}"


def _value(column: Column, index: int, rng: random.Random) -> Any:
    meta = column.meta
    if meta.accepted_values:
        return rng.choice(meta.accepted_values)
    if meta.currency:
        return {"upper": "EUR", "lower": "eur"}[meta.currency]
    match column.data_type:
        case "timestamp":
            # What changes a record comes after what made it; some records share a moment.
            place = PLATEAU.start if index in PLATEAU else index // 2
            late = timedelta(days=1) if column.name.startswith(("up", "hs_last", "last", "system")) else timedelta()
            return START + timedelta(hours=place) + late
        case "date":
            return date(2026, 1, 1) + timedelta(days=rng.randrange(400))
        case "boolean":
            return rng.random() < 0.5
        case "bigint" | "integer":
            return rng.randrange(1, 11)
        case "double":
            return rng.randrange(1, 100) / 2
        case "varchar":
            return f"{column.name} {index} {rng.choice(('ä', 'ß', 'Zoë', '“quoted”', 'a,b'))}"
        case _:
            return Decimal(rng.randrange(1, 100_000)) / 100


def comparable(rows: Iterable[Row], contract: Contract, columns: Iterable[str]) -> list[tuple[Any, ...]]:
    """Rows as the contract's types have them, sorted; a column that a row lacks is empty."""
    types = {column.name: column.data_type for column in contract.columns}
    wanted = [name for name in types if name in set(columns)]
    return sorted((tuple(_typed(row.get(name), types[name]) for name in wanted) for row in rows), key=repr)


def _typed(value: Any, data_type: str) -> Any:
    if value is None:
        return None
    match data_type:
        case "timestamp":
            time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
        case "date":
            return value if isinstance(value, date) else date.fromisoformat(value[:10])
        case "boolean":
            return {"true": True, "false": False}.get(str(value).lower())
        case "bigint" | "integer":
            return int(value)
        case "double":
            return float(value)
        case "varchar":
            return value
        case _:
            return Decimal(str(value)).quantize(Decimal("0.0001"))


def read_lines(path: Any) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
