"""Shopify Admin API: customers, orders with all that hangs on them, and abandoned checkouts, by the time of a change.

sources.yml: `shopify: {api: {base_url: "https://acme.myshopify.com", token: "${SHOPIFY_TOKEN}"}}`, the token of a
custom app that may read customers and all orders.
https://shopify.dev/docs/api/admin-rest

What befell parcels is asked for by GraphQL, 250 parcels a request: an order doesn't tell it, and by REST each parcel
would cost a request of its own. At Shopify's smallest plan a first reading of 64,000 orders takes about 10 minutes.
https://shopify.dev/docs/api/admin-graphql/2024-10/objects/Fulfillment
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from dlt.sources.helpers.rest_client.auth import APIKeyAuth
from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator

from ingestion.connectors.client import Api
from ingestion.connectors.endpoints import ApiError, Connector, Endpoint, Field, Record, Setting, Table, iso

VERSION = "/admin/api/2024-10"
# Also the most records that a query may name.
PAGE_SIZE = 250
PARCELS = """
query ($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Fulfillment { legacyResourceId estimatedDeliveryAt deliveredAt } }
}
"""
UNTOLD: Record = {"estimatedDeliveryAt": None, "deliveredAt": None}
# A query costs points, which come back with time.
TRIES_TO_ASK, LONGEST_WAIT = 6, 30.0


def _changed(kind: str, **params: str) -> Callable[[Api, datetime | None], Iterator[list[Record]]]:
    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        start = {"updated_at_min": iso(since)} if since else {}
        asked = {"limit": PAGE_SIZE, "order": "updated_at asc", **params, **start}
        return api.pages(f"{VERSION}/{kind}.json", kind, HeaderLinkPaginator(), params=asked)

    return read


def _checkouts(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    for status in ("open", "closed"):
        yield from _changed("checkouts", status=status)(api, since)


def _lines(order: Record, api: Api) -> Iterable[Record]:
    return [{**line, "order_id": order["id"]} for line in order["line_items"]]


def _refunds(order: Record, api: Api) -> Iterable[Record]:
    for refund in order["refunds"]:
        for line in refund["refund_line_items"]:
            yield {**line, "refund_id": refund["id"], "created_at": refund["created_at"]}


def _orders(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    """Orders, with what befell those parcels of which a carrier has told anything."""
    for page in _changed("orders", status="any")(api, since):
        parcels = [parcel for order in page for parcel in order["fulfillments"]]
        ids = [str(parcel["id"]) for parcel in parcels if parcel["shipment_status"]]
        told: dict[str, Record] = {}
        for first in range(0, len(ids), PAGE_SIZE):
            told |= _told(api, ids[first : first + PAGE_SIZE])
        yield [
            {**order, "fulfillments": [{**one, **told.get(str(one["id"]), UNTOLD)} for one in order["fulfillments"]]}
            for order in page
        ]


def _told(api: Api, ids: Sequence[str]) -> dict[str, Record]:
    """What carriers have told of parcels."""
    query = {"query": PARCELS, "variables": {"ids": [f"gid://shopify/Fulfillment/{one}" for one in ids]}}
    for _ in range(TRIES_TO_ASK):
        (answer,) = api.once(f"{VERSION}/graphql.json", body=query)
        errors = answer.get("errors", [])
        if not errors:
            return {node["legacyResourceId"]: node for node in answer["data"]["nodes"] if node}
        if any(error.get("extensions", {}).get("code") != "THROTTLED" for error in errors):
            refused = "it refuses to tell what befell parcels; check what the `token` of shopify may read"
            raise ApiError(refused, is_sound=True)
        cost = answer["extensions"]["cost"]
        points = cost["throttleStatus"]
        lacking = max(cost["requestedQueryCost"] - points["currentlyAvailable"], 1)
        time.sleep(min(lacking / points["restoreRate"], LONGEST_WAIT))
    raise ApiError("it asks for more patience, again and again; run again later", is_sound=True)


def _parcels(order: Record, api: Api) -> Iterable[Record]:
    parcels: list[Record] = order["fulfillments"]
    return parcels


def _codes(codes: list[Record]) -> str:
    return ",".join(code["code"] for code in codes)


def _is_subscribed(state: Any) -> bool:
    return bool(state == "subscribed")


CUSTOMERS = Table(
    "customers",
    {
        "id": "id",
        "email": "email",
        "phone": "phone",
        "first_name": "first_name",
        "last_name": "last_name",
        # A customer without an address has no such key.
        "default_address_address_1": Field("default_address.address1", may_lack=True),
        "default_address_city": Field("default_address.city", may_lack=True),
        "default_address_zip": Field("default_address.zip", may_lack=True),
        "default_address_country_code": Field("default_address.country_code", may_lack=True),
        "accepts_marketing": Field("email_marketing_consent.state", _is_subscribed),
        "state": "state",
        "tags": "tags",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
    absent=("merged_into_id",),
)
ORDERS = Table(
    "orders",
    {
        "id": "id",
        "name": "name",
        # A sale at the counter has no such key.
        "customer_id": Field("customer.id", may_lack=True),
        "email": "email",
        "phone": "phone",
        "currency": "currency",
        "subtotal_price": "subtotal_price",
        "total_discounts": "total_discounts",
        "total_shipping": "total_shipping_price_set.shop_money.amount",
        "total_tax": "total_tax",
        "total_price": "total_price",
        "financial_status": "financial_status",
        "fulfillment_status": "fulfillment_status",
        "discount_codes": Field("discount_codes", _codes),
        "source_name": "source_name",
        "shipping_address_zip": Field("shipping_address.zip", may_lack=True),
        "shipping_address_country_code": Field("shipping_address.country_code", may_lack=True),
        "test": "test",
        "cancelled_at": "cancelled_at",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
ORDER_LINES = Table(
    "order_lines",
    {
        "id": "id",
        "order_id": "order_id",
        "product_id": "product_id",
        "sku": "sku",
        "title": "title",
        "quantity": "quantity",
        "price": "price",
        "total_discount": "total_discount",
    },
    rows=_lines,
)
REFUNDS = Table(
    "order_line_refunds",
    {
        "id": "id",
        "refund_id": "refund_id",
        "order_line_id": "line_item_id",
        "quantity": "quantity",
        "subtotal": "subtotal",
        "restock_type": "restock_type",
        "created_at": "created_at",
    },
    rows=_refunds,
)
FULFILLMENTS = Table(
    "fulfillments",
    {
        "id": "id",
        "order_id": "order_id",
        "status": "status",
        "shipment_status": "shipment_status",
        "estimated_delivery_at": "estimatedDeliveryAt",
        "delivered_at": "deliveredAt",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
    rows=_parcels,
)
CHECKOUTS = Table(
    "abandoned_checkouts",
    {
        "id": "id",
        "customer_id": Field("customer.id", may_lack=True),
        "email": "email",
        "currency": "currency",
        "total_price": "total_price",
        "completed_at": "completed_at",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)

CONNECTOR = Connector(
    hosts=("*.myshopify.com",),
    settings=(Setting("base_url"), Setting("token", is_secret=True)),
    auth=lambda settings: APIKeyAuth("X-Shopify-Access-Token", settings["token"], "header"),
    endpoints=(
        Endpoint((CUSTOMERS,), _changed("customers"), ordered_by="updated_at"),
        Endpoint((ORDERS, ORDER_LINES, REFUNDS, FULFILLMENTS), _orders, ordered_by="updated_at"),
        Endpoint((CHECKOUTS,), _checkouts),
    ),
)
