"""HubSpot and Salesforce: contracts hold, the truth lists what is wrong, ids lead where they should."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import hubspot, salesforce
from ingestion.demo.crm import MERGED, book, deals, in_both, meetings, merged, noted_ids, staff
from ingestion.demo.damage import DEFAULT, FIRST_EXPORT, NONE
from ingestion.demo.ids import hubspot_ids, salesforce_ids
from ingestion.demo.world import build_world
from tests.ingestion.demo import relation_loads as relations
from tests.ingestion.demo.relation_loads import Loaded, System, small_world

SYSTEMS = {
    "hubspot": System("hubspot", hubspot.exports, hubspot.SHAPES),
    "salesforce": System("salesforce", salesforce.exports, salesforce.SHAPES),
}
both = pytest.mark.parametrize("name", SYSTEMS)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[dict[tuple[str, str], Loaded]]:
    """(system, clean or damaged) → its exports, loaded."""
    found = {
        (name, which): relations.load(tmp_path_factory.mktemp(which), system, damage, contracts)
        for name, system in SYSTEMS.items()
        for which, damage in (("clean", NONE), ("damaged", DEFAULT))
    }
    yield found
    for each in found.values():
        each.con.close()


@both
def test_shapes_are_those_of_the_contracts(name: str, contracts: Contracts) -> None:
    relations.check_shapes(SYSTEMS[name], contracts)


@both
def test_undamaged_rows_fulfil_their_contract(
    name: str, loaded: dict[tuple[str, str], Loaded], contracts: Contracts
) -> None:
    relations.check_clean(loaded[name, "clean"], contracts)


@both
def test_the_loader_does_with_damage_what_the_truth_expects(
    name: str, loaded: dict[tuple[str, str], Loaded], contracts: Contracts
) -> None:
    relations.check_loads(loaded[name, "damaged"], contracts)


@both
def test_the_truth_lists_all_damage_and_nothing_else(name: str, loaded: dict[tuple[str, str], Loaded]) -> None:
    relations.check_list(loaded[name, "damaged"], loaded[name, "clean"])
    relations.check_records(loaded[name, "damaged"])


@both
def test_the_same_seed_gives_the_same_exports(name: str) -> None:
    relations.check_repeatable(SYSTEMS[name])


def test_each_company_is_in_the_crm_of_its_unit(loaded: dict[tuple[str, str], Loaded]) -> None:
    units = {"hubspot": ("core", "companies"), "salesforce": ("acquired", "accounts")}
    for name, (unit, table) in units.items():
        own = small_world().companies.filter(pl.col("unit") == unit)
        records = loaded[name, "clean"].exports.truth["records"].filter(pl.col("table") == table)
        assert set(records["entity_id"]) == {f"company-{company}" for company in own["company"]}
        guests = (
            loaded[name, "damaged"]
            .exports.truth["records"]
            .filter((pl.col("table") == table) & (pl.col("damage") == "cross_system"))
        )
        others = small_world().companies.filter(pl.Series(in_both(small_world(), DEFAULT)) & (pl.col("unit") != unit))
        assert set(guests["entity_id"]) == {f"company-{company}" for company in others["company"]}


def test_hubspot_survivors_keep_the_ids_that_were_merged_away(loaded: dict[tuple[str, str], Loaded]) -> None:
    damaged = loaded["hubspot", "damaged"]
    contacts = damaged.newest("contacts")
    survivors = contacts.filter(pl.col("hs_merged_object_ids").is_not_null())
    assert len(survivors) > 0
    assert not contacts["id"].is_in(survivors["hs_merged_object_ids"].implode()).any()
    listed = damaged.damaged.filter((pl.col("table") == "contacts") & (pl.col("damage") == "merged"))
    assert set(survivors["id"]) == set(listed["record_id"])


def test_salesforce_keeps_what_was_merged_away_in_the_bin(loaded: dict[tuple[str, str], Loaded]) -> None:
    contacts = loaded["salesforce", "damaged"].newest("contacts")
    gone = contacts.filter(pl.col("master_record_id").is_not_null())
    assert len(gone) > 0
    assert (gone["is_deleted"] == "true").all()
    assert gone["master_record_id"].is_in(contacts["id"].implode()).all()


def test_other_systems_note_the_id_of_the_record_that_was_merged_away() -> None:
    world, damage = small_world(), replace(DEFAULT, merged=0.4)
    is_merged = merged(world, damage)
    assert 0 < is_merged.sum() < len(is_merged)
    index = world.companies["company"].to_numpy() + MERGED * is_merged
    expected = [
        (hubspot_ids("companies", index) if unit == "core" else salesforce_ids("001", index))[place]
        for place, unit in enumerate(world.companies["unit"])
    ]
    assert noted_ids(world, damage).to_list() == expected
    exports = salesforce.exports(world, damage)
    accounts = pl.concat([frame for _, frame in exports.tables["accounts"]], how="diagonal")
    acquired = (world.companies["unit"] == "acquired").to_numpy()
    assert noted_ids(world, damage).filter(pl.Series(acquired)).is_in(accounts["id"].implode()).all()


def test_salesforce_ids_of_both_lengths_lead_to_the_same_record(loaded: dict[tuple[str, str], Loaded]) -> None:
    clean = loaded["salesforce", "clean"]
    accounts, users = clean.newest("accounts"), clean.newest("users")
    opportunities, contacts = clean.newest("opportunities"), clean.newest("contacts")
    assert (accounts["id"].str.len_chars() == 18).all()
    assert (opportunities["account_id"].str.len_chars() == 15).all()
    assert opportunities["account_id"].is_in(accounts["id"].str.slice(0, 15).implode()).all()
    assert opportunities["owner_id"].is_in(users["id"].str.slice(0, 15).implode()).all()
    assert contacts["account_id"].is_in(accounts["id"].implode()).all()
    history = clean.newest("opportunity_history")
    assert history["opportunity_id"].is_in(opportunities["id"].implode()).all()
    last = history.group_by("opportunity_id", maintain_order=True).agg(pl.col("stage_name").last())
    closed = opportunities.filter(pl.col("is_closed") == "true").join(last, left_on="id", right_on="opportunity_id")
    assert (closed["stage_name"] == closed["stage_name_right"]).all()


def test_associations_lead_to_records(loaded: dict[tuple[str, str], Loaded]) -> None:
    for which in ("clean", "damaged"):
        exports = loaded["hubspot", which]
        links = exports.newest("associations").filter(pl.col("from_object_type") != "quotes")
        for side in ("from", "to"):
            for (table,), rows in links.group_by(f"{side}_object_type"):
                known = pl.concat([frame["id"] for _, frame in exports.exports.tables[str(table)]])
                assert rows[f"{side}_object_id"].is_in(known.implode()).all()


def test_deals_and_activities_hang_on_second_records_too() -> None:
    exports = hubspot.exports(small_world(), replace(NONE, duplicates=0.5))
    records = exports.truth["records"].filter(pl.col("table") == "companies")
    company = dict(records.select("record_id", "entity_id").iter_rows())
    second = records.filter(pl.col("damage") == "duplicate")["record_id"]
    since = exports.tables["companies"][0][1].select(to_object_id="id", since="createdate")
    links = exports.tables["associations"][0][1]
    of_second = links.filter(pl.col("to_object_id").is_in(second.implode())).join(since, on="to_object_id")
    clean = hubspot.exports(small_world(), NONE).tables["associations"][0][1]
    for table, created in (("deals", "createdate"), ("engagements", "hs_timestamp")):
        key = ["from_object_type", "from_object_id"]
        before = clean.filter((pl.col("from_object_type") == table) & (pl.col("to_object_type") == "companies"))
        moved = of_second.join(before.select(*key, was="to_object_id"), on=key)
        at = exports.tables[table][0][1].select(from_object_id="id", at=created)
        assert len(moved) > 0
        assert moved["to_object_id"].replace_strict(company).equals(moved["was"].replace_strict(company))
        assert moved.join(at, on="from_object_id").select((pl.col("at") >= pl.col("since")).all()).item()
    deals_of_second = salesforce.exports(small_world(), replace(NONE, duplicates=1.0))
    accounts = deals_of_second.truth["records"].filter(pl.col("damage") == "duplicate")["record_id"].str.head(15)
    assert deals_of_second.tables["opportunities"][0][1]["account_id"].is_in(accounts.implode()).any()


def test_the_first_export_says_what_was_known_by_then() -> None:
    world = build_world(customers=400, months=12, rng=7)
    left = world.companies.filter(pl.col("churned_at") >= FIRST_EXPORT)
    assert len(left) > 3
    (_, companies), _ = hubspot.exports(world, DEFAULT).tables["companies"]
    (_, accounts), _ = salesforce.exports(world, DEFAULT).tables["accounts"]
    then = companies.filter(pl.col("id").is_in(hubspot_ids("companies", left["company"]).implode()))
    assert then["customer_status"].unique().to_list() == ["active"]
    then = accounts.filter(pl.col("id").is_in(salesforce_ids("001", left["company"]).implode()))
    assert then["type"].unique().to_list() == ["Customer"]
    for frame, stamp in ((companies, "hs_lastmodifieddate"), (accounts, "system_modstamp")):
        assert (frame[stamp] < FIRST_EXPORT.isoformat()).all()


def test_deals_follow_the_subscriptions() -> None:
    world = small_world()
    frame = deals(world)
    won = frame.filter((pl.col("kind") != "renewal") & (pl.col("outcome") == "won"))
    new = won.filter(pl.col("kind") == "new")
    assert len(new) == world.states["reason"].str.contains("new|reactivation").sum()
    assert set(new["company"]) == set(world.companies["company"])
    renewals = frame.filter(pl.col("kind") == "renewal")
    yearly = world.states.filter("is_yearly")["company"]
    assert renewals["company"].is_in(yearly.implode()).all()
    assert frame.select((pl.col("created_at") <= world.end) & (pl.col("modified_at") <= world.end)).to_series().all()


def test_nobody_meets_a_person_who_has_left() -> None:
    world = small_world()
    held = meetings(world).join(world.people.select("person", "left_at", employer="company"), on="person", how="inner")
    assert len(held) > 100
    assert (held["company"] == held["employer"]).all()
    assert held.filter(pl.col("held_at") >= pl.col("left_at")).is_empty()
    assert meetings(world).filter(pl.col("held_at") > world.end)["outcome"].unique().to_list() == ["scheduled"]


def test_what_the_team_says_fits_the_world() -> None:
    world = small_world()
    frame = book(world)
    assert (frame["is_active"] == world.companies["churned_at"].is_null()).all()
    latest = world.panel.group_by("company", maintain_order=True).last()
    unhappy = latest.filter(pl.col("satisfaction") < 0.4)["company"]
    assert not frame.filter(pl.col("company").is_in(unhappy.implode()))["sentiment"].is_in(["green"]).any()
    due = frame.filter(pl.col("renewal_date").is_not_null())
    assert (due["renewal_date"] > world.end.date()).all()
    assert staff(world.seeds)["email"].is_unique().all()
