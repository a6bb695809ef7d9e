"""Zendesk: cursor and time-based incremental exports."""

import base64
from typing import Any

from tests.ingestion.connectors.fakes.base import PAGE_SIZE, Fake, cursor_page, epoch, iso, number
from tests.ingestion.connectors.rows import Row, record_id
from tests.ingestion.connectors.server import SECRET, Answer, Asked


class System(Fake):
    settings = {  # noqa: RUF012
        "email": "ops@acme.example",
        "token": SECRET,
        "category_field": "360001",
        "is_escalated_field": "360002",
    }
    renamed = ("created_at", "made_at")

    def adapt(self) -> None:
        for index, row in enumerate(self.rows["ticket_field_history"]):
            row["field_name"] = ("status", "priority", "assignee_id")[index % 3]
        for index, row in enumerate(self.rows["ticket_comments"]):
            row["user_id"] = row["user_id"] or record_id("users", index)
        for row in self.rows["tickets"]:
            row["tags"] = "late,vip" if row["tags"] else ""
        for row in self.rows["organizations"]:
            row["domain_names"] = "a.example,b.example" if row["domain_names"] else ""

    def is_authorised(self, headers: dict[str, str]) -> bool:
        credentials = base64.b64encode(f"ops@acme.example/token:{SECRET}".encode()).decode()
        return headers.get("authorization") == f"Basic {credentials}"

    def answer(self, asked: Asked) -> Answer:
        match asked.path.removeprefix("/api/v2/"):
            case "incremental/tickets/cursor.json":
                assert asked.query["include"] == "metric_sets"
                return self._cursor(asked, "tickets", [ticket(row) for row in self.rows["tickets"]])
            case "incremental/users/cursor.json":
                answer = self._cursor(asked, "users", [_user(row) for row in self.rows["users"]])
                answer.body["identities"] = [
                    {"id": place, "user_id": int(row["id"]), "type": kind, "value": row[f"{kind}_id"]}
                    for place, row in enumerate(self.rows["users"])
                    for kind in ("twitter", "facebook")
                    if row[f"{kind}_id"]
                ]
                return answer
            case "incremental/organizations.json":
                return self._timed(asked, "organizations", [_organization(row) for row in self.rows["organizations"]])
            case "incremental/ticket_events.json":
                assert asked.query["include"] == "comment_events"
                return self._timed(asked, "ticket_events", self._events())
            case "incremental/ticket_metric_events.json":
                return self._timed(asked, "ticket_metric_events", [_sla(row) for row in self.rows["sla_events"]])
            case "satisfaction_ratings.json":
                return self._ratings(asked)
        return Answer({}, status=404)

    def _cursor(self, asked: Asked, name: str, records: list[Row]) -> Answer:
        if "cursor" not in asked.query:
            records = [record for record in records if record["_time"] >= int(asked.query["start_time"])]
        page, cursor = cursor_page(records, lambda record: (record["_time"], record["id"]), asked.query.get("cursor"))
        kept = {key: value for key, value in asked.query.items() if key == "include"}
        more = "".join(f"&{key}={value}" for key, value in kept.items())
        # At the end, too, there is an address to go on from.
        after_url = f"{asked.origin}{asked.path}?cursor={cursor or 'end'}{more}"
        return Answer({name: _public(page), "after_url": after_url, "end_of_stream": cursor is None})

    def _timed(self, asked: Asked, name: str, records: list[Row]) -> Answer:
        start = int(asked.query["start_time"])
        rest = sorted((one for one in records if one["_time"] >= start), key=_time)
        # However many share a second, they come together; those of the first second came with the page before.
        end = max((one["_time"] for one in [one for one in rest if one["_time"] > start][:PAGE_SIZE]), default=start)
        page = [record for record in rest if record["_time"] <= end]
        include = f"&include={asked.query['include']}" if "include" in asked.query else ""
        address = f"{asked.origin}{asked.path}?start_time={end}{include}"
        is_end = len(page) == len(rest)
        return Answer({name: _public(page), "next_page": address, "end_time": end, "end_of_stream": is_end})

    def _ratings(self, asked: Asked) -> Answer:
        start = int(asked.query.get("start_time", 0))
        records = [_rating(row) for row in self.rows["satisfaction_ratings"]]
        records = [record for record in records if record["_time"] >= start]
        cursor = asked.query.get("page[after]")
        page, more = cursor_page(records, lambda record: (record["_time"], record["id"]), cursor)
        return Answer(
            {"satisfaction_ratings": _public(page), "meta": {"has_more": more is not None, "after_cursor": more}}
        )

    def _events(self) -> list[Row]:
        events = []
        for index, row in enumerate(self.rows["ticket_field_history"]):
            change = {"id": index, "event_type": "Change", row["field_name"]: row["value"], "previous_value": "new"}
            # An audit also tells of what no table takes.
            other = {"id": 9000 + index, "event_type": "Notification", "subject": "We got your request"}
            events.append(_event(2 * index, row, row["updated"], row["user_id"], [change, other]))
        for index, row in enumerate(self.rows["ticket_comments"]):
            comment = {
                "id": int(row["id"]),
                "event_type": "Comment",
                "author_id": number(row["user_id"]),
                "public": row["public"],
                "body": "a text that nobody takes",
                "via": {"channel": row["via_channel"]},
            }
            events.append(_event(2 * index + 1, row, row["created"], row["user_id"], [comment]))
        return events


