"""What the fake systems share."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.ingestion.connectors.rows import Row
from tests.ingestion.connectors.server import SECRET, Answer, Asked, page_after

PAGE_SIZE = 7


class Fake:
    """A system that holds rows in the shape of their contracts, and gives them in the shape of its API."""

    settings: dict[str, str]
    renamed: tuple[str, str]

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self.rows = rows
        self.adapt()

    def adapt(self) -> None:
        """Give the generated rows the values that only this system knows."""

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def is_authorised(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {SECRET}"


def iso(value: Any) -> str | None:
    """A time with milliseconds and a Z, or a date."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    return value.isoformat() if isinstance(value, date) else None


def epoch(value: datetime | None) -> int | None:
    return None if value is None else int(value.replace(tzinfo=UTC).timestamp())


def at(text: str) -> datetime:
    """A time of a query, without its zone."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def number(value: str | None) -> int | None:
    return None if value is None else int(value)


def amount(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def cursor_page(
    rows: list[Row], key: Callable[[Row], Any], cursor: str | None, size: int = PAGE_SIZE
) -> tuple[list[Row], str | None]:
    """A page after an opaque cursor, and the cursor to go on with."""
    after = tuple(json.loads(bytes.fromhex(cursor))) if cursor else None
    page, has_more = page_after(rows, key, after, size)
    return page, json.dumps(key(page[-1])).encode().hex() if has_more else None
