"""HubSpot: lists by id, searches of at most 10,000 records, links in batches."""

from datetime import timedelta
from typing import Any

from tests.ingestion.connectors.fakes.base import PAGE_SIZE, Fake, amount, cursor_page, epoch, iso
from tests.ingestion.connectors.rows import Row
from tests.ingestion.connectors.server import SECRET, Answer, Asked

KINDS = {"meetings": "MEETING", "calls": "CALL", "emails": "EMAIL", "notes": "NOTE", "tasks": "TASK"}
LINKS_A_PAGE, LINKED_AT_ONCE = 2, 1000


class System(Fake):
    settings = {"token": SECRET}  # noqa: RUF012
    renamed = ("createdate", "madedate")

    def adapt(self) -> None:
        for row in (*self.rows["companies"], *self.rows["contacts"], *self.rows["owners"]):
            row["archived"] = bool(row["archived"])
        for table in ("deals", "engagements"):
            for index, row in enumerate(self.rows[table]):
                row["archived"] = index % 6 == 5
        for row in self.rows["engagements"]:
            if row["type"] != "MEETING":
                row["hs_meeting_outcome"] = None
        for row in self.rows["owners"]:
            row["team"] = row["team"] and "East"
        links = []
        live = {
            table: [row["id"] for row in self.rows[table] if not row.get("archived")]
            for table in ("companies", "contacts", "deals", "engagements")
        }
        for index, row in enumerate(self.rows["associations"]):
            start, end = (("contacts", "companies"), ("deals", "contacts"), ("engagements", "companies"))[index % 3]
            # A few records have many links.
            begin = live[start][index % 4]
            links.append(
                {
                    "from_object_type": start,
                    "from_object_id": begin,
                    "to_object_type": end,
                    "to_object_id": live[end][index % len(live[end])],
                    "association_label": None if index % 2 else row["association_label"],
                }
            )
        self.rows["associations"] = links

    def answer(self, asked: Asked) -> Answer:
        parts = asked.path.strip("/").split("/")
        if parts[1] == "v4":
            return self._links(parts[3], parts[4], asked.body["inputs"])
        if parts[-1] == "search":
            return self._search(parts[3], asked.body)
        return self._list(parts[-1], asked)

    def _records(self, kind: str) -> list[Row]:
        if kind in KINDS:
            return [row for row in self.rows["engagements"] if row["type"] == KINDS[kind]]
        return self.rows[kind]

    def _list(self, kind: str, asked: Asked) -> Answer:
        is_archived = asked.query["archived"] == "true"
        rows = [row for row in self._records(kind) if bool(row.get("archived")) == is_archived]
        page, after = cursor_page(rows, lambda row: (int(row["id"]),), asked.query.get("after"))
        if kind == "owners":
            records = [_owner(row) for row in page]
        else:
            records = [_record(row, asked.query.get("properties", "").split(",")) for row in page]
        return Answer({"results": records, **_paging(after)})

    def _search(self, kind: str, query: Any) -> Answer:
        (condition,) = query["filterGroups"][0]["filters"]
        assert (condition["operator"], query["sorts"][0]["direction"]) == ("GTE", "ASCENDING")
        name, start, after = condition["propertyName"], int(condition["value"]), int(query["after"])
        if after >= 10_000:
            return Answer({"status": "error"}, status=400)
        held = [row for row in self._records(kind) if not row["archived"]]
        rows = [row for row in held if (epoch(row[name]) or 0) * 1000 >= start]
        rows.sort(key=lambda row: (row[name], row["id"]))
        end = after + min(PAGE_SIZE, query["limit"])
        records = [_record(row, query["properties"]) for row in rows[after:end]]
        return Answer({"total": len(rows), "results": records, **_paging(str(end) if end < len(rows) else None)})

    def _links(self, start: str, end: str, inputs: list[Row]) -> Answer:
        """Links from either end; an activity is asked for by its own kind."""
        assert len(inputs) <= LINKED_AT_ONCE
        kinds = {row["id"]: row["type"] for row in self.rows["engagements"]}
        links: dict[str, list[tuple[str, str | None]]] = {}
        for row in self.rows["associations"]:
            ends = [(row[f"{side}_object_type"], row[f"{side}_object_id"]) for side in ("from", "to")]
            for (kind, one), (other_kind, other) in (ends, ends[::-1]):
                if (_name(kind, kinds.get(one)), _name(other_kind, kinds.get(other))) == (start, end):
                    links.setdefault(one, []).append((other, row["association_label"]))
        results = []
        for asked in inputs:
            mine = links.get(asked["id"], [])
            first = int(asked.get("after", 0))
            to = [
                {
                    "toObjectId": int(other),
                    "associationTypes": [{"category": "USER_DEFINED", "typeId": 1, "label": label}],
                }
                for other, label in mine[first : first + LINKS_A_PAGE]
            ]
            more = str(first + LINKS_A_PAGE) if len(mine) > first + LINKS_A_PAGE else None
            if to:
                results.append({"from": {"id": asked["id"]}, "to": to, **_paging(more)})
        return Answer({"status": "COMPLETE", "results": results})


def _name(kind: str, activity: str | None) -> str:
    """What the API calls a kind of record."""
    return next(name for name, word in KINDS.items() if word == activity) if kind == "engagements" else kind


def _paging(after: str | None) -> Row:
    return {"paging": {"next": {"after": after, "link": "?after"}}} if after else {}


def _record(row: Row, properties: list[str]) -> Row:
    """All properties are text, and those that nobody has ever heard of are passed over."""
    changed_name = "lastmodifieddate" if "lastmodifieddate" in row else "hs_lastmodifieddate"
    changed = row[changed_name]
    record = {"archived": False}
    if row["archived"]:
        # That it was put in the bin changes none of its properties.
        record = {"archived": True, "archivedAt": iso(changed)}
        row = {**row, changed_name: changed - timedelta(hours=1)}
    known: Row = {name: _text(row[name]) for name in properties if name in row}
    return {
        "id": row["id"],
        "properties": {"hs_object_id": row["id"], **known},
        "createdAt": iso(row.get("createdate")),
        "updatedAt": iso(changed),
        **record,
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return iso(value) or (str(value) if isinstance(value, int) else amount(value))


def _owner(row: Row) -> Row:
    teams = [{"id": "2", "name": "West", "primary": False}, {"id": "1", "name": row["team"], "primary": True}]
    return {
        "id": row["id"],
        "email": row["email"],
        "firstName": row["firstname"],
        "lastName": row["lastname"],
        "userId": 1,
        "createdAt": iso(row["createdat"]),
        "updatedAt": iso(row["updatedat"]),
        "archived": row["archived"],
        **({"teams": teams} if row["team"] else {}),
    }
