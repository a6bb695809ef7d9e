"""Smile.io: members, changes of their points, and invited friends, newest first.

sources.yml: `smile: {api: {key: "${SMILE_KEY}"}}`.
What a change of points was for is told in words only, and where an invitation stands by its parts.
https://dev.smile.io/api
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.connectors.client import Api
from ingestion.connectors.endpoints import Connector, Endpoint, Field, Record, Setting, Table, iso

PAGE_SIZE = 250


def _changed(kind: str, **params: str) -> Callable[[Api, datetime | None], Iterator[list[Record]]]:
    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        start = {"updated_at_min": iso(since)} if since else {}
        paginator = JSONResponseCursorPaginator("metadata.next_cursor", "cursor")
        return api.pages(f"/v1/{kind}", kind, paginator, params={"limit": PAGE_SIZE, **params, **start})

    return read


def _with_kind(change: Record, api: Api) -> Iterable[Record]:
    words = (change["description"] or "").lower()
    if change.get("internal_note"):
        kind = "adjust"
    elif "expire" in words:
        kind = "expire"
    else:
        kind = "redeem" if change["points_change"] < 0 else "earn"
    return [{**change, "kind": kind}]


def _with_status(referral: Record, api: Api) -> Iterable[Record]:
    """The friend is a customer of the referral from the first order on."""
    return [{**referral, "status": "completed" if referral.get("receiver_customer") else "pending"}]


CUSTOMERS = Table(
    "customers",
    {
        "id": "id",
        "email": "email",
        "first_name": "first_name",
        "last_name": "last_name",
        "date_of_birth": "date_of_birth",
        "state": "state",
        "vip_tier": Field("vip_status.vip_tier.name", may_lack=True),
        "points_balance": "points_balance",
        "referral_code": Field("referral_url", lambda address: address.rsplit("/", 1)[-1]),
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
POINTS = Table(
    "points_transactions",
    {
        "id": "id",
        "customer_id": "customer_id",
        "kind": "kind",
        "points_change": "points_change",
        "description": "description",
        "created_at": "created_at",
    },
    rows=_with_kind,
    absent=("order_id",),
)
REFERRALS = Table(
    "referrals",
    {
        "id": "id",
        "sender_customer_id": "sender_customer.id",
        "receiver_customer_id": Field("receiver_customer.id", may_lack=True),
        "receiver_email": "receiver_customer_email",
        "status": "status",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
    rows=_with_status,
    absent=("reward_cost_amount", "reward_currency", "completed_at"),
)

CONNECTOR = Connector(
    hosts=("api.smile.io",),
    settings=(Setting("key", is_secret=True), Setting("base_url", default="https://api.smile.io")),
    auth=lambda settings: BearerTokenAuth(settings["key"]),
    endpoints=(
        Endpoint((CUSTOMERS,), _changed("customers", include="vip_status.vip_tier")),
        Endpoint((POINTS,), _changed("points_transactions")),
        Endpoint((REFERRALS,), _changed("referrals", include="sender_customer,receiver_customer")),
    ),
)
