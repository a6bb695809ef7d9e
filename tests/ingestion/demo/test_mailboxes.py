"""Whose mailbox is whose: nobody has another one's, and a person's private address is one over all systems."""

from functools import cache

import polars as pl

from ingestion.demo import feedback, hubspot, loyalty, marketing, salesforce, storefront, support
from ingestion.demo.damage import DEFAULT, NULL_LIKE_EMAILS
from ingestion.demo.mistyped import ROLE_MAILBOXES
from ingestion.demo.shop import Shop, simulate_shop
from ingestion.demo.world import World, build_world
from ingestion.demo.write import Exports

# Per system: the tables that have addresses, and their columns for the record of somebody and for addresses.
WORLD_TABLES = {
    "hubspot": (hubspot.exports, {"contacts": ("id", "email", "hs_additional_emails")}),
    "salesforce": (salesforce.exports, {"contacts": ("id", "email")}),
    "zendesk": (support.exports, {"users": ("id", "email")}),
    "delighted": (
        feedback.exports,
        {"survey_requests": ("person_id", "email"), "survey_responses": ("person_id", "person_email")},
    ),
}
SHOP_TABLES = {
    "shopify": (storefront.exports, {"customers": ("id", "email"), "orders": ("customer_id", "email")}),
    "klaviyo": (marketing.exports, {"profiles": ("id", "email")}),
    "smile": (loyalty.exports, {"customers": ("id", "email")}),
}


@cache
def _world() -> World:
    return build_world(customers=400, months=6, rng=7)


@cache
def _shop() -> Shop:
    world = _world()
    return simulate_shop(world.seeds, world.months, shoppers=8000, reorder=world.story.reorder, people=world.people)


@cache
def _addresses() -> pl.DataFrame:
    """One row per record of a human and address: source, record_id, entity_id, damage, mailbox.

    Without tests, and without addresses that are nobody's.
    """
    parts = []
    for source, (export, tables) in WORLD_TABLES.items():
        parts += _of_system(source, export(_world(), DEFAULT), tables)
    for source, (export_shop, tables) in SHOP_TABLES.items():
        parts += _of_system(source, export_shop(_shop(), DEFAULT), tables)
    return pl.concat(parts).unique(maintain_order=True).filter(~pl.col("mailbox").is_in(NULL_LIKE_EMAILS))


def _of_system(source: str, exports: Exports, tables: dict[str, tuple[str, ...]]) -> list[pl.DataFrame]:
    humans = exports.truth["records"].filter(pl.col("entity_type").is_in(["person", "shopper"]) & ~pl.col("is_test"))
    known = humans.select("source", "record_id", "entity_id", "damage")
    rows = [
        frame.select(record_id=key, email=column)
        for table, (key, *columns) in tables.items()
        for _, frame in exports.tables[table]
        for column in columns
    ]
    found = pl.concat(rows).drop_nulls().join(known, on="record_id", maintain_order="left")
    return [found.select("source", "record_id", "entity_id", "damage", mailbox=_mailbox("email"))]


def _mailbox(column: str) -> pl.Expr:
    """In lower case, without a tag behind a plus, and where the provider takes no notice of dots, without them."""
    email = pl.col(column).str.strip_chars().str.to_lowercase().str.replace(r"\+[^@]*@", "@")
    local, domain = email.str.extract(r"^(.*)@", 1), email.str.extract(r"@(.*)$", 1)
    local = pl.when(domain == "gmail.com").then(local.str.replace_all(".", "", literal=True)).otherwise(local)
    return local + "@" + domain


def test_nobody_has_the_mailbox_of_another() -> None:
    addresses = _addresses()
    assert set(addresses["source"]) == {*WORLD_TABLES, *SHOP_TABLES}
    damaged = storefront.exports(_shop(), DEFAULT).truth["damaged"]
    children = damaged.filter(pl.col("damage") == "parents_email")["record_id"]
    planted = pl.col("record_id").is_in(children.implode()) | pl.col("mailbox").str.extract(r"^(.*)@", 1).is_in(
        list(ROLE_MAILBOXES)
    )
    owners = addresses.filter(~planted).group_by("mailbox").agg(pl.col("entity_id").unique())
    assert owners.filter(pl.col("entity_id").list.len() > 1).is_empty()
    assert len(owners) > 10_000
    sharers = addresses.filter(planted).group_by("mailbox").agg(pl.col("entity_id").n_unique())
    assert (sharers["entity_id"] > 1).any()


def test_a_person_has_one_private_address_over_all_systems() -> None:
    # A second account in the shop is under a second address, where it isn't of the same mailbox.
    is_second = (pl.col("source") == "shopify") & pl.col("damage").is_not_null()
    private = _addresses().filter(~pl.col("mailbox").str.ends_with(".example") & ~is_second)
    people = _world().people.select(
        entity_id=pl.format("person-{}", "person"), own=_mailbox("private_email"), work=_mailbox("email")
    )
    of_people = private.join(people, on="entity_id")
    assert (of_people["mailbox"] == of_people["own"]).all()
    assert set(of_people["source"]) == set(private["source"])
    systems = of_people.group_by("entity_id").agg(pl.col("source").n_unique())
    assert (systems["source"] > 1).sum() > 20
    assert people["own"].is_unique().all()
    assert private.group_by("entity_id").agg(pl.col("mailbox").n_unique())["mailbox"].max() == 1


def test_a_second_account_in_the_shop_keeps_something_of_the_first() -> None:
    exports = storefront.exports(_shop(), DEFAULT)
    customers = pl.concat([frame for _, frame in exports.tables["customers"]], how="diagonal").unique("id", keep="last")
    records = exports.truth["records"].filter(~pl.col("is_test")).select("entity_id", "damage", id="record_id")
    known = customers.join(records, on="id").with_columns(
        mailbox=_mailbox("email"), digits=pl.col("phone").str.replace_all(r"\D", "").str.tail(6)
    )
    second = known.filter(pl.col("damage").is_in(["duplicate", "merged"]))
    both = second.join(known.filter(pl.col("damage").is_null()), on="entity_id", suffix="_of_first")
    others = both.filter(pl.col("mailbox") != pl.col("mailbox_of_first"))
    assert 0.3 < len(others) / len(both) < 0.7
    zips = (others["default_address_zip"] == others["default_address_zip_of_first"]).mean()
    phones = (others["digits"] == others["digits_of_first"]).fill_null(value=False).mean()
    assert isinstance(zips, float)
    assert isinstance(phones, float)
    assert zips > 0.9
    assert phones > 0.5


def test_friends_who_did_not_answer_are_nobody_else() -> None:
    referrals = _shop().referrals.filter(pl.col("status").is_in(["pending", "cancelled"]))
    friends = referrals.select(mailbox=_mailbox("receiver_email"))["mailbox"]
    assert len(friends) > 20
    assert friends.is_unique().all()
    assert not friends.is_in(_addresses()["mailbox"].implode()).any()
    own = _world().people.select(mailbox=_mailbox("private_email"))["mailbox"]
    assert not friends.is_in(own.implode()).any()
