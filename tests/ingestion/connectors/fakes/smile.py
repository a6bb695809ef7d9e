"""Smile.io: newest first, with a cursor that is empty at the end."""

from tests.ingestion.connectors.fakes.base import Fake, at, cursor_page, iso, number
from tests.ingestion.connectors.rows import Row
from tests.ingestion.connectors.server import SECRET, Answer, Asked

TIERS = {"Gold": 1, "Silver": 2}


class System(Fake):
    settings = {"key": SECRET}  # noqa: RUF012
    renamed = ("created_at", "made_at")

    def adapt(self) -> None:
        for row in self.rows["points_transactions"]:
            row["points_change"] *= -1 if row["kind"] in ("redeem", "expire") else 1
            row["description"] = "Points expired" if row["kind"] == "expire" else "An order"
        for row in self.rows["customers"]:
            row["vip_tier"] = row["vip_tier"] and "Gold"
            row["referral_code"] = row["referral_code"] and f"r{row['id']}"
        for row in self.rows["referrals"]:
            row["status"] = "completed" if row["receiver_customer_id"] else "pending"

    def answer(self, asked: Asked) -> Answer:
        kind = asked.path.removeprefix("/v1/")
        rows = self.rows[kind]
        if "updated_at_min" in asked.query:
            start = at(asked.query["updated_at_min"])
            rows = [row for row in rows if row.get("updated_at", row["created_at"]) >= start]
        page, cursor = cursor_page(rows, lambda row: (-int(row["id"]),), asked.query.get("cursor"))
        shape = {"customers": _customer, "points_transactions": _change, "referrals": _referral}[kind]
        return Answer(
            {kind: [shape(row) for row in page], "metadata": {"next_cursor": cursor or "", "previous_cursor": ""}}
        )


def _times(row: Row) -> Row:
    return {"created_at": iso(row["created_at"]), "updated_at": iso(row.get("updated_at", row["created_at"]))}


def _customer(row: Row) -> Row:
    tier = {"vip_tier_id": TIERS[row["vip_tier"]], "vip_tier": {"name": row["vip_tier"]}} if row["vip_tier"] else None
    return {
        "id": int(row["id"]),
        **{name: row[name] for name in ("email", "first_name", "last_name", "state", "points_balance")},
        "date_of_birth": iso(row["date_of_birth"]),
        "referral_url": row["referral_code"] and f"http://i.refs.cc/{row['referral_code']}",
        "vip_status": tier,
        **_times(row),
    }


def _change(row: Row) -> Row:
    return {
        "id": int(row["id"]),
        "customer_id": number(row["customer_id"]),
        "points_change": row["points_change"],
        "description": row["description"],
        "internal_note": "an issue with an order" if row["kind"] == "adjust" else None,
        **_times(row),
    }


def _referral(row: Row) -> Row:
    receiver = {"receiver_customer": {"id": number(row["receiver_customer_id"])}} if row["receiver_customer_id"] else {}
    return {
        "id": int(row["id"]),
        "sender_customer": {"id": number(row["sender_customer_id"])},
        "receiver_customer_email": row["receiver_email"],
        **receiver,
        **_times(row),
    }
