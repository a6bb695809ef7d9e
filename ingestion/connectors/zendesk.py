"""Zendesk Support: incremental exports, in the order of their changes.

sources.yml: `zendesk: {api: {base_url: "https://acme.zendesk.com", email: ops@acme.com, token: "${ZENDESK_TOKEN}"}}`.
Custom ticket fields have numbers in Zendesk: `category_field` and `is_escalated_field` name those of the two columns.
https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from dlt.sources.helpers.requests import Response
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import BaseNextUrlPaginator, JSONResponseCursorPaginator

from ingestion.connectors.client import Api
from ingestion.connectors.endpoints import Connector, Endpoint, Field, Record, Setting, Table, epoch, joined

PAGE_SIZE = 1000
HISTORY_FIELDS = ("status", "priority", "assignee_id", "group_id", "type")


class _StreamPaginator(BaseNextUrlPaginator):
    """An export gives the address to go on from even at its end, where only `end_of_stream` says so."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        body = response.json()
        self._next_reference = None if body["end_of_stream"] else body[self._address]


def _export(path: str, records: str, **params: str) -> Callable[[Api, datetime | None], Iterator[list[Record]]]:
    address = "after_url" if path.endswith("/cursor.json") else "next_page"

    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        start = {"start_time": epoch(since) if since else 0, "per_page": PAGE_SIZE, **params}
        return api.pages(f"/api/v2/incremental/{path}", records, _StreamPaginator(address), params=start)

    return read


def _users(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    for bodies in _export("users/cursor.json", "", include="identities")(api, since):
        for body in bodies:
            handles: dict[Any, Record] = {}
            for identity in body.get("identities", []):
                handles.setdefault(identity["user_id"], {})[identity["type"]] = identity["value"]
            yield [{**user, "handles": handles.get(user["id"])} for user in body["users"]]


def _ratings(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    paginator = JSONResponseCursorPaginator("meta.after_cursor", "page[after]", has_more_path="meta.has_more")
    start = {"start_time": epoch(since)} if since else {}
    return api.pages(
        "/api/v2/satisfaction_ratings.json", "satisfaction_ratings", paginator, params={"page[size]": 100, **start}
    )


def _with_custom_fields(ticket: Record, api: Api) -> Iterable[Record]:
    values = {str(field["id"]): field["value"] for field in ticket["custom_fields"]}
    for column in ("category", "is_escalated"):
        number = api.settings.get(f"{column}_field")
        if number in values:
            ticket[column] = values[number]
    return [ticket]


def _channel(via: Any) -> Any:
    return via["channel"] if isinstance(via, dict) else via


def _field_changes(event: Record, api: Api) -> Iterable[Record]:
    for child in event["child_events"]:
        if child["event_type"] in ("Create", "Change"):
            for field in HISTORY_FIELDS:
                if field in child:
                    yield {**event, "field_name": field, "value": child[field]}


def _comments(event: Record, api: Api) -> Iterable[Record]:
    for child in event["child_events"]:
        if child["event_type"] == "Comment":
            yield {**event, "comment": child}


ORGANIZATIONS = Table(
    "organizations",
    {
        "id": "id",
        "name": "name",
        "domain_names": Field("domain_names", joined),
        "external_id": "external_id",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
USERS = Table(
    "users",
    {
        "id": "id",
        "name": "name",
        "email": "email",
        "phone": "phone",
        "role": "role",
        "organization_id": "organization_id",
        "external_id": "external_id",
        "twitter_id": Field("handles.twitter", may_lack=True),
        "facebook_id": Field("handles.facebook", may_lack=True),
        "time_zone": "time_zone",
        "suspended": "suspended",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
    # Zendesk keeps a WhatsApp number as the user's phone.
    absent=("whatsapp_number",),
)
TICKETS = Table(
    "tickets",
    {
        "id": "id",
        "status": "status",
        "priority": "priority",
        "type": "type",
        "via_channel": "via.channel",
        "category": Field("category", is_custom=True),
        "is_escalated": Field("is_escalated", is_custom=True),
        "requester_id": "requester_id",
        "assignee_id": "assignee_id",
        "organization_id": "organization_id",
        "tags": Field("tags", joined),
        "created_at": "created_at",
        "solved_at": "metric_set.solved_at",
        "updated_at": "updated_at",
    },
    rows=_with_custom_fields,
)
FIELD_HISTORY = Table(
    "ticket_field_history",
    {
        "ticket_id": "ticket_id",
        "field_name": "field_name",
        "value": "value",
        "user_id": "updater_id",
        "updated": "created_at",
    },
    rows=_field_changes,
)
COMMENTS = Table(
    "ticket_comments",
    {
        "id": "comment.id",
        "ticket_id": "ticket_id",
        "user_id": "comment.author_id",
        "public": "comment.public",
        "via_channel": Field("comment.via", _channel),
        "created": "created_at",
    },
    rows=_comments,
)
RATINGS = Table(
    "satisfaction_ratings",
    {
        "id": "id",
        "ticket_id": "ticket_id",
        "requester_id": "requester_id",
        "assignee_id": "assignee_id",
        "score": "score",
        "reason": Field("reason", may_lack=True),
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
SLA_EVENTS = Table(
    "sla_events",
    {
        "id": "id",
        "ticket_id": "ticket_id",
        "metric": "metric",
        "type": "type",
        "target_minutes": Field("sla.target", may_lack=True),
        "time": "time",
    },
)

CONNECTOR = Connector(
    hosts=("*.zendesk.com",),
    settings=(
        Setting("base_url"),
        Setting("email"),
        Setting("token", is_secret=True),
        Setting("category_field", default=""),
        Setting("is_escalated_field", default=""),
    ),
    auth=lambda settings: HttpBasicAuth(f"{settings['email']}/token", settings["token"]),
    endpoints=(
        Endpoint((ORGANIZATIONS,), _export("organizations.json", "organizations"), ordered_by="updated_at"),
        Endpoint((USERS,), _users, ordered_by="updated_at"),
        Endpoint(
            (TICKETS,),
            _export("tickets/cursor.json", "tickets", include="metric_sets"),
            ordered_by="generated_timestamp",
        ),
        Endpoint(
            (FIELD_HISTORY, COMMENTS),
            _export("ticket_events.json", "ticket_events", include="comment_events"),
            ordered_by="timestamp",
        ),
        # A rating is offered first and answered later, and its list goes by the first of the two.
        Endpoint((RATINGS,), _ratings, look_back=timedelta(days=30)),
        Endpoint((SLA_EVENTS,), _export("ticket_metric_events.json", "ticket_metric_events"), ordered_by="time"),
    ),
)
