"""Stripe: lists, and from the second run on only what the events of the last days say has changed.

sources.yml: `stripe: {api: {key: "${STRIPE_KEY}"}}`, a restricted key that may read.
Lists know when an object was created, not when it was changed, so what can change is found by its events. They are
kept for 30 days; after a longer pause everything is read again.
https://docs.stripe.com/api
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from dlt.sources.helpers.requests import Request, Response
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from ingestion.connectors.client import Api
from ingestion.connectors.endpoints import (
    ApiError,
    Connector,
    Endpoint,
    Field,
    Fields,
    Record,
    Setting,
    Table,
    epoch,
    found,
    from_epoch,
)

PAGE_SIZE = 100
# A day less than Stripe keeps them.
EVENTS_KEPT = timedelta(days=29)
MISSING = 404
DRAFT = "draft"
Reader = Callable[[Api, datetime | None], Iterator[list[Record]]]


class _ListPaginator(BasePaginator):
    """The next page is what follows the last object, by its id."""

    def __init__(self) -> None:
        super().__init__()
        self._last = ""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        self._has_next_page = bool(response.json()["has_more"] and data)
        if data:
            self._last = data[-1]["id"]

    def update_request(self, request: Request) -> None:
        params: Any = request.params
        params["starting_after"] = self._last


def _all(api: Api, path: str, **params: Any) -> Iterator[list[Record]]:
    return api.pages(path, "data", _ListPaginator(), params={"limit": PAGE_SIZE, **params})


def _list(path: str, **params: Any) -> Reader:
    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        return _all(api, path, **params)

    return read


def _created(path: str) -> Reader:
    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        return _all(api, path, **({"created[gte]": epoch(since)} if since else {}))

    return read


def _changed(path: str, kind: str, events: str, **params: Any) -> Reader:
    """Objects that events speak of, as they are now: an event shows its object as an older API version had it."""

    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        if since is None or since < api.read_at - EVENTS_KEPT:
            yield from _all(api, path, **params)
            return
        changed: dict[str, Record] = {}
        for page in _all(api, "/v1/events", type=events, **{"created[gte]": epoch(since)}):
            for event in page:
                thing = event["data"]["object"]
                # A dispute or a refund changes its charge. An invoice that is yet to come can't be asked for.
                object_id = thing.get("id") if thing["object"] == kind else thing.get(kind)
                if not object_id or event["type"] == "invoice.upcoming":
                    continue
                # Newest first.
                known = changed.setdefault(object_id, {"updated": event["created"], "taken_off": [], "gone": None})
                items = found(event["data"].get("previous_attributes") or {}, ("items", "data"))
                known["taken_off"] += items if isinstance(items, list) else []
                if event["type"] == "invoice.deleted":
                    known["gone"] = thing
        for object_id, news in changed.items():
            yield [_gone(news)] if news["gone"] else [{**one, **news} for one in _one(api, f"{path}/{object_id}")]

    return read


def _one(api: Api, path: str) -> list[Record]:
    """An object; nothing where it was deleted since its events were read, of which the next run's events tell."""
    try:
        return api.once(path)
    except ApiError as error:
        answer = getattr(error.__context__, "response", None)
        if answer is None or answer.status_code != MISSING:
            raise
        return []


def _gone(news: Record) -> Record:
    """The last version of a draft that was deleted. Of its event is taken only what any API version has."""
    paths = (field.path if isinstance(field, Field) else field for field in INVOICES.fields.values())
    known = {name: news["gone"][name] for name in ("id", "customer", "currency", "created")}
    return (
        {path.split(".")[0]: None for path in paths}
        | known
        | {
            "status": DRAFT,
            "is_deleted": True,
            "updated": news["updated"],
        }
    )


def _items(subscription: Record, api: Api) -> Iterable[Record]:
    items = subscription["items"]["data"]
    if subscription["items"]["has_more"]:
        items = [item for page in _all(api, "/v1/subscription_items", subscription=subscription["id"]) for item in page]
    held = {item["id"] for item in items}
    taken_off = {item["id"]: item for item in subscription.get("taken_off", []) if item["id"] not in held}
    for item in [*items, *taken_off.values()]:
        yield {
            **item,
            "subscription": subscription["id"],
            "is_deleted": item["id"] in taken_off,
            "updated": subscription.get("updated"),
        }


def _lines(invoice: Record, api: Api) -> Iterable[Record]:
    """The lines of an invoice from when it is finalised on: in a draft they come and go, and nothing tells which."""
    if invoice["status"] == DRAFT:
        return []
    lines = invoice["lines"]["data"]
    if invoice["lines"]["has_more"]:
        lines = [line for page in _all(api, f"/v1/invoices/{invoice['id']}/lines") for line in page]
    return [{**line, "invoice": invoice["id"]} for line in lines]


def _total(amounts: list[Record]) -> int:
    return sum(int(amount["amount"]) for amount in amounts)


def _time(path: str) -> Field:
    return Field(path, from_epoch)


