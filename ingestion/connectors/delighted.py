"""Delighted: the answers to surveys, in the order of their changes. The API has no list of invitations.

sources.yml: `delighted: {api: {key: "${DELIGHTED_KEY}"}}`.
https://app.delighted.com/docs/api/listing-survey-responses
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dlt.sources.helpers.requests import Request
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth

from ingestion.connectors.client import Api, KeysetPaginator
from ingestion.connectors.endpoints import Connector, Endpoint, Field, Record, Setting, Table, epoch, from_epoch, joined

PAGE_SIZE = 100


def _changed_at(answer: Record) -> int:
    """An answer that was never changed has no time of its change."""
    return int(answer["updated_at"] or answer["created_at"])


def _answers(api: Api, since: datetime | None) -> Iterator[list[Record]]:
    def ask(request: Request, start: Any, turn: int, body: Any) -> None:
        request.params = query(start, turn)

    def query(start: int, turn: int) -> Record:
        return {
            "per_page": PAGE_SIZE,
            "page": turn + 1,
            "updated_since": start,
            "order": "asc:updated_at",
            "expand[]": "person",
        }

    start = epoch(since) if since else 0
    for page in api.pages("/v1/survey_responses.json", "", KeysetPaginator(_changed_at, ask), params=query(start, 0)):
        yield [{**answer, "changed_at": _changed_at(answer)} for answer in page]


SURVEY_RESPONSES = Table(
    "survey_responses",
    {
        "id": "id",
        "person_id": "person.id",
        "person_email": "person.email",
        "survey_type": "survey_type",
        "score": "score",
        "comment": "comment",
        "tags": Field("tags", joined),
        "properties": "person_properties",
        "created_at": Field("created_at", from_epoch),
        "updated_at": Field("changed_at", from_epoch),
    },
    absent=("survey_request_id",),
)

CONNECTOR = Connector(
    hosts=("api.delighted.com",),
    settings=(Setting("key", is_secret=True), Setting("base_url", default="https://api.delighted.com")),
    auth=lambda settings: HttpBasicAuth(settings["key"], ""),
    endpoints=(Endpoint((SURVEY_RESPONSES,), _answers, ordered_by="changed_at"),),
)
