"""The shop's mailing system and loyalty programme: contracts hold, ledgers add up, the truth lists what is wrong."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import loyalty, marketing, storefront
from ingestion.demo.damage import DEFAULT, NONE, Damage
from ingestion.demo.shop import Shop
from tests.ingestion.demo.shop_loads import Exporter, Loaded, check_clean, check_damage, load_shop, shop_of

EXPORTERS: dict[str, Exporter] = {"klaviyo": marketing.exports, "smile": loyalty.exports}
KINDS = {
    "klaviyo": {
        "duplicate", "other_profile", "name_variant", "email_variant", "phone_variant", "country_variant", "null_like",
        "corrected", "late", "twice_delivered", "broken_row",
    },
    "smile": {
        "name_variant", "email_variant", "null_like", "time_zone", "corrected", "late", "twice_delivered", "broken_row",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Shop:
    return shop_of(4000, people=True)


@pytest.fixture(scope="module")
def loaded(
    tmp_path_factory: pytest.TempPathFactory, shop: Shop, contracts: Contracts
) -> Iterator[dict[tuple[str, str], Loaded]]:
    """(source, clean or damaged) → its exports, loaded."""
    profiles: dict[str, Damage] = {"clean": NONE, "damaged": DEFAULT}
    found = {
        (source, name): load_shop(tmp_path_factory.mktemp(name), source, exporter, shop, damage, contracts)
        for source, exporter in EXPORTERS.items()
        for name, damage in profiles.items()
    }
    yield found
    for each in found.values():
        each.con.close()


@pytest.mark.parametrize("source", EXPORTERS)
def test_undamaged_rows_fulfil_their_contract(source: str, loaded: dict[tuple[str, str], Loaded]) -> None:
    check_clean(loaded[source, "clean"])


@pytest.mark.parametrize("source", EXPORTERS)
def test_the_truth_lists_all_damage_and_nothing_else(source: str, loaded: dict[tuple[str, str], Loaded]) -> None:
    damaged = loaded[source, "damaged"]
    check_damage(damaged, loaded[source, "clean"])
    assert set(damaged.exports.truth["damaged"]["damage"]) == KINDS[source]


@pytest.mark.parametrize("which", ["clean", "damaged"])
def test_events_are_what_happened_to_messages(which: str, shop: Shop, loaded: dict[tuple[str, str], Loaded]) -> None:
    events = loaded["klaviyo", which].current("events")
    counts = dict(events.group_by("metric_name").len().iter_rows())
    messages = shop.messages.with_columns(is_mail=pl.col("channel") == "email")
    happened = messages.group_by("is_mail").agg(
        pl.col("sent_at", "opened_at", "reopened_at", "clicked_at", "bounced_at", "unsubscribed_at", "spam_at").count()
    )
    (mail,) = happened.filter("is_mail").rows(named=True)
    (text,) = happened.filter(~pl.col("is_mail")).rows(named=True)
    assert counts == {
        "Received Email": mail["sent_at"] - mail["bounced_at"],
        "Opened Email": mail["opened_at"] + mail["reopened_at"],
        "Clicked Email": mail["clicked_at"],
        "Bounced Email": mail["bounced_at"],
        "Unsubscribed": mail["unsubscribed_at"] + text["unsubscribed_at"],
        "Marked Email as Spam": mail["spam_at"],
        "Received SMS": text["sent_at"],
        "Clicked SMS": text["clicked_at"],
    }
    # A message's events share its id, its profile and its campaign.
    of_messages = events.group_by("message_id").agg(pl.n_unique("profile_id", "campaign_id"))
    assert of_messages["profile_id"].max() == of_messages["campaign_id"].max() == 1
    assert len(of_messages) == len(shop.messages)


def test_profiles_say_who_agreed(loaded: dict[tuple[str, str], Loaded]) -> None:
    asked = loaded["klaviyo", "clean"].query("""
        select
            email_consent, count(distinct profiles.id) as profiles,
            count(distinct profiles.id) filter (metric_name = 'Unsubscribed') as unsubscribed,
            count(metric_name) as events
        from raw_klaviyo.profiles left join raw_klaviyo.events on events.profile_id = profiles.id
        group by all
    """)
    profiles = {row["email_consent"]: row for row in asked.iter_rows(named=True)}
    assert profiles["NEVER_SUBSCRIBED"]["events"] == 0
    assert profiles["SUBSCRIBED"]["unsubscribed"] == 0
    assert profiles["UNSUBSCRIBED"]["unsubscribed"] == profiles["UNSUBSCRIBED"]["profiles"] > 50


@pytest.mark.parametrize("which", ["clean", "damaged"])
def test_points_add_up_to_the_members_balance(which: str, loaded: dict[tuple[str, str], Loaded]) -> None:
    assert (
        loaded["smile", which]
        .query("""
        with ledger as (
            select customer_id, sum(points_change) as points from raw_smile.points_transactions
            where _superseded_by is null group by all
        )
        select id from raw_smile.customers left join ledger on customer_id = id
        where _superseded_by is null and points is distinct from points_balance
    """)
        .is_empty()
    )


def test_points_and_referrals_lead_to_orders(shop: Shop, loaded: dict[tuple[str, str], Loaded]) -> None:
    smile = loaded["smile", "damaged"]
    orders = storefront.exports(shop, NONE).tables["orders"][0][1]
    redeemed = smile.current("points_transactions").filter(pl.col("kind") == "redeem")
    assert len(redeemed) > 50
    assert redeemed["order_id"].is_in(orders.filter(pl.col("discount_codes") == "POINTS500")["id"].implode()).all()
    referrals = smile.current("referrals")
    completed = referrals.filter(pl.col("status") == "completed")
    assert completed["reward_cost_amount"].n_unique() == 1
    assert completed["completed_at"].null_count() == 0
    assert referrals.filter(pl.col("status") != "completed")["reward_cost_amount"].sum() == 0
    # A friend's first order was placed when the referral was completed.
    firsts = orders.with_columns(at=pl.col("created_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us"))
    assert completed["completed_at"].is_in(firsts["at"].implode()).all()


@pytest.mark.parametrize("source", EXPORTERS)
def test_records_tell_who_is_who(source: str, loaded: dict[tuple[str, str], Loaded]) -> None:
    damaged = loaded[source, "damaged"]
    table = {"klaviyo": "profiles", "smile": "customers"}[source]
    records = damaged.exports.truth["records"]
    parties = damaged.current(table).join(records, left_on="id", right_on="record_id", how="full")
    assert parties["record_id"].null_count() == parties["id"].null_count() == 0
    assert set(records["entity_type"]) == {"shopper", "person"}
    assert records["damage"].eq_missing("duplicate").sum() == len(records) - records["entity_id"].n_unique()


def test_linked_profiles_are_of_the_same_shopper(shop: Shop, loaded: dict[tuple[str, str], Loaded]) -> None:
    klaviyo = loaded["klaviyo", "damaged"]
    customers = storefront.exports(shop, DEFAULT).truth["records"].select("entity_id", external_id="record_id")
    linked = (
        klaviyo.current("profiles")
        .join(klaviyo.exports.truth["records"], left_on="id", right_on="record_id")
        .join(customers, on="external_id", suffix="_in_shop")
    )
    assert len(linked) > 2000
    assert linked["entity_id"].equals(linked["entity_id_in_shop"], check_names=False)


@pytest.mark.parametrize(
    ("source", "switch", "kinds"),
    [
        ("klaviyo", "duplicates", {"duplicate", "other_profile"}),
        ("klaviyo", "name_variants", {"name_variant", "email_variant", "phone_variant"}),
        ("klaviyo", "address_variants", {"country_variant"}),
        ("klaviyo", "corrected", {"corrected"}),
        ("smile", "null_likes", {"null_like"}),
        ("smile", "time_zones", {"time_zone"}),
        ("smile", "twice_delivered", {"twice_delivered"}),
        ("smile", "broken_rows", {"broken_row"}),
    ],
)
def test_each_kind_of_damage_can_be_switched_on_alone(source: str, switch: str, kinds: set[str], shop: Shop) -> None:
    damage = replace(NONE, **{switch: getattr(DEFAULT, switch)})
    assert set(EXPORTERS[source](shop, damage).truth["damaged"]["damage"]) == kinds


@pytest.mark.parametrize("source", EXPORTERS)
def test_the_same_seed_gives_the_same_files(source: str, shop: Shop, loaded: dict[tuple[str, str], Loaded]) -> None:
    before, again = loaded[source, "damaged"].exports, EXPORTERS[source](shop, DEFAULT)
    for table, files in before.tables.items():
        for (_, frame), (_, other) in zip(files, again.tables[table], strict=True):
            assert frame.equals(other)
    assert all(frame.equals(again.truth[name]) for name, frame in before.truth.items())


@pytest.mark.parametrize("source", EXPORTERS)
@pytest.mark.parametrize("count", [1, 15])
def test_the_smallest_shops_can_be_exported(source: str, count: int) -> None:
    for damage in (NONE, DEFAULT):
        assert EXPORTERS[source](shop_of(count), damage).tables
