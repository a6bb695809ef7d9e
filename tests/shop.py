"""A small shop whose order lines the tests know: seeded, with everything that a real export has."""

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

CANARY_EMAIL = "canary.person@example.org"
CANARY_NAME = "Canary Birdsong"
CUSTOMERS = 120
FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2024, 6, 20)

SOURCES = """\
sources:
  files:
    order_lines:
      path: {pattern}
      columns:
        order_id: order_id
        line_id: line_id
        customer_id: customer_id
        ordered_at: ordered_at
        product_id: product_id
        quantity: quantity
        unit_price: unit_price
        currency: currency
        is_cancellation: is_cancellation
        country: country
"""
CUSTOMER_SOURCES = """\
    customers:
      path: customers.csv
      columns:
        customer_id: customer_id
        customer_name: name
        email: email
        country: country
"""


def order_lines(seed: int = 5) -> list[dict[str, Any]]:
    """About 900 lines: orders of one to three lines, some cancelled, some without a customer, some free."""
    random = Random(seed)
    rows: list[dict[str, Any]] = []
    for customer in range(CUSTOMERS):
        day = FIRST_DAY + timedelta(days=random.randrange(100))
        while day <= LAST_DAY:
            rows += _order(random, f"c{customer:03}" if customer % 20 else None, day, f"o{len(rows):05}")
            if random.random() < 0.35:
                break
            day += timedelta(days=random.randrange(5, 60))
    # The newest line fixes the default as-of date.
    rows += _order(random, "c001", LAST_DAY, "o99999")
    return rows


def _order(random: Random, customer: str | None, day: date, order_id: str) -> list[dict[str, Any]]:
    at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=random.randrange(60 * 22))
    lines: list[dict[str, Any]] = []
    for number in range(random.randrange(1, 4)):
        price = "0" if random.random() < 0.03 else f"{random.randrange(100, 9000) / 100:.2f}"
        lines.append(
            {
                "order_id": order_id,
                "line_id": f"{order_id}-{number}",
                "customer_id": customer,
                "ordered_at": at.isoformat(sep=" "),
                "product_id": f"p{random.randrange(30)}",
                "quantity": random.randrange(1, 6),
                "unit_price": price,
                "currency": "EUR",
                "is_cancellation": False,
                "country": ["France", "Germany", "Spain"][random.randrange(3)],
            }
        )
    if random.random() < 0.08 and day < LAST_DAY:
        back = {**lines[0], "order_id": f"r{order_id}", "line_id": f"r{order_id}", "is_cancellation": True}
        back["ordered_at"] = (at + timedelta(minutes=45)).isoformat(sep=" ")
        lines.append(back)
    return lines


def write_shop(folder: Path, rows: list[dict[str, Any]] | None = None, name: str = "orders.csv") -> Path:
    """Write orders and customers as CSV with a sources.yml, whose path is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / name, order_lines() if rows is None else rows)
    people = [
        {
            "customer_id": f"c{number:03}",
            "name": CANARY_NAME if number == 1 else f"Person {number}",
            "email": CANARY_EMAIL if number == 1 else f"p{number}@example.org",
            "country": "France",
        }
        for number in range(CUSTOMERS)
    ]
    pl.DataFrame(people).write_csv(folder / "customers.csv")
    path = folder / "sources.yml"
    path.write_text(SOURCES.format(pattern="orders*.csv") + CUSTOMER_SOURCES)
    return path


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