def _time(record: Row) -> tuple[int, int]:
    return record["_time"], record["id"]


def _public(records: list[Row]) -> list[Row]:
    return [{key: value for key, value in record.items() if key != "_time"} for record in records]


def _event(event_id: int, row: Row, time: Any, user: str | None, children: list[Row]) -> Row:
    return {
        "id": event_id,
        "ticket_id": int(row["ticket_id"]),
        "timestamp": epoch(time),
        "created_at": iso(time),
        "updater_id": number(user),
        "via": "Web form",
        "event_type": "Audit",
        "child_events": children,
        "_time": epoch(time),
    }


def _organization(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        "url": "https://acme.zendesk.com/api/v2/organizations/1.json",
        "name": row["name"],
        "domain_names": row["domain_names"].split(",") if row["domain_names"] else [],
        "external_id": row["external_id"],
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
        "_time": epoch(row["updated_at"]),
    }


def _user(row: Row) -> Row:
    plain = ("name", "email", "phone", "role", "external_id", "time_zone", "suspended")
    return {
        "id": int(row["id"]),
        **{name: row[name] for name in plain},
        "organization_id": number(row["organization_id"]),
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
        "_time": epoch(row["updated_at"]),
    }


def ticket(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        "subject": "a text that nobody takes",
        "via": {"channel": row["via_channel"], "source": {"rel": None}},
        **{name: row[name] for name in ("status", "priority", "type")},
        **{name: number(row[name]) for name in ("requester_id", "assignee_id", "organization_id")},
        "tags": row["tags"].split(",") if row["tags"] else [],
        "custom_fields": [
            {"id": 360001, "value": row["category"]},
            {"id": 360002, "value": row["is_escalated"]},
            {"id": 360003, "value": "another"},
        ],
        "metric_set": {"ticket_id": int(row["id"]), "solved_at": iso(row["solved_at"])},
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
        "generated_timestamp": epoch(row["updated_at"]),
        "_time": epoch(row["updated_at"]),
    }


def _rating(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        **{name: number(row[name]) for name in ("ticket_id", "requester_id", "assignee_id")},
        "score": row["score"],
        "reason": row["reason"],
        "comment": "a text that nobody takes",
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
        "_time": epoch(row["created_at"]),
    }


def _sla(row: Row) -> Row:
    target = {} if row["target_minutes"] is None else {"sla": {"target": row["target_minutes"], "policy": {"id": 1}}}
    return {
        "id": int(row["id"]),
        "ticket_id": int(row["ticket_id"]),
        "instance_id": 1,
        "metric": row["metric"],
        "type": row["type"],
        "time": iso(row["time"]),
        **target,
        "_time": epoch(row["time"]),
    }
