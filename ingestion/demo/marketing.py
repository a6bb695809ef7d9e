"""What the shop's mailing system (Klaviyo) exports: profiles, campaigns and flows, and what became of each message."""

import numpy as np
import polars as pl

from ingestion.demo import variants
from ingestion.demo.damage import IMPOSSIBLE_DATE, Damage, Draft, Shape
from ingestion.demo.ids import klaviyo_ids, shopify_ids
from ingestion.demo.shop import Shop
from ingestion.demo.storefront import customers_of, party_records
from ingestion.demo.write import TIME_FORMAT, Exports

SHAPES = {
    "profiles": Shape(version="updated", dated_by="created"),
    "campaigns": Shape(version="updated_at", dated_by="created_at"),
    "events": Shape(dated_by="datetime"),
}
# A second profile of a shopper counts its ids from here on.
SECOND = 1_000_000
# The metric's name by e-mail and by text message, and the message's column that dates it.
METRICS = (
    ("Received Email", "Received SMS", "sent_at"),
    ("Opened Email", None, "opened_at"),
    ("Opened Email", None, "reopened_at"),
    ("Clicked Email", "Clicked SMS", "clicked_at"),
    ("Bounced Email", None, "bounced_at"),
    ("Unsubscribed", "Unsubscribed", "unsubscribed_at"),
    ("Marked Email as Spam", None, "spam_at"),
)
# One in so many profiles came from a form that asks for no name, and one in so many isn't linked to the shop.
NAMELESS, UNLINKED = 7, 12
FAULTS: dict[str, list[tuple[str, str | None, str]]] = {
    "profiles": [("email_consent", "yes", "email_consent is not one of"), ("created", None, "created is missing")],
    "events": [
        ("metric_name", "Opened E-Mail", "metric_name is not one of"),
        ("datetime", IMPOSSIBLE_DATE, "datetime is not a timestamp"),
        ("profile_id", None, "profile_id is missing"),
    ],
}


def exports(shop: Shop, damage: Damage) -> Exports:
    """Klaviyo's files and their truth (`records`, `damaged`)."""
    them = _profiled(shop)
    tables = {"profiles": _profiles(shop, them), "campaigns": _campaigns(shop), "events": _events(shop)}
    draft = Draft("klaviyo", shop.seeds, damage, SHAPES, tables)
    seconds = _add_second_profiles(draft, shop, them)
    _misspell(draft)
    draft.two_exports("profiles", "created", {"email_consent": ["SUBSCRIBED"]})
    draft.two_files("events", draft.tables["events"]["datetime"])
    draft.late_rows("events", "datetime")
    for table, faults in FAULTS.items():
        draft.overlap(table)
        draft.twice_delivered(table)
        draft.broken_rows(table, faults)
    firsts = them.select("shopper", record_id=klaviyo_ids("profiles", them["shopper"]))
    records = pl.concat([firsts, seconds], how="diagonal")
    return draft.exports({"records": party_records(shop, "klaviyo", "profiles", records)})


def _profiled(shop: Shop) -> pl.DataFrame:
    """Grown-ups who agreed to mail, or of whom the shop has a record."""
    known = pl.col("shopper").is_in(customers_of(shop)["shopper"].implode())
    return shop.shoppers.filter((pl.col("has_mail_consent") | known) & pl.col("parent").is_null())


def _profiles(shop: Shop, them: pl.DataFrame) -> pl.DataFrame:
    seen = shop.messages.group_by("shopper").agg(clicked_at=pl.col("clicked_at").max())
    them = them.join(seen, on="shopper", how="left", maintain_order="left")
    is_linked = them["shopper"].is_in(customers_of(shop)["shopper"].implode()) & (them["shopper"] % UNLINKED > 0)
    has_name = pl.col("shopper") % NAMELESS > 0
    return them.select(
        id=klaviyo_ids("profiles", them["shopper"]),
        email="email",
        phone_number="phone",
        external_id=pl.when(is_linked).then(shopify_ids("customers", them["shopper"])),
        first_name=pl.when(has_name).then("first_name"),
        last_name=pl.when(has_name).then("last_name"),
        city="city",
        zip="postal_code",
        country=variants.country_names(them["country"]),
        email_consent=pl.when(~pl.col("has_mail_consent"))
        .then(pl.lit("NEVER_SUBSCRIBED"))
        .when(pl.col("unsubscribed_at").is_not_null())
        .then(pl.lit("UNSUBSCRIBED"))
        .otherwise(pl.lit("SUBSCRIBED")),
        created="registered_at",
        updated=pl.max_horizontal("registered_at", "clicked_at", "unsubscribed_at"),
    )


