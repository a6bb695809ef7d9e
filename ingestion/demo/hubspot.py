"""HubSpot's exports: the core unit's companies, contacts, deals and activities, in HubSpot's words."""

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, HOUR, as_times
from ingestion.demo.crm import LAST, book, deals, in_both, in_crm, meetings, money, seconds, staff
from ingestion.demo.damage import Damage, Draft, Shape
from ingestion.demo.hubspot_damage import damaged
from ingestion.demo.ids import hubspot_ids
from ingestion.demo.variants import country_names
from ingestion.demo.world import World
from ingestion.demo.write import Exports

LINK_KEY = ("from_object_type", "from_object_id", "to_object_type", "to_object_id", "association_label")
SHAPES = {
    "companies": Shape(version="hs_lastmodifieddate", dated_by="createdate", is_full=True),
    "contacts": Shape(version="lastmodifieddate", dated_by="createdate", is_full=True),
    "deals": Shape(version="hs_lastmodifieddate", dated_by="createdate"),
    "engagements": Shape(version="hs_lastmodifieddate", dated_by="hs_timestamp"),
    "associations": Shape(key=LINK_KEY, is_full=True),
    "owners": Shape(version="updatedat", dated_by="createdat", is_full=True),
}
BUYING_ROLES = {
    "executive_sponsor": "EXECUTIVE_SPONSOR", "champion": "CHAMPION", "decision_maker": "DECISION_MAKER",
    "user": "END_USER",
}  # fmt: skip
LABELS = {
    "executive_sponsor": "Executive Sponsor", "champion": "Champion", "decision_maker": "Decision Maker",
    "billing": "Billing Contact",
}  # fmt: skip
DEAL_TYPES = {"new": "newbusiness", "expansion": "existingbusiness", "renewal": "renewal"}
DEAL_NAMES = {"new": "New business", "expansion": "Expansion", "renewal": "Renewal"}
OPEN_STAGES = ("presentationscheduled", "decisionmakerboughtin", "contractsent")
OUTCOMES = {"completed": "COMPLETED", "no_show": "NO_SHOW", "canceled": "CANCELED", "scheduled": "SCHEDULED"}
# Share of the people who left whose record is in the bin.
BIN_SHARE = 0.2


def exports(world: World, damage: Damage) -> Exports:
    """All of HubSpot's tables; truth: `records`, `damaged`, and the `contradictions` whose first record is here."""
    every = book(world)
    companies = every.filter(pl.col("system") == "hubspot")
    people = _people(world, companies)
    own = companies.select("company", "name")
    core_deals = deals(world).join(own, on="company", how="inner", maintain_order="left")
    activities = meetings(world).join(own, on="company", how="semi", maintain_order="left")
    tables = {
        "companies": _companies(companies),
        "contacts": _contacts(world, people),
        "deals": _deals(world, core_deals),
        "engagements": _engagements(activities),
        "associations": pl.concat([_contact_links(people), _other_links(core_deals, activities)]),
        "owners": _owners(staff(world.seeds)),
    }
    draft = Draft("hubspot", world.seeds, damage, SHAPES, tables)
    guests = every.filter(pl.Series(in_both(world, damage)) & (pl.col("system") != "hubspot"))
    known = _people(world, guests).filter(pl.col("role") != "user")
    guest_tables = {
        "companies": _companies(guests),
        "contacts": _contacts(world, known),
        "associations": _contact_links(known),
    }
    return damaged(draft, world, companies, people, guests, known, guest_tables)


def _people(world: World, companies: pl.DataFrame) -> pl.DataFrame:
    """The contacts at the given companies, with what their records say of these."""
    employers = companies.select("company", "domain", company_name="name", switchboard="phone")
    contacts = world.people.filter(pl.Series(in_crm(world)))
    return contacts.join(employers, on="company", how="inner", maintain_order="left")


def _companies(companies: pl.DataFrame) -> pl.DataFrame:
    active = pl.col("is_active")
    return companies.select(
        id=hubspot_ids("companies", companies["company"]),
        name="name",
        domain="domain",
        phone="phone",
        address="street",
        city="city",
        zip="postal_code",
        country=country_names(companies["country"]),
        industry="industry",
        numberofemployees="employees",
        lifecyclestage=pl.when(active).then(pl.lit("customer")).otherwise(pl.lit("other")),
        customer_status=pl.when(active).then(pl.lit("active")).otherwise(pl.lit("former")),
        plan="plan",
        renewal_date="renewal_date",
        csm_sentiment="sentiment",
        vat_id="vat_id",
        hubspot_owner_id=hubspot_ids("owners", companies["owner"]),
        hs_merged_object_ids=pl.lit(None, pl.String),
        createdate="created_at",
        hs_lastmodifieddate="modified_at",
        archived=pl.lit(False),
    )


