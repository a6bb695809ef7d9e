"""What the shop's loyalty programme (Smile.io) exports: members, the ledger of their points, and their referrals."""

import polars as pl

from ingestion.demo import variants
from ingestion.demo.damage import Damage, Draft, Shape
from ingestion.demo.ids import shopify_ids, smile_ids
from ingestion.demo.rewards import REFERRAL_COST
from ingestion.demo.shop import Shop
from ingestion.demo.storefront import party_records
from ingestion.demo.write import Exports

SHAPES = {
    "customers": Shape(version="updated_at", dated_by="created_at"),
    "points_transactions": Shape(dated_by="created_at"),
    "referrals": Shape(version="updated_at", dated_by="created_at"),
}
# Points that a member must have earned for each tier.
TIERS = {"gold": 3000, "silver": 1000, "bronze": 0}
DESCRIPTIONS = {
    "earn": "Points for an order",
    "redeem": "5 euros off an order",
    "expire": "No order for a year",
    "adjust": "Order paid back",
}
# One in so many members gave no date of birth.
AGELESS = 3
FAULTS: dict[str, list[tuple[str, str | None, str]]] = {
    "customers": [("date_of_birth", "31.02.1980", "date_of_birth is not a date")],
    "points_transactions": [
        ("kind", "earned", "kind is not one of"),
        ("points_change", "ten", "points_change is not a whole number"),
    ],
    "referrals": [
        ("status", "done", "status is not one of"),
        ("sender_customer_id", None, "sender_customer_id is missing"),
    ],
}


def exports(shop: Shop, damage: Damage) -> Exports:
    """Smile's files and their truth (`records`, `damaged`)."""
    members = shop.shoppers.filter("is_member")
    tables = {
        "customers": _members(shop, members),
        "points_transactions": _points(shop),
        "referrals": _referrals(shop),
    }
    draft = Draft("smile", shop.seeds, damage, SHAPES, tables)
    _misspell(draft)
    draft.time_zones("points_transactions", "created_at")
    draft.two_exports("customers", "created_at", {"vip_tier": ["bronze"], "points_balance": ["100", "0"]})
    unanswered: dict[str, list[str | None]] = {"status": ["pending"], "reward_cost_amount": ["0.00"]}
    unanswered |= {"receiver_customer_id": [None], "completed_at": [None]}
    draft.two_exports("referrals", "created_at", unanswered)
    draft.two_files("points_transactions", draft.tables["points_transactions"]["created_at"])
    draft.late_rows("points_transactions", "created_at")
    for table, faults in FAULTS.items():
        draft.overlap(table)
        draft.twice_delivered(table)
        draft.broken_rows(table, faults)
    records = members.select("shopper", record_id=smile_ids("customers", members["shopper"]))
    return draft.exports({"records": party_records(shop, "smile", "customers", records)})


def _members(shop: Shop, members: pl.DataFrame) -> pl.DataFrame:
    is_gain = pl.col("points") > 0
    ledger = shop.points.group_by("shopper").agg(
        balance=pl.col("points").sum(), earned=pl.col("points").filter(is_gain).sum(), last_at=pl.col("at").max()
    )
    them = members.join(ledger, on="shopper", how="left", maintain_order="left")
    tier = pl.lit(None, pl.String)
    for name, least in reversed(TIERS.items()):
        tier = pl.when(pl.col("earned") >= least).then(pl.lit(name)).otherwise(tier)
    return them.select(
        id=smile_ids("customers", them["shopper"]),
        email="email",
        first_name="first_name",
        last_name="last_name",
        date_of_birth=pl.when(pl.col("shopper") % AGELESS > 0).then("birth_date"),
        state=pl.lit("member"),
        vip_tier=tier,
        points_balance="balance",
        referral_code=pl.format("FRIEND{}", pl.col("shopper") + 1000),
        created_at="registered_at",
        updated_at="last_at",
    )


def _points(shop: Shop) -> pl.DataFrame:
    points = shop.points
    is_welcome = (pl.col("kind") == "earn") & pl.col("order").is_null()
    return points.select(
        id=smile_ids("points_transactions", points["entry"]),
        customer_id=smile_ids("customers", points["shopper"]),
        kind="kind",
        points_change="points",
        description=pl.when(is_welcome)
        .then(pl.lit("Welcome"))
        .otherwise(pl.col("kind").replace_strict(DESCRIPTIONS, return_dtype=pl.String)),
        order_id=shopify_ids("orders", points["order"]),
        created_at="at",
    )


def _referrals(shop: Shop) -> pl.DataFrame:
    friends = shop.shoppers.select("email", "is_member", receiver="shopper")
    referrals = shop.referrals.join(friends, on="receiver", how="left", maintain_order="left")
    is_completed = pl.col("status") == "completed"
    return referrals.select(
        id=smile_ids("referrals", referrals["referral"]),
        sender_customer_id=smile_ids("customers", referrals["sender"]),
        receiver_customer_id=pl.when("is_member").then(smile_ids("customers", referrals["receiver"])),
        receiver_email=pl.coalesce("receiver_email", "email"),
        status="status",
        reward_cost_amount=pl.when(is_completed).then(pl.lit(REFERRAL_COST)).otherwise(pl.lit("0.00")),
        reward_currency=pl.lit("EUR"),
        completed_at="completed_at",
        created_at="invited_at",
        updated_at=pl.coalesce("completed_at", "invited_at"),
    )


def _misspell(draft: Draft) -> None:
    customers, damage = draft.tables["customers"], draft.damage
    chance = draft.generator("customers", "variants")
    first, last = variants.person_variants(chance, customers["first_name"], customers["last_name"])
    for kind, values in (
        ("name_variant", {"first_name": first, "last_name": last}),
        ("email_variant", {"email": variants.email_variants(chance, customers["email"])}),
    ):
        draft.change("customers", kind, draft.chosen("customers", kind, damage.name_variants), values)
    draft.null_likes("customers", ["last_name"])
