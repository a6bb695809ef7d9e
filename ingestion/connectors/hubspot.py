"""HubSpot CRM, API v3: what is full by contract by its lists, what changes by search; links by API v4.

sources.yml: `hubspot: {api: {token: "${HUBSPOT_TOKEN}"}}`, the access token of a private app that may read the CRM.
https://developers.hubspot.com/docs/api-reference/crm-objects-v3

Companies, contacts and links are read whole each time: no search tells which of them are gone. A run costs a request
per 100 companies and contacts for each of the two tables, as many again for the links, and for these a request per
1,000 companies (7 times) and per 1,000 contacts (6 times), more only where one of them has hundreds of links. With
2,000 companies and 40,000 contacts that is about 1,100 requests, a minute or two of what HubSpot allows, whatever the
number of deals and activities.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from dlt.sources.helpers.requests import Request
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.connectors.client import Api, KeysetPaginator
from ingestion.connectors.endpoints import Connector, Endpoint, Field, Fields, Record, Setting, Table, epoch, moment

LIST_SIZE, SEARCH_SIZE, LINKED_SIZE = 100, 200, 1000
ACTIVITIES = {"meetings": "MEETING", "calls": "CALL", "emails": "EMAIL", "notes": "NOTE", "tasks": "TASK"}
# Whose links to which others are read. HubSpot keeps each in both directions: companies and contacts are asked, because
# deals and activities are many, and an account only ever gets more of them. A link begins at the latter all the same.
LINKS = {
    "companies": ("contacts", "deals", *ACTIVITIES),
    "contacts": ("deals", *ACTIVITIES),
}


def _properties(*names: str, custom: tuple[str, ...] = ()) -> Fields:
    """Columns that are properties of the same name; a custom one is there only where the account has it."""
    fields: dict[str, str | Field] = {"id": "id"}
    fields |= {name: f"properties.{name}" for name in names}
    return fields | {name: Field(f"properties.{name}", is_custom=True) for name in custom}


def _asked(table: Table) -> list[str]:
    fields = (field.path if isinstance(field, Field) else field for field in table.fields.values())
    paths = [path for field in fields for path in field.split("|")]
    return [path.removeprefix("properties.") for path in paths if path.startswith("properties.")]


def _list(api: Api, kind: str, *, archived: bool, **params: Any) -> Iterator[list[Record]]:
    return api.pages(
        f"/crm/v3/{kind}",
        "results",
        JSONResponseCursorPaginator("paging.next.after", "after"),
        params={"limit": LIST_SIZE, "archived": str(archived).lower(), **params},
    )


def _with_archived(kind: str, table: Table) -> Callable[[Api, datetime | None], Iterator[list[Record]]]:
    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        asked = {"properties": ",".join(_asked(table))} if _asked(table) else {}
        for archived in (False, True):
            yield from _list(api, kind, archived=archived, **asked)

    return read


def _search(api: Api, kind: str, table: Table, since: datetime | None) -> Iterator[list[Record]]:
    """A search gives at most 10,000 records, so each page is a search of its own from the last record's time on."""

    def ask(request: Request, start: Any, turn: int, body: Any) -> None:
        request.json = query(start, body["paging"]["next"]["after"] if turn else "0")

    def query(start: int, after: str) -> Record:
        changed = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(start)}
        return {
            "filterGroups": [{"filters": [changed]}],
            "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
            "properties": _asked(table),
            "limit": SEARCH_SIZE,
            "after": after,
        }

    paginator = KeysetPaginator(_changed_at, ask, lambda body: bool(body.get("paging")))
    start = epoch(since) * 1000 if since else 0
    return api.pages(f"/crm/v3/objects/{kind}/search", "results", paginator, body=query(start, "0"))


def _changed_at(record: Record) -> int:
    time = moment(record["properties"]["hs_lastmodifieddate"])
    if time is None:
        raise ValueError
    return round(time.timestamp() * 1000)


def _search_with_archived(api: Api, kind: str, table: Table, since: datetime | None) -> Iterator[list[Record]]:
    """What changed, and then all that is in the bin, which no search finds: HubSpot empties it after 90 days."""
    yield from _search(api, kind, table, since)
    yield from _list(api, f"objects/{kind}", archived=True, properties=",".join(_asked(table)))


