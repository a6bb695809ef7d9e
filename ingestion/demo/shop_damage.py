"""How the records of the shop's own system are damaged: written twice, mistyped, tested, late, broken."""

import numpy as np
import polars as pl

from ingestion.demo import names, variants
from ingestion.demo.clock import END
from ingestion.demo.damage import IMPOSSIBLE_DATE, Draft
from ingestion.demo.ids import shopify_ids
from ingestion.demo.shoppers import CHILD_SHARE, PARTNER_SHARE
from ingestion.demo.write import TIME_FORMAT

# A second record of a customer, and test customers, orders and lines, count their ids from here on.
SECOND, TEST = 1_000_000, 3_000_000
SAME_MAILBOX_SHARE, UNMARKED_TESTS = 0.5, 4
# Per table: what an older version said, and what extra rows are broken by.
OLDER: dict[str, dict[str, list[str | None]]] = {
    "customers": {"accepts_marketing": ["true"], "tags": [None]},
    "orders": {"financial_status": ["paid"], "fulfillment_status": [None], "cancelled_at": [None]},
    "fulfillments": {"shipment_status": ["in_transit"], "delivered_at": [None]},
    "abandoned_checkouts": {"completed_at": [None]},
}
FAULTS: dict[str, list[tuple[str, str | None, str]]] = {
    "customers": [
        ("updated_at", None, "updated_at is missing"),
        ("accepts_marketing", "maybe", "is not true or false"),
    ],
    "orders": [
        ("total_price", "-14.99", "total_price is below 0"),
        ("created_at", IMPOSSIBLE_DATE, "created_at is not a timestamp"),
        ("currency", "eur", "currency is not of the form"),
    ],
    "order_lines": [
        ("quantity", "two", "quantity is not a whole number"),
        ("price", None, "price is missing"),
        ("order_id", None, "order_id is missing"),
    ],
    "order_line_refunds": [("subtotal", "-5.00", "subtotal is below 0")],
    "fulfillments": [("created_at", "soon", "created_at is not a timestamp")],
    "abandoned_checkouts": [("total_price", "12,50", "total_price is not a number")],
}


def share_addresses(draft: Draft, shoppers: pl.DataFrame, customers: pl.DataFrame) -> None:
    """Children order with a parent's e-mail address, partners give one phone number. The rates are of all shoppers.

    `customers`: the shoppers of the draft's customers, row by row.
    """
    for column, head, kind, rate in (
        ("email", "parent", "parents_email", draft.damage.parents_emails / CHILD_SHARE),
        ("phone", "partner", "shared_phone", draft.damage.shared_phones / PARTNER_SHARE),
    ):
        mask = draft.chosen("customers", kind, rate, customers[head].is_not_null())
        draft.change("customers", kind, mask, {column: shoppers[column].gather(customers[head])})


