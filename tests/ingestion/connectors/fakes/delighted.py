"""Delighted: numbered pages of answers, by the time of their last change."""

import base64
import json

from tests.ingestion.connectors.fakes.base import PAGE_SIZE, Fake, epoch
from tests.ingestion.connectors.rows import Row
from tests.ingestion.connectors.server import SECRET, Answer, Asked


class System(Fake):
    settings = {"key": SECRET}  # noqa: RUF012
    renamed = ("score", "points")

    def adapt(self) -> None:
        for index, row in enumerate(self.rows["survey_responses"]):
            row["tags"] = "late,price" if row["tags"] else ""
            row["properties"] = json.dumps({"ticket": index}, separators=(",", ":"))
            row["person_id"] = row["person_id"] or "1"

    def is_authorised(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Basic {base64.b64encode(f'{SECRET}:'.encode()).decode()}"

    def answer(self, asked: Asked) -> Answer:
        assert asked.query["order"] == "asc:updated_at"
        rows = [row for row in self.rows["survey_responses"] if _changed(row) >= int(asked.query["updated_since"])]
        rows.sort(key=lambda row: (_changed(row), row["id"]))
        first = (int(asked.query["page"]) - 1) * PAGE_SIZE
        return Answer([_answer(row) for row in rows[first : first + PAGE_SIZE]])


def _changed(row: Row) -> int:
    return epoch(row["updated_at"]) or 0


def _answer(row: Row) -> Row:
    is_unchanged = row["updated_at"] == row["created_at"]
    return {
        "id": row["id"],
        "person": {"id": row["person_id"], "email": row["person_email"], "name": "Nobody"},
        **{name: row[name] for name in ("survey_type", "score", "comment")},
        "permalink": "https://app.delighted.com/r/1",
        "created_at": epoch(row["created_at"]),
        "updated_at": None if is_unchanged else epoch(row["updated_at"]),
        "person_properties": json.loads(row["properties"]),
        "notes": [],
        "tags": row["tags"].split(",") if row["tags"] else [],
    }