def _deals(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    return _search_with_archived(api, "deals", DEALS, since)


def _activities(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    for kind, name in ACTIVITIES.items():
        for page in _search_with_archived(api, kind, ENGAGEMENTS, since):
            yield [{**record, "type": name} for record in page]


def _links(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    for kind, others in LINKS.items():
        pages = _list(api, f"objects/{kind}", archived=False, properties="hs_object_id")
        asked = [{"id": record["id"]} for page in pages for record in page]
        for first in range(0, len(asked), LINKED_SIZE):
            for other in others:
                yield from _links_of(api, kind, other, asked[first : first + LINKED_SIZE])


def _links_of(api: Api, kind: str, other: str, asked: list[Record]) -> Iterator[list[Record]]:
    while asked:
        found = api.once(f"/crm/v4/associations/{kind}/{other}/batch/read", "results", body={"inputs": asked})
        yield [
            {
                "from_type": "engagements" if other in ACTIVITIES else other,
                "from_id": to["toObjectId"],
                "to_type": kind,
                "to_id": record["from"]["id"],
                "label": link["label"],
            }
            for record in found
            for to in record["to"]
            for link in to["associationTypes"]
        ]
        asked = [{"id": one["from"]["id"], "after": one["paging"]["next"]["after"]} for one in found if "paging" in one]


def _team(teams: list[Record]) -> str | None:
    return next((team["name"] for team in sorted(teams, key=lambda team: not team.get("primary"))), None)


# That a record was put in the bin changes none of its properties.
BIN: Fields = {
    "hs_lastmodifieddate": "archivedAt|properties.hs_lastmodifieddate",
    "archived": "archived",
}
COMPANIES = Table(
    "companies",
    _properties(
        "name",
        "domain",
        "phone",
        "address",
        "city",
        "zip",
        "country",
        "industry",
        "numberofemployees",
        "lifecyclestage",
        "hubspot_owner_id",
        "createdate",
        custom=("customer_status", "plan", "renewal_date", "csm_sentiment", "vat_id", "hs_merged_object_ids"),
    )
    | BIN,
)
CONTACTS = Table(
    "contacts",
    _properties(
        "email",
        "hs_additional_emails",
        "firstname",
        "lastname",
        "phone",
        "mobilephone",
        "jobtitle",
        "company",
        "city",
        "country",
        "associatedcompanyid",
        "lifecyclestage",
        "createdate",
        custom=("hs_buying_role", "hs_merged_object_ids"),
    )
    | {"lastmodifieddate": "archivedAt|properties.lastmodifieddate", "archived": "archived"},
)
DEALS = Table(
    "deals",
    _properties(
        "dealname",
        "pipeline",
        "dealtype",
        "dealstage",
        "amount",
        "hs_is_closed_won",
        "closedate",
        "hubspot_owner_id",
        "createdate",
        custom=("deal_currency_code",),
    )
    | BIN,
)
ENGAGEMENTS = Table(
    "engagements",
    _properties("hubspot_owner_id", "hs_timestamp")
    | BIN
    | {"type": "type"}
    # Not every kind of activity has these.
    | {name: Field(f"properties.{name}", may_lack=True) for name in ("hs_activity_type", "hs_meeting_outcome")},
)
ASSOCIATIONS = Table(
    "associations",
    {
        "from_object_type": "from_type",
        "from_object_id": "from_id",
        "to_object_type": "to_type",
        "to_object_id": "to_id",
        "association_label": "label",
    },
)
OWNERS = Table(
    "owners",
    {
        "id": "id",
        "email": "email",
        "firstname": "firstName",
        "lastname": "lastName",
        "team": Field("teams", _team, may_lack=True),
        "createdat": "createdAt",
        "updatedat": "updatedAt",
        "archived": "archived",
    },
)

CONNECTOR = Connector(
    hosts=("*.hubapi.com",),
    settings=(Setting("token", is_secret=True), Setting("base_url", default="https://api.hubapi.com")),
    auth=lambda settings: BearerTokenAuth(settings["token"]),
    endpoints=(
        Endpoint((OWNERS,), _with_archived("owners", OWNERS)),
        Endpoint((COMPANIES,), _with_archived("objects/companies", COMPANIES)),
        Endpoint((CONTACTS,), _with_archived("objects/contacts", CONTACTS)),
        Endpoint((DEALS,), _deals, ordered_by="properties.hs_lastmodifieddate"),
        # Five searches, one after the other: what came before a fault lacks the kinds that follow.
        Endpoint((ENGAGEMENTS,), _activities),
        Endpoint((ASSOCIATIONS,), _links),
    ),
)