def add_second_records(draft: Draft, orders: pl.DataFrame, customers: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """Some customers came back as guests under another address: a second record, merged into the first or not.

    `orders`, `customers`: the truth of the draft's, row by row; `taken`: the private addresses that somebody has
    already. Returns: shopper, record_id, damage (which of both).
    """
    rate = draft.damage.duplicates + draft.damage.merged
    moved = (
        orders.filter(_is_by_second_record(orders))
        .group_by("shopper")
        .agg(first_at=pl.col("ordered_at").min(), last_at=pl.col("ordered_at").max())
    )
    chance = draft.generator("customers", "duplicates")
    drawn = pl.Series("drawn", chance.random(len(customers)))
    them = (
        customers.with_columns(drawn, place=pl.int_range(pl.len()))
        .join(moved, on="shopper", maintain_order="left")
        .filter((pl.col("drawn") < rate) & pl.col("parent").is_null())
        .with_columns(is_merged=pl.col("drawn") < draft.damage.merged)
    )
    size, first_name, last_name = len(them), them["first_name"], them["last_name"]
    first, last = variants.person_variants(chance, first_name, last_name)
    countries = them["country"].to_numpy().astype(object)
    other = names.private_emails(chance, first_name.to_numpy(), last_name.to_numpy(), countries, taken)
    same_mailbox = pl.Series(chance.random(size) < SAME_MAILBOX_SHARE)
    typed = variants.second_addresses(them["email"])
    hours = pl.Series(chance.integers(24, 2000, size))
    merged_at = pl.when("is_merged").then(pl.col("last_at") + pl.duration(hours=pl.lit(hours))).otherwise("last_at")
    times = them.select("is_merged", created_at="first_at", updated_at=pl.min_horizontal(merged_at, pl.lit(END)))
    times = times.with_columns(pl.col("created_at", "updated_at").dt.strftime(TIME_FORMAT))
    seconds = draft.tables["customers"][them["place"]].with_columns(
        id=shopify_ids("customers", them["shopper"] + SECOND),
        email=pl.when(same_mailbox).then(typed).otherwise(other),
        phone=variants.phone_variants(chance, them["phone"]),
        first_name=first,
        last_name=last,
        state=pl.lit("disabled"),
        tags=pl.lit(None, pl.String),
        merged_into_id=pl.when(times["is_merged"]).then("id"),
        created_at=times["created_at"],
        updated_at=times["updated_at"],
    )
    draft.append("customers", seconds.filter(~times["is_merged"]), "duplicate")
    draft.append("customers", seconds.filter(times["is_merged"]), "merged")
    damage = pl.when("is_merged").then(pl.lit("merged")).otherwise(pl.lit("duplicate"))
    return them.select("shopper", record_id=seconds["id"], damage=damage)


def note_buyers(draft: Draft, orders: pl.DataFrame, seconds: pl.DataFrame) -> None:
    """Let orders and checkouts say with whose record they were placed, and what that record says.

    Every other order of those who have a second record is on that, also after it was merged away. `orders`: the truth
    of the draft's, row by row.
    """
    second = orders.select("shopper").join(seconds, on="shopper", how="left", maintain_order="left")["record_id"]
    is_by_second = _is_by_second_record(orders) & second.is_not_null()
    by_first = draft.tables["orders"]["customer_id"]
    _note_buyer(draft, "orders", pl.select(pl.when(is_by_second).then(second).otherwise(by_first)).to_series())
    _note_buyer(draft, "abandoned_checkouts", draft.tables["abandoned_checkouts"]["customer_id"])


def _note_buyer(draft: Draft, table: str, customer_id: pl.Series) -> None:
    """Give rows a customer, and the address and number of that one where they had any."""
    written = draft.tables[table].with_columns(customer_id.alias("customer_id"))
    given = [column for column in ("email", "phone") if column in written.columns]
    known = draft.tables["customers"].select(
        pl.col("id").alias("customer_id"), *(pl.col(name).alias(f"their_{name}") for name in given)
    )
    theirs = written.join(known, on="customer_id", how="left", maintain_order="left").select(
        "customer_id", *(pl.when(pl.col(name).is_not_null()).then(f"their_{name}").alias(name) for name in given)
    )
    draft.change(table, "other_buyer", customer_id.is_not_null().to_numpy(), theirs.to_dict())


def _is_by_second_record(orders: pl.DataFrame) -> pl.Series:
    """Which orders are on their shopper's second record, where there is one."""
    return ~orders["is_unnamed"] & (orders["number"] % 2 == 0)


def add_tests(draft: Draft) -> pl.DataFrame:
    """The shop's own people try it: customers and orders that look real, most of them marked.

    Returns: customer_id, order_id, created_at, total_price.
    """
    customers, orders, lines = (draft.tables[name] for name in ("customers", "orders", "order_lines"))
    count = min(int(np.ceil(draft.damage.test_accounts * len(customers))), len(orders))
    like = draft.generator("customers", "test_accounts").choice(len(orders), count, replace=False)
    number = pl.Series(np.arange(count))
    models = orders[np.sort(like)]
    none = pl.lit(None, pl.String)
    email = pl.select(pl.format("test+{}@shop.example", number)).to_series()
    tried = models.with_columns(
        id=shopify_ids("orders", number + TEST),
        name=pl.select(pl.format("#T{}", number + 1)).to_series(),
        customer_id=shopify_ids("customers", number + TEST),
        email=email,
        phone=none,
        financial_status=pl.lit("paid"),
        fulfillment_status=none,
        test=pl.when(number % UNMARKED_TESTS > 0).then(pl.lit("true")).otherwise(pl.lit("false")),
        cancelled_at=none,
        updated_at="created_at",
    )
    testers = tried.select(
        "email",
        "created_at",
        "updated_at",
        id="customer_id",
        first_name=pl.lit("Test"),
        last_name=pl.lit("Test"),
        accepts_marketing=pl.lit("false"),
        state=pl.lit("enabled"),
        tags=pl.lit("test"),
    )
    copies = lines.join(
        pl.DataFrame({"order_id": models["id"], "test_id": tried["id"]}), on="order_id", maintain_order="left"
    )
    copies = copies.with_columns(
        id=shopify_ids("order_lines", pl.Series(np.arange(len(copies)) + TEST)), order_id="test_id"
    )
    draft.append("customers", pl.concat([customers.clear(), testers], how="diagonal"), "test_account")
    draft.append("orders", tried, "test_order")
    draft.append("order_lines", copies, "test_order")
    return tried.select("customer_id", "created_at", "total_price", order_id="id")


def misspell(draft: Draft) -> None:
    """The same names, numbers and addresses as other people type them, or as they avoid to give them."""
    customers, damage = draft.tables["customers"], draft.damage
    chance = draft.generator("customers", "variants")
    first, last = variants.person_variants(chance, customers["first_name"], customers["last_name"])
    phone = variants.phone_variants(chance, customers["phone"])
    street = variants.address_variants(chance, customers["default_address_address_1"])
    for kind, rate, values in (
        ("name_variant", damage.name_variants, {"first_name": first, "last_name": last}),
        ("phone_variant", damage.name_variants, {"phone": phone}),
        ("address_variant", damage.address_variants, {"default_address_address_1": street}),
    ):
        draft.change("customers", kind, draft.chosen("customers", kind, rate), values)
    draft.null_likes("customers", ["phone", "default_address_address_1"])


def deliver(draft: Draft) -> None:
    """Put the tables into two exports, with what comes late, again, corrected or broken."""
    ordered = draft.tables["order_lines"].join(
        draft.tables["orders"].select("created_at", order_id="id"), on="order_id", how="left", maintain_order="left"
    )["created_at"]
    for table, older in OLDER.items():
        draft.two_exports(table, "created_at", older)
    draft.two_files("order_lines", ordered)
    draft.two_files("order_line_refunds", draft.tables["order_line_refunds"]["created_at"])
    for table in ("orders", "order_line_refunds", "fulfillments", "abandoned_checkouts"):
        draft.late_rows(table, "created_at")
    for table, faults in FAULTS.items():
        draft.overlap(table)
        draft.twice_delivered(table)
        draft.broken_rows(table, faults)
    draft.added_column("orders", "landing_site", ["/", "/sale", "/gifts", "/new"])
