"""Klaviyo: JSON:API with links to the next page."""

import re
from urllib.parse import urlencode

from tests.ingestion.connectors.fakes.base import Fake, at, cursor_page, iso
from tests.ingestion.connectors.rows import Row, record_id
from tests.ingestion.connectors.server import SECRET, Answer, Asked

SINCE = re.compile(r"(greater-than|greater-or-equal)\((\w+),(\S+)\)")


class System(Fake):
    settings = {"key": SECRET}  # noqa: RUF012
    renamed = ("attributes", "properties")

    def adapt(self) -> None:
        for row in self.rows["campaigns"]:
            row["channel"] = None if row["kind"] == "flow" else row["channel"] or "email"
            row["created_at"], row["updated_at"] = (row[name] or at("2026-01-01T00:00:00Z") for name in DATES)
        for index, row in enumerate(self.rows["events"]):
            row["campaign_id"] = row["campaign_id"] or record_id("campaigns", index)
            row["message_id"] = f"17000{index}:{row['campaign_id']}"
        self.metrics = sorted({row["metric_name"] for row in self.rows["events"]})

    def is_authorised(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Klaviyo-API-Key {SECRET}" and "revision" in headers

    def answer(self, asked: Asked) -> Answer:
        query = asked.query.get("filter", "")
        match asked.path.removeprefix("/api/"):
            case "profiles":
                return self._page(asked, [_profile(row) for row in self.rows["profiles"]], "updated")
            case "campaigns":
                rows = [
                    row
                    for row in self.rows["campaigns"]
                    if row["kind"] == "campaign" and f"'{row['channel']}'" in query
                ]
                return self._page(asked, [_campaign(row) for row in rows], None)
            case "flows":
                rows = [row for row in self.rows["campaigns"] if row["kind"] == "flow"]
                return self._page(asked, [_flow(row) for row in rows], None)
            case "metrics":
                names = [*self.metrics, "Placed Order"]
                records = [
                    {"type": "metric", "id": f"M{place}", "attributes": {"name": name}}
                    for place, name in enumerate(names)
                ]
                return Answer({"data": records, "links": {"next": None}}, is_page=False)
            case "events":
                return self._page(asked, [self._event(row) for row in self.rows["events"]] + self._orders(), "datetime")
        return Answer({}, status=404)

    def _page(self, asked: Asked, records: list[Row], time: str | None) -> Answer:
        since = SINCE.search(asked.query.get("filter", ""))
        if since and time:
            assert since[2] == time
            records = [record for record in records if at(record["attributes"][time]) >= at(since[3])]
        page, cursor = cursor_page(
            records,
            lambda record: (record["attributes"].get(time or "", ""), record["id"]),
            asked.query.get("page[cursor]"),
        )
        query = urlencode({**asked.query, "page[cursor]": cursor or ""})
        following = f"{asked.origin}{asked.path}?{query}" if cursor else None
        return Answer({"data": page, "links": {"self": asked.origin, "next": following, "prev": None}})

    def _event(self, row: Row) -> Row:
        # Half of the messages were sent by a flow.
        by_flow = {"$flow": row["campaign_id"], "$message": "a message of the flow"}
        said = by_flow if int(row["campaign_id"]) % 2 else {"$message": row["campaign_id"]}
        return {
            "type": "event",
            "id": row["id"],
            "attributes": {
                "event_properties": {"Subject": "Hi", **said, "$_cohort$message_send_cohort": row["message_id"]},
                "datetime": iso(row["datetime"]),
            },
            "relationships": {
                "profile": {"data": {"type": "profile", "id": row["profile_id"]}},
                "metric": {"data": {"type": "metric", "id": f"M{self.metrics.index(row['metric_name'])}"}},
            },
        }

    def _orders(self) -> list[Row]:
        """Events that are none of a message."""
        order = {"data": {"type": "metric", "id": f"M{len(self.metrics)}"}}
        orders = []
        for place in range(9):
            event = self._event(self.rows["events"][place])
            orders.append({**event, "id": f"O{place}", "relationships": {**event["relationships"], "metric": order}})
        return orders


DATES = ("created_at", "updated_at")


def _profile(row: Row) -> Row:
    plain = ("email", "phone_number", "external_id", "first_name", "last_name")
    return {
        "type": "profile",
        "id": row["id"],
        "attributes": {
            **{name: row[name] for name in plain},
            "location": {**{name: row[name] for name in ("city", "zip", "country")}, "ip": None},
            "subscriptions": {"email": {"marketing": {"consent": row["email_consent"]}}, "sms": None},
            "created": iso(row["created"]),
            "updated": iso(row["updated"]),
        },
    }


def _campaign(row: Row) -> Row:
    times = {name: iso(row[name]) for name in DATES}
    return {"type": "campaign", "id": row["id"], "attributes": {"name": row["name"], "status": "Sent", **times}}


def _flow(row: Row) -> Row:
    times = {"created": iso(row["created_at"]), "updated": iso(row["updated_at"])}
    return {"type": "flow", "id": row["id"], "attributes": {"name": row["name"], "status": "live", **times}}