CREATED: Fields = {"id": "id", "created": _time("created")}
# Set where an event brought the object, else empty.
CHANGED: Fields = {**CREATED, "updated": Field("updated", from_epoch, may_lack=True)}
CUSTOMERS = Table(
    "customers",
    {
        **CHANGED,
        "name": "name",
        "email": "email",
        "phone": "phone",
        "address_line1": "address.line1",
        "address_city": "address.city",
        "address_postal_code": "address.postal_code",
        "address_country": "address.country",
        "currency": "currency",
        "tax_id": Field("tax_ids.data", lambda ids: ids[0]["value"] if ids else None),
        "delinquent": "delinquent",
        "metadata": "metadata",
    },
)
PRICES = Table(
    "prices",
    {
        **CHANGED,
        "product_id": "product",
        "nickname": "nickname",
        "currency": "currency",
        "unit_amount": "unit_amount",
        "recurring_interval": "recurring.interval",
        "recurring_interval_count": "recurring.interval_count",
        "recurring_usage_type": "recurring.usage_type",
        "active": "active",
    },
)
COUPONS = Table(
    "coupons",
    {
        **CREATED,
        "name": "name",
        "percent_off": "percent_off",
        "amount_off": "amount_off",
        "currency": "currency",
        "duration": "duration",
        "duration_in_months": "duration_in_months",
    },
)
SUBSCRIPTIONS = Table(
    "subscriptions",
    {
        **CHANGED,
        "customer_id": "customer",
        "status": "status",
        "currency": "currency",
        "collection_method": "collection_method",
        "coupon_id": "discount.coupon.id",
        "discount_start": _time("discount.start"),
        "discount_end": _time("discount.end"),
        "start_date": _time("start_date"),
        "trial_start": _time("trial_start"),
        "trial_end": _time("trial_end"),
        "current_period_start": _time("current_period_start"),
        "current_period_end": _time("current_period_end"),
        "cancel_at_period_end": "cancel_at_period_end",
        "canceled_at": _time("canceled_at"),
        "ended_at": _time("ended_at"),
        "cancellation_reason": "cancellation_details.reason",
        "pause_behavior": "pause_collection.behavior",
    },
)
SUBSCRIPTION_ITEMS = Table(
    "subscription_items",
    {
        **CHANGED,
        "subscription_id": "subscription",
        "price_id": "price.id",
        "quantity": Field("quantity", may_lack=True),
        "is_deleted": "is_deleted",
    },
    rows=_items,
)
INVOICES = Table(
    "invoices",
    {
        **CHANGED,
        "customer_id": "customer",
        "subscription_id": "subscription",
        "number": "number",
        "status": "status",
        "billing_reason": "billing_reason",
        "currency": "currency",
        "subtotal": "subtotal",
        "discount_amount": Field("total_discount_amounts", _total),
        "tax": "tax",
        "total": "total",
        "amount_due": "amount_due",
        "amount_paid": "amount_paid",
        "attempt_count": "attempt_count",
        "period_start": _time("period_start"),
        "period_end": _time("period_end"),
        "due_date": _time("due_date"),
        "finalized_at": _time("status_transitions.finalized_at"),
        "paid_at": _time("status_transitions.paid_at"),
        "voided_at": _time("status_transitions.voided_at"),
        "marked_uncollectible_at": _time("status_transitions.marked_uncollectible_at"),
        "is_deleted": Field("is_deleted", may_lack=True),
    },
)
INVOICE_LINES = Table(
    "invoice_lines",
    {
        "id": "id",
        "invoice_id": "invoice",
        "subscription_id": "subscription",
        "subscription_item_id": Field("subscription_item", may_lack=True),
        "price_id": "price.id",
        "description": "description",
        "quantity": "quantity",
        "amount": "amount",
        "discount_amount": Field("discount_amounts", _total),
        "currency": "currency",
        "proration": "proration",
        "period_start": _time("period.start"),
        "period_end": _time("period.end"),
    },
    rows=_lines,
)
CHARGES = Table(
    "charges",
    {
        **CHANGED,
        "customer_id": "customer",
        "invoice_id": "invoice",
        "amount": "amount",
        "amount_refunded": "amount_refunded",
        "currency": "currency",
        "status": "status",
        "failure_code": "failure_code",
        "disputed": "disputed",
    },
)
REFUNDS = Table(
    "refunds",
    {
        **CREATED,
        "charge_id": "charge",
        "amount": "amount",
        "currency": "currency",
        "reason": "reason",
        "status": "status",
    },
)
DISPUTES = Table(
    "disputes",
    {
        **CHANGED,
        "charge_id": "charge",
        "amount": "amount",
        "currency": "currency",
        "reason": "reason",
        "status": "status",
    },
)

CONNECTOR = Connector(
    hosts=("api.stripe.com",),
    settings=(Setting("key", is_secret=True), Setting("base_url", default="https://api.stripe.com")),
    auth=lambda settings: BearerTokenAuth(settings["key"]),
    # Later versions spread some of these fields over other objects.
    headers={"Stripe-Version": "2024-06-20"},
    endpoints=(
        Endpoint((CUSTOMERS,), _list("/v1/customers", **{"expand[]": "data.tax_ids"})),
        Endpoint((PRICES,), _list("/v1/prices")),
        Endpoint((COUPONS,), _list("/v1/coupons")),
        Endpoint(
            (SUBSCRIPTIONS, SUBSCRIPTION_ITEMS),
            _changed("/v1/subscriptions", "subscription", "customer.subscription.*", status="all"),
        ),
        Endpoint((INVOICES, INVOICE_LINES), _changed("/v1/invoices", "invoice", "invoice.*")),
        Endpoint((CHARGES,), _changed("/v1/charges", "charge", "charge.*")),
        # A refund may still fail in the weeks after it was made.
        Endpoint((REFUNDS,), _created("/v1/refunds"), look_back=timedelta(days=30)),
        Endpoint((DISPUTES,), _changed("/v1/disputes", "dispute", "charge.dispute.*")),
    ),
)
