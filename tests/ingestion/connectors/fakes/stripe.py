"""Stripe: newest first, by the last object's id; parts of an object come with it up to a number."""

import json
from typing import Any

from tests.ingestion.connectors.fakes.base import PAGE_SIZE, Fake, epoch
from tests.ingestion.connectors.rows import Row, record_id
from tests.ingestion.connectors.server import SECRET, Answer, Asked

PARTS_INLINE = 2
INVOICES_WITH_LINES = 9


class System(Fake):
    settings = {"key": SECRET}  # noqa: RUF012
    renamed = ("created", "made")

    def adapt(self) -> None:
        self.events: list[Row] = []
        for table, rows in self.rows.items():
            for index, row in enumerate(rows):
                # Lists don't know when an object was changed.
                row.update({"updated": None} if "updated" in row else {})
                if table == "customers":
                    row["metadata"] = json.dumps({"crm_id": index}, separators=(",", ":"))
                if "discount_amount" in row:
                    row["discount_amount"] = row["discount_amount"] or 0
                if table == "subscription_items":
                    row["is_deleted"] = False
                    row["subscription_id"] = record_id("subscriptions", index % 9)
                if table == "invoices":
                    row["is_deleted"] = None
                    # Lines are given once the invoice is no draft any more.
                    if index < INVOICES_WITH_LINES and row["status"] == "draft":
                        row["status"] = "open"
                if table == "invoice_lines":
                    row["invoice_id"] = record_id("invoices", index % INVOICES_WITH_LINES)

    def answer(self, asked: Asked) -> Answer:
        parts = asked.path.removeprefix("/v1/").split("/")
        match parts:
            case ["events"]:
                return self._page(
                    asked, [one for one in self.events if one["created"] >= int(asked.query["created[gte]"])]
                )
            case ["subscription_items"]:
                return self._page(asked, self._items(asked.query["subscription"]), is_page=False)
            case ["invoices", invoice, "lines"]:
                return self._page(asked, self._lines(invoice), is_page=False)
            case [table]:
                start = int(asked.query.get("created[gte]", 0))
                objects = sorted((self.object(table, row) for row in self._held(table)), key=_newest_first)
                return self._page(asked, [one for one in objects if one["created"] >= start])
            case [table, object_id]:
                for row in self._held(table):
                    if row["id"] == object_id:
                        return Answer(self.object(table, row), is_page=False)
        return Answer({}, status=404)

    def _held(self, table: str) -> list[Row]:
        return [row for row in self.rows[table] if not row.get("is_deleted")]

    def _page(self, asked: Asked, objects: list[Row], *, is_page: bool = True) -> Answer:
        after = asked.query.get("starting_after")
        first = 1 + [one["id"] for one in objects].index(after) if after else 0
        page = objects[first : first + PAGE_SIZE]
        has_more = first + PAGE_SIZE < len(objects)
        return Answer({"object": "list", "data": page, "has_more": has_more, "url": asked.path}, is_page=is_page)

    def change(self, table: str, row: Row, event_type: str, at: int, previous: Row | None = None) -> None:
        """Tell of a change by an event, whose object is of an older version than what the list gives."""
        now = self.object(table, row)
        kept = ("id", "object", "created", "customer", "currency", "charge")
        thing = {"old_shape": True, **{name: now[name] for name in kept if name in now}}
        if event_type == "invoice.upcoming":
            # It is yet to be made.
            del thing["id"]
        data = {"object": thing, **({"previous_attributes": previous} if previous else {})}
        event_id = f"evt_{len(self.events)}"
        self.events.insert(0, {"id": event_id, "object": "event", "type": event_type, "created": at, "data": data})

    def object(self, table: str, row: Row) -> Row:
        shape = SHAPES[table](row)
        whole = {"id": row["id"], "object": OBJECT[table], "created": epoch(row["created"]), "livemode": True, **shape}
        if table == "subscriptions":
            whole["items"] = _inline(self._items(row["id"]))
        if table == "invoices":
            whole["lines"] = _inline(self._lines(row["id"]))
        return whole

    def _items(self, subscription: str) -> list[Row]:
        rows = [row for row in self.rows["subscription_items"] if row["subscription_id"] == subscription]
        return [item(row) for row in rows if not row["is_deleted"]]

    def _lines(self, invoice: str) -> list[Row]:
        return [_line(row) for row in self.rows["invoice_lines"] if row["invoice_id"] == invoice]


