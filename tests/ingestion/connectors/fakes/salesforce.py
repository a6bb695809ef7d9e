"""Salesforce: a token for a client, what an object has, and queries whose result stands while it is read."""

import re
from decimal import Decimal
from typing import Any

from tests.ingestion.connectors.fakes.base import PAGE_SIZE, Fake, at, iso
from tests.ingestion.connectors.rows import START, Row
from tests.ingestion.connectors.server import SECRET, Answer, Asked

OBJECTS = {
    "Account": "accounts",
    "Contact": "contacts",
    "Opportunity": "opportunities",
    "OpportunityHistory": "opportunity_history",
    "User": "users",
}
CUSTOM = {
    "vat_number": "VAT_Number__c",
    "health": "Health__c",
    "renewal_date": "Renewal_Date__c",
    "contact_role": "Contact_Role__c",
}
QUERY = re.compile(r"SELECT (?P<fields>.+) FROM (?P<kind>\w+)( WHERE (\w+) >= (?P<since>\S+))? ORDER BY (?P<order>\w+)")
ACCESS_TOKEN = f"{SECRET}-session"


class System(Fake):
    settings = {"client_id": "an-app", "client_secret": SECRET}  # noqa: RUF012
    renamed = ("CreatedDate", "MadeDate")

    def adapt(self) -> None:
        self._results: list[list[Row]] = []
        for row in self.rows["users"]:
            row["created_date"] = row["created_date"] or START
            row["system_modstamp"] = row["system_modstamp"] or START

    def is_authorised(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {ACCESS_TOKEN}"

    def answer(self, asked: Asked) -> Answer:
        parts = asked.path.strip("/").split("/")
        if parts[-1] == "token":
            is_known = asked.body["client_secret"] == SECRET and asked.body["grant_type"] == "client_credentials"
            answer = {"access_token": ACCESS_TOKEN, "token_type": "Bearer"} if is_known else {"error": "invalid_client"}
            return Answer(answer, status=200 if is_known else 400, is_page=False)
        if parts[-1] == "describe":
            row = self.rows[OBJECTS[parts[-2]]][0]
            return Answer({"name": parts[-2], "fields": [{"name": _name(key)} for key in row]}, is_page=False)
        if "q" in asked.query:
            found = QUERY.fullmatch(asked.query["q"])
            assert found is not None
            return self._first(found["fields"].split(", "), found["kind"], found["since"], found["order"])
        number, _, start = parts[-1].partition("-")
        return self._part(int(number), int(start))

    def _first(self, fields: list[str], kind: str, since: str | None, order: str) -> Answer:
        rows = [{_name(key): value for key, value in row.items()} for row in self.rows[OBJECTS[kind]]]
        if set(fields) - rows[0].keys():
            return Answer([{"errorCode": "INVALID_FIELD"}], status=400)
        rows = sorted((row for row in rows if not since or row[order] >= at(since)), key=lambda row: row[order])
        self._results.append([{"attributes": {"type": kind}, **{name: row[name] for name in fields}} for row in rows])
        return self._part(len(self._results) - 1, 0)

    def _part(self, number: int, start: int) -> Answer:
        rows, end = self._results[number], start + PAGE_SIZE
        records = [{name: _value(value) for name, value in row.items()} for row in rows[start:end]]
        more = {"nextRecordsUrl": f"/services/data/v61.0/query/{number}-{end}"} if end < len(rows) else {}
        return Answer({"totalSize": len(rows), "done": not more, "records": records, **more})


def _name(column: str) -> str:
    return CUSTOM.get(column) or "".join(word.capitalize() for word in column.split("_"))


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    text = iso(value)
    return value if text is None else text.replace("Z", "+0000")
