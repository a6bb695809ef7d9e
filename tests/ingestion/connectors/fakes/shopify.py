"""Shopify: pages linked by a header; an order holds its lines, refunds and parcels."""

from urllib.parse import urlencode

from tests.ingestion.connectors.fakes.base import Fake, amount, at, cursor_page, iso, number
from tests.ingestion.connectors.rows import Row
from tests.ingestion.connectors.server import SECRET, Answer, Asked

PARCELS_AT_ONCE = 250
MONEY = ("subtotal_price", "total_discounts", "total_tax", "total_price")


class System(Fake):
    settings = {"token": SECRET}  # noqa: RUF012
    renamed = ("currency", "money")

    def adapt(self) -> None:
        for row in self.rows["orders"]:
            row["discount_codes"] = "TEN,VIP" if row["discount_codes"] else ""
        for row in self.rows["customers"]:
            row["accepts_marketing"] = bool(row["accepts_marketing"])
        for row in self.rows["fulfillments"]:
            if row["shipment_status"] is None:
                row["estimated_delivery_at"] = row["delivered_at"] = None

    def is_authorised(self, headers: dict[str, str]) -> bool:
        return headers.get("x-shopify-access-token") == SECRET

    def answer(self, asked: Asked) -> Answer:
        kind = asked.path.removeprefix("/admin/api/2024-10/").removesuffix(".json")
        if kind == "orders":
            return self._page(asked, kind, [(row, self._order(row)) for row in self.rows["orders"]])
        if kind == "customers":
            return self._page(asked, kind, [(row, _customer(row)) for row in self.rows["customers"]])
        if kind == "checkouts":
            rows = self.rows["abandoned_checkouts"]
            return self._page(asked, kind, [(row, _checkout(row)) for row in rows])
        assert (asked.method, kind) == ("POST", "graphql")
        return Answer(self.told(asked.body["variables"]["ids"]), is_page=False)

    def told(self, ids: list[str]) -> Row:
        """What befell parcels; nothing for an id that it doesn't know."""
        assert len(ids) <= PARCELS_AT_ONCE
        parcels = {f"gid://shopify/Fulfillment/{row['id']}": _node(row) for row in self.rows["fulfillments"]}
        return {"data": {"nodes": [parcels.get(one) for one in ids]}, **points(requested=len(ids), available=1000)}

    def _page(self, asked: Asked, kind: str, pairs: list[tuple[Row, Row]]) -> Answer:
        status = asked.query.get("status", "")
        since = asked.query.get("updated_at_min")
        if "page_info" in asked.query:
            status, _, since = bytes.fromhex(asked.query["page_info"].split("-")[1]).decode().partition("|")
        else:
            assert asked.query["order"] == "updated_at asc"
        if kind == "checkouts":
            pairs = [pair for pair in pairs if (pair[0]["completed_at"] is not None) == (status == "closed")]
        pairs = [pair for pair in pairs if not since or pair[0]["updated_at"] >= at(since)]
        cursor = asked.query.get("page_info", "").split("-")[0] or None
        records = [{"_key": (iso(row["updated_at"]), row["id"]), **record} for row, record in pairs]
        page, more = cursor_page(records, lambda record: tuple(record["_key"]), cursor)
        info = f"{more}-{'|'.join((status, since or '')).encode().hex()}"
        address = f"{asked.origin}{asked.path}?{urlencode({'limit': 250, 'page_info': info})}"
        links = {"Link": f'<{address}>; rel="next"'} if more else {}
        return Answer({kind: [{key: value for key, value in one.items() if key != "_key"} for one in page]}, links)

    def _order(self, row: Row) -> Row:
        lines = [line for line in self.rows["order_lines"] if line["order_id"] == row["id"]]
        refunds = [
            one for one in self.rows["order_line_refunds"] if one["order_line_id"] in {line["id"] for line in lines}
        ]
        parcels = [one for one in self.rows["fulfillments"] if one["order_id"] == row["id"]]
        plain = ("name", "email", "phone", "currency", "financial_status", "fulfillment_status", "source_name", "test")
        return {
            "id": int(row["id"]),
            **{name: row[name] for name in plain},
            **{name: amount(row[name]) for name in MONEY},
            "total_shipping_price_set": {
                "shop_money": {"amount": amount(row["total_shipping"]), "currency_code": "EUR"}
            },
            "discount_codes": [{"code": code, "amount": "1.00"} for code in row["discount_codes"].split(",") if code],
            "shipping_address": {
                "zip": row["shipping_address_zip"],
                "country_code": row["shipping_address_country_code"],
            },
            **_customer_of(row),
            **{name: iso(row[name]) for name in ("cancelled_at", "created_at", "updated_at")},
            "line_items": [_line(line) for line in lines],
            "refunds": [_refund(refund) for refund in refunds],
            "fulfillments": [_parcel(parcel) for parcel in parcels],
        }


def _customer_of(row: Row) -> Row:
    return {"customer": {"id": int(row["customer_id"])}} if row["customer_id"] else {}


def _customer(row: Row) -> Row:
    names = {"address_1": "address1", "city": "city", "zip": "zip", "country_code": "country_code"}
    return {
        "id": int(row["id"]),
        **{name: row[name] for name in ("email", "phone", "first_name", "last_name", "state", "tags")},
        "default_address": {new: row[f"default_address_{old}"] for old, new in names.items()},
        "email_marketing_consent": {"state": "subscribed" if row["accepts_marketing"] else "not_subscribed"},
        "currency": "EUR",
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
    }


def _line(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        **{name: row[name] for name in ("product_id", "sku", "title", "quantity")},
        "price": amount(row["price"]),
        "total_discount": amount(row["total_discount"]),
    }


def _refund(row: Row) -> Row:
    line = {
        "id": int(row["id"]),
        "line_item_id": int(row["order_line_id"]),
        "quantity": row["quantity"],
        "subtotal": float(row["subtotal"]),
        "restock_type": row["restock_type"],
    }
    return {"id": row["refund_id"], "created_at": iso(row["created_at"]), "refund_line_items": [line]}


def _parcel(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        "order_id": number(row["order_id"]),
        "status": row["status"],
        "shipment_status": row["shipment_status"],
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
    }


def _node(row: Row) -> Row:
    return {
        "legacyResourceId": row["id"],
        "estimatedDeliveryAt": iso(row["estimated_delivery_at"]),
        "deliveredAt": iso(row["delivered_at"]),
    }


def points(requested: int, available: int) -> Row:
    """What a query costs, and what there is to pay with."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    return {"extensions": {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}}


def _checkout(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        "token": "a-basket",
        "email": row["email"],
        "currency": row["currency"],
        "total_price": amount(row["total_price"]),
        **_customer_of(row),
        **{name: iso(row[name]) for name in ("completed_at", "created_at", "updated_at")},
    }
