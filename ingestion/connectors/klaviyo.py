"""Klaviyo: profiles in the order of their changes, campaigns and flows, and what happened to messages, in its order.

sources.yml: `klaviyo: {api: {key: "${KLAVIYO_KEY}"}}`, a private key that may read.
https://developers.klaviyo.com/en/reference/api_overview
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dlt.sources.helpers.rest_client.auth import APIKeyAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from ingestion.connectors.client import Api
from ingestion.connectors.endpoints import Connector, Endpoint, Field, Record, Setting, Table, iso

# As the contract of `events` lists them; shops send many more of their own.
METRICS = (
    "Received Email",
    "Opened Email",
    "Clicked Email",
    "Bounced Email",
    "Unsubscribed",
    "Marked Email as Spam",
    "Received SMS",
    "Clicked SMS",
)


def _all(api: Api, kind: str, **params: Any) -> Iterator[list[Record]]:
    return api.pages(f"/api/{kind}", "data", JSONLinkPaginator("links.next"), params=params)


def _profiles(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    params = {"page[size]": 100, "sort": "updated", "additional-fields[profile]": "subscriptions"}
    if since:
        params["filter"] = f"greater-than(updated,{iso(since)})"
    return _all(api, "profiles", **params)


def _campaigns(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    for channel in ("email", "sms"):
        for page in _all(api, "campaigns", filter=f"equals(messages.channel,'{channel}')"):
            yield [{**campaign, "kind": "campaign", "channel": channel} for campaign in page]
    for page in _all(api, "flows"):
        yield [{**flow, "kind": "flow"} for flow in page]


def _events(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    names = {metric["id"]: metric["attributes"]["name"] for page in _all(api, "metrics") for metric in page}
    params = {"page[size]": 200, "sort": "datetime"}
    if since:
        params["filter"] = f"greater-or-equal(datetime,{iso(since)})"
    for page in _all(api, "events", **params):
        named = [{**event, "metric": names.get(event["relationships"]["metric"]["data"]["id"])} for event in page]
        yield [event for event in named if event["metric"] in METRICS]


PROFILES = Table(
    "profiles",
    {
        "id": "id",
        "email": "attributes.email",
        "phone_number": "attributes.phone_number",
        "external_id": "attributes.external_id",
        "first_name": "attributes.first_name",
        "last_name": "attributes.last_name",
        "city": "attributes.location.city",
        "zip": "attributes.location.zip",
        "country": "attributes.location.country",
        "email_consent": "attributes.subscriptions.email.marketing.consent",
        "created": "attributes.created",
        "updated": "attributes.updated",
    },
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "id": "id",
        "name": "attributes.name",
        "kind": "kind",
        # A flow may send by both.
        "channel": Field("channel", may_lack=True),
        "created_at": "attributes.created_at|attributes.created",
        "updated_at": "attributes.updated_at|attributes.updated",
    },
)
EVENTS = Table(
    "events",
    {
        "id": "id",
        "profile_id": "relationships.profile.data.id",
        "metric_name": "metric",
        # A campaign's message has the campaign's own id.
        "campaign_id": Field("attributes.event_properties.$flow|attributes.event_properties.$message", may_lack=True),
        "message_id": Field(
            "attributes.event_properties.$_cohort$message_send_cohort|attributes.event_properties.$message",
            may_lack=True,
        ),
        "datetime": "attributes.datetime",
    },
)

CONNECTOR = Connector(
    hosts=("a.klaviyo.com",),
    settings=(Setting("key", is_secret=True), Setting("base_url", default="https://a.klaviyo.com")),
    auth=lambda settings: APIKeyAuth("Authorization", f"Klaviyo-API-Key {settings['key']}", "header"),
    headers={"revision": "2024-10-15"},
    endpoints=(
        Endpoint((PROFILES,), _profiles, ordered_by="attributes.updated"),
        Endpoint((CAMPAIGNS,), _campaigns),
        Endpoint((EVENTS,), _events, ordered_by="attributes.datetime"),
    ),
)