def _campaigns(shop: Shop) -> pl.DataFrame:
    return shop.campaigns.select(
        "name",
        "kind",
        "channel",
        "created_at",
        id=klaviyo_ids("campaigns", shop.campaigns["campaign"]),
        updated_at="created_at",
    )


def _events(shop: Shop) -> pl.DataFrame:
    """One row per thing that happened to a message; one that bounced wasn't received."""
    messages = shop.messages.select(
        "message",
        "channel",
        *(column for _, _, column in METRICS),
        profile_id=klaviyo_ids("profiles", shop.messages["shopper"]),
        campaign_id=klaviyo_ids("campaigns", shop.messages["campaign"]),
        message_id=klaviyo_ids("messages", shop.messages["message"]),
    )
    parts = []
    for place, (by_mail, by_text, column) in enumerate(METRICS):
        happened = pl.col(column).is_not_null()
        if column == "sent_at":
            happened &= pl.col("bounced_at").is_null()
        parts.append(
            messages.filter(happened).select(
                pl.col("message") * len(METRICS) + place,
                "profile_id",
                "campaign_id",
                "message_id",
                metric_name=pl.when(pl.col("channel") == "sms").then(pl.lit(by_text)).otherwise(pl.lit(by_mail)),
                datetime=pl.col(column),
            )
        )
    events = pl.concat(parts).sort("datetime", "message")
    return events.select(
        "profile_id",
        "metric_name",
        "campaign_id",
        "message_id",
        "datetime",
        id=klaviyo_ids("events", events["message"]),
    )


def _add_second_profiles(draft: Draft, shop: Shop, them: pl.DataFrame) -> pl.DataFrame:
    """Some shoppers signed up twice: a second profile without link to the shop, to which half of the mail goes.

    Returns: shopper, record_id, damage.
    """
    messages = shop.messages.filter(pl.col("message") % 2 == 0)
    sent = messages.group_by("shopper").agg(first_at=pl.col("sent_at").min(), last_at=pl.col("sent_at").max())
    is_chosen = pl.Series(draft.chosen("profiles", "duplicates", draft.damage.duplicates))
    twice = them.with_columns(place=pl.int_range(pl.len())).filter(is_chosen)
    twice = twice.join(sent, on="shopper", maintain_order="left")
    known = draft.tables["profiles"][twice["place"]]
    seconds = known.with_columns(
        id=klaviyo_ids("profiles", twice["shopper"] + SECOND),
        email=variants.second_addresses(known["email"]),
        phone_number=pl.lit(None, pl.String),
        external_id=pl.lit(None, pl.String),
        created=twice["first_at"].dt.strftime(TIME_FORMAT),
        updated=twice["last_at"].dt.strftime(TIME_FORMAT),
    )
    draft.append("profiles", seconds, "duplicate")
    half = messages.filter(pl.col("shopper").is_in(twice["shopper"].implode()))
    moved = pl.DataFrame(
        {
            "message_id": klaviyo_ids("messages", half["message"]),
            "second_id": klaviyo_ids("profiles", half["shopper"] + SECOND),
        }
    )
    events = draft.tables["events"].select("message_id").join(moved, on="message_id", how="left", maintain_order="left")
    is_moved = events["second_id"].is_not_null().to_numpy()
    draft.change("events", "other_profile", is_moved, {"profile_id": events["second_id"]})
    return twice.select("shopper", record_id=seconds["id"], damage=pl.lit("duplicate"))


def _misspell(draft: Draft) -> None:
    """The same names, numbers and countries as other people type them, or as they avoid to give them."""
    profiles, damage = draft.tables["profiles"], draft.damage
    chance = draft.generator("profiles", "variants")
    first, last = variants.person_variants(chance, profiles["first_name"], profiles["last_name"])
    for kind, rate, values in (
        ("name_variant", damage.name_variants, {"first_name": first, "last_name": last}),
        ("email_variant", damage.name_variants, {"email": variants.email_variants(chance, profiles["email"])}),
        (
            "phone_variant",
            damage.name_variants,
            {"phone_number": variants.phone_variants(chance, profiles["phone_number"])},
        ),
        ("country_variant", damage.address_variants, {"country": _as_typed(chance, profiles["country"])}),
    ):
        draft.change("profiles", kind, draft.chosen("profiles", kind, rate), values)
    draft.null_likes("profiles", ["phone_number", "city", "last_name"])


def _as_typed(chance: np.random.Generator, names: pl.Series) -> pl.Series:
    codes = {known[0]: code for code, known in variants.COUNTRY_NAMES.items()}
    return variants.countries_as_typed(chance, names.replace_strict(codes, return_dtype=pl.String))