def _contacts(world: World, people: pl.DataFrame) -> pl.DataFrame:
    chance = world.seeds.generator("hubspot.contacts")
    joined, left = seconds(people["joined_at"]), seconds(people["left_at"])
    created = np.minimum(joined + chance.integers(HOUR, 30 * DAY, len(people)), LAST - HOUR)
    touched = created + (chance.random(len(people)) * (LAST - created)).astype(np.int64)
    has_left = left > 0
    noticed = np.clip(left + chance.integers(0, 9 * DAY, len(people)), created, LAST)
    modified = np.where(has_left, noticed, touched)
    return people.select(
        id=hubspot_ids("contacts", people["person"]),
        email="email",
        hs_additional_emails=pl.lit(None, pl.String),
        firstname="first_name",
        lastname="last_name",
        phone=pl.lit(None, pl.String),
        mobilephone="phone",
        jobtitle="title",
        company="company_name",
        city="city",
        country=country_names(people["country"]),
        associatedcompanyid=hubspot_ids("companies", people["company"]),
        hs_buying_role=pl.col("role").replace_strict(BUYING_ROLES, default=None),
        lifecyclestage=pl.lit("customer"),
        hs_merged_object_ids=pl.lit(None, pl.String),
        createdate=as_times("createdate", created),
        lastmodifieddate=as_times("lastmodifieddate", modified),
        archived=pl.Series(has_left & (chance.random(len(people)) < BIN_SHARE)),
    )


def _deals(world: World, frame: pl.DataFrame) -> pl.DataFrame:
    stage = world.seeds.generator("hubspot.deals").choice(OPEN_STAGES, len(frame))
    outcome = pl.col("outcome")
    return frame.select(
        id=hubspot_ids("deals", frame["deal"]),
        dealname=pl.col("name") + " - " + pl.col("kind").replace_strict(DEAL_NAMES),
        pipeline=pl.when(pl.col("kind") == "renewal").then(pl.lit("renewals")).otherwise(pl.lit("default")),
        dealtype=pl.col("kind").replace_strict(DEAL_TYPES),
        dealstage=pl.when(outcome == "won")
        .then(pl.lit("closedwon"))
        .when(outcome == "lost")
        .then(pl.lit("closedlost"))
        .otherwise(pl.Series(stage)),
        amount=money("amount_minor"),
        deal_currency_code="currency",
        hs_is_closed_won=outcome == "won",
        closedate="closes_at",
        hubspot_owner_id=hubspot_ids("owners", frame["owner"]),
        createdate="created_at",
        hs_lastmodifieddate="modified_at",
    )


def _engagements(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        id=hubspot_ids("engagements", frame["meeting"]),
        type="type",
        hs_activity_type="kind",
        hs_meeting_outcome=pl.col("outcome").replace_strict(OUTCOMES, default=None),
        hubspot_owner_id=hubspot_ids("owners", frame["owner"]),
        hs_timestamp="held_at",
        hs_lastmodifieddate="modified_at",
    )


def _contact_links(people: pl.DataFrame) -> pl.DataFrame:
    """Contacts to their companies: the primary link, and another that tells the role."""
    contacts, employers = hubspot_ids("contacts", people["person"]), hubspot_ids("companies", people["company"])
    label = people["role"].replace_strict(LABELS, default=None, return_dtype=pl.String)
    by_role = _links("contacts", contacts, "companies", employers, label)
    return pl.concat(
        [
            _links("contacts", contacts, "companies", employers, pl.lit("Primary")),
            by_role.filter(pl.col("association_label").is_not_null()),
        ]
    )


def _other_links(core_deals: pl.DataFrame, activities: pl.DataFrame) -> pl.DataFrame:
    """Deals and activities to companies, activities to the contacts who took part."""
    deal_ids, sellers = hubspot_ids("deals", core_deals["deal"]), hubspot_ids("companies", core_deals["company"])
    met = activities.filter(pl.col("person").is_not_null())
    held, met_ids = hubspot_ids("engagements", activities["meeting"]), hubspot_ids("engagements", met["meeting"])
    return pl.concat(
        [
            _links("deals", deal_ids, "companies", sellers),
            _links("engagements", held, "companies", hubspot_ids("companies", activities["company"])),
            _links("engagements", met_ids, "contacts", hubspot_ids("contacts", met["person"])),
        ]
    )


def _links(
    one: str, ones: pl.Series, other: str, others: pl.Series, label: pl.Series | pl.Expr | None = None
) -> pl.DataFrame:
    return pl.DataFrame({"from_object_id": ones, "to_object_id": others}).select(
        from_object_type=pl.lit(one),
        from_object_id="from_object_id",
        to_object_type=pl.lit(other),
        to_object_id="to_object_id",
        association_label=pl.lit(None, pl.String) if label is None else label,
    )


def _owners(owners: pl.DataFrame) -> pl.DataFrame:
    return owners.select(
        id=hubspot_ids("owners", owners["owner"]),
        email="email",
        firstname="first",
        lastname="last",
        team="team",
        createdat="joined_at",
        updatedat="joined_at",
        archived=pl.lit(False),
    )