OBJECT = {
    "customers": "customer",
    "prices": "price",
    "coupons": "coupon",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
}


def _newest_first(one: Row) -> tuple[int, str]:
    return -one["created"], one["id"]


def _inline(parts: list[Row]) -> Row:
    return {"object": "list", "data": parts[:PARTS_INLINE], "has_more": len(parts) > PARTS_INLINE}


def _picked(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


def _times(row: Row, *names: str) -> Row:
    return {name: epoch(row[name]) for name in names}


def _customer(row: Row) -> Row:
    tax_ids = [{"object": "tax_id", "type": "eu_vat", "value": row["tax_id"]}] if row["tax_id"] else []
    names = ("line1", "city", "postal_code", "country")
    return {
        **_picked(row, "name", "email", "phone", "currency", "delinquent"),
        "address": {name: row[f"address_{name}"] for name in names},
        "tax_ids": {"object": "list", "data": tax_ids, "has_more": False},
        "metadata": json.loads(row["metadata"]),
    }


def _price(row: Row) -> Row:
    names = ("interval", "interval_count", "usage_type")
    return {
        **_picked(row, "nickname", "currency", "unit_amount", "active"),
        "product": row["product_id"],
        "recurring": {name: row[f"recurring_{name}"] for name in names},
    }


def _coupon(row: Row) -> Row:
    return _picked(row, "name", "percent_off", "amount_off", "currency", "duration", "duration_in_months")


def _subscription(row: Row) -> Row:
    times = ("start_date", "trial_start", "trial_end", "current_period_start", "current_period_end")
    discount = {
        "coupon": {"id": row["coupon_id"], "object": "coupon"},
        "start": epoch(row["discount_start"]),
        "end": epoch(row["discount_end"]),
    }
    return {
        "customer": row["customer_id"],
        **_picked(row, "status", "currency", "collection_method", "cancel_at_period_end"),
        **_times(row, *times, "canceled_at", "ended_at"),
        "discount": discount,
        "cancellation_details": {"comment": None, "reason": row["cancellation_reason"]},
        "pause_collection": {"behavior": row["pause_behavior"]} if row["pause_behavior"] else None,
    }


def item(row: Row) -> Row:
    return {
        "id": row["id"],
        "object": "subscription_item",
        "created": epoch(row["created"]),
        "price": {"id": row["price_id"], "object": "price"},
        "quantity": row["quantity"],
    }


def _invoice(row: Row) -> Row:
    plain = ("number", "status", "billing_reason", "currency", "subtotal", "tax", "total", "amount_due", "amount_paid")
    discounts: list[Any] = [{"amount": row["discount_amount"], "discount": "di_1"}] if row["discount_amount"] else []
    return {
        "customer": row["customer_id"],
        "subscription": row["subscription_id"],
        **_picked(row, *plain, "attempt_count"),
        "total_discount_amounts": discounts,
        **_times(row, "period_start", "period_end", "due_date"),
        "status_transitions": _times(row, "finalized_at", "paid_at", "voided_at", "marked_uncollectible_at"),
    }


def _line(row: Row) -> Row:
    return {
        "id": row["id"],
        "object": "line_item",
        "subscription": row["subscription_id"],
        "subscription_item": row["subscription_item_id"],
        "price": {"id": row["price_id"]} if row["price_id"] else None,
        **_picked(row, "description", "quantity", "amount", "currency", "proration"),
        "discount_amounts": [{"amount": row["discount_amount"]}] if row["discount_amount"] else [],
        "period": {"start": epoch(row["period_start"]), "end": epoch(row["period_end"])},
    }


def _charge(row: Row) -> Row:
    plain = ("amount", "amount_refunded", "currency", "status", "failure_code", "disputed")
    return {"customer": row["customer_id"], "invoice": row["invoice_id"], **_picked(row, *plain)}


def _of_charge(row: Row) -> Row:
    return {"charge": row["charge_id"], **_picked(row, "amount", "currency", "reason", "status")}


SHAPES = {
    "customers": _customer,
    "prices": _price,
    "coupons": _coupon,
    "subscriptions": _subscription,
    "invoices": _invoice,
    "charges": _charge,
    "refunds": _of_charge,
    "disputes": _of_charge,
}
