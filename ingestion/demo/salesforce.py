"""Salesforce's exports: the acquired unit's accounts, contacts and opportunities, in Salesforce's words.

Opportunities refer to accounts and owners by ids of 15 characters, everything else by ids of 18.
"""

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, END, HOUR, as_times
from ingestion.demo.crm import LAST, book, deals, in_both, in_crm, money, seconds, staff
from ingestion.demo.damage import Damage, Draft, Shape
from ingestion.demo.ids import salesforce_ids
from ingestion.demo.salesforce_damage import ACCOUNT, CONTACT, USER, damaged
from ingestion.demo.variants import country_names
from ingestion.demo.world import World
from ingestion.demo.write import Exports

SHAPES = {
    "accounts": Shape(version="system_modstamp", dated_by="created_date"),
    "contacts": Shape(version="system_modstamp", dated_by="created_date"),
    "opportunities": Shape(version="system_modstamp", dated_by="created_date"),
    "opportunity_history": Shape(dated_by="created_date"),
    "users": Shape(version="system_modstamp", dated_by="created_date", is_full=True),
}
OPPORTUNITY, HISTORY = "006", "008"
CONTACT_ROLES = {
    "executive_sponsor": "Executive Sponsor", "champion": "Champion", "decision_maker": "Decision Maker",
    "user": "User",
}  # fmt: skip
TYPES = {"new": "New Business", "expansion": "Expansion", "renewal": "Renewal"}
STAGES = {"won": "Closed Won", "lost": "Closed Lost", "open": "Negotiation/Review"}
# Stage and probability in percent that each opportunity passes at these shares of its way.
STEPS = ((0.0, "Prospecting", 10.0), (0.35, "Proposal/Price Quote", 50.0), (0.7, "Negotiation/Review", 75.0))
# Share of the people who left whose record is in the bin; share of records that a program touched last.
BIN_SHARE, PROGRAM_SHARE = 0.2, 0.3


def exports(world: World, damage: Damage) -> Exports:
    """All of Salesforce's tables; truth: `records`, `damaged`, and the `contradictions` whose first record is here."""
    every = book(world)
    companies = every.filter(pl.col("system") == "salesforce")
    people = _people(world, companies)
    opportunities = deals(world).join(
        companies.select("company", "name"), on="company", how="inner", maintain_order="left"
    )
    tables = {
        "accounts": _accounts(world, companies),
        "contacts": _contacts(world, people),
        "opportunities": _opportunities(opportunities),
        "opportunity_history": _history(opportunities),
        "users": _users(staff(world.seeds)),
    }
    draft = Draft("salesforce", world.seeds, damage, SHAPES, tables)
    guests = every.filter(pl.Series(in_both(world, damage)) & (pl.col("system") != "salesforce"))
    known = _people(world, guests).filter(pl.col("role") != "user")
    guest_tables = {"accounts": _accounts(world, guests), "contacts": _contacts(world, known)}
    return damaged(draft, world, companies, people, guests, known, guest_tables)


def _people(world: World, companies: pl.DataFrame) -> pl.DataFrame:
    """The contacts at the given companies, with what their records say of these."""
    employers = companies.select("company", "domain", switchboard="phone")
    contacts = world.people.filter(pl.Series(in_crm(world)))
    return contacts.join(employers, on="company", how="inner", maintain_order="left")


def _stamps(world: World, name: str, modified: pl.Series) -> pl.Series:
    """When anything last changed a record: a person, or later a program."""
    chance = world.seeds.generator(f"salesforce.{name}.stamps")
    at = seconds(modified)
    by_program = chance.random(len(at)) < PROGRAM_SHARE
    return as_times("stamp", np.minimum(at + by_program * chance.integers(60, 2 * HOUR, len(at)), LAST))


def _accounts(world: World, companies: pl.DataFrame) -> pl.DataFrame:
    parents = pl.when(companies["parent"].is_in(companies["company"].to_list())).then(companies["parent"])
    return companies.select(
        id=salesforce_ids(ACCOUNT, companies["company"]),
        is_deleted=pl.lit(False),
        master_record_id=pl.lit(None, pl.String),
        name="name",
        type=pl.when("is_active").then(pl.lit("Customer")).otherwise(pl.lit("Former Customer")),
        parent_id=salesforce_ids(ACCOUNT, pl.select(parents).to_series()),
        billing_street="street",
        billing_city="city",
        billing_postal_code="postal_code",
        billing_country=country_names(companies["country"]),
        phone="phone",
        website=pl.lit("https://www.") + pl.col("domain"),
        industry="industry",
        number_of_employees="employees",
        vat_number="vat_id",
        health=pl.col("sentiment").str.to_titlecase(),
        renewal_date="renewal_date",
        owner_id=salesforce_ids(USER, companies["owner"]),
        created_date="created_at",
        last_modified_date="modified_at",
        system_modstamp=_stamps(world, "accounts", companies["modified_at"]),
    )


def _contacts(world: World, people: pl.DataFrame) -> pl.DataFrame:
    chance = world.seeds.generator("salesforce.contacts")
    joined, left = seconds(people["joined_at"]), seconds(people["left_at"])
    created = np.minimum(joined + chance.integers(HOUR, 30 * DAY, len(people)), LAST - HOUR)
    touched = created + (chance.random(len(people)) * (LAST - created)).astype(np.int64)
    noticed = np.clip(left + chance.integers(0, 9 * DAY, len(people)), created, LAST)
    modified = as_times("modified", np.where(left > 0, noticed, touched))
    return people.select(
        id=salesforce_ids(CONTACT, people["person"]),
        is_deleted=pl.Series((left > 0) & (chance.random(len(people)) < BIN_SHARE)),
        master_record_id=pl.lit(None, pl.String),
        account_id=salesforce_ids(ACCOUNT, people["company"]),
        first_name="first_name",
        last_name="last_name",
        email="email",
        phone=pl.lit(None, pl.String),
        mobile_phone="phone",
        title="title",
        contact_role=pl.col("role").replace_strict(CONTACT_ROLES, default=None),
        mailing_street="street",
        mailing_city="city",
        mailing_postal_code="postal_code",
        mailing_country=country_names(people["country"]),
        created_date=as_times("created_date", created),
        last_modified_date=modified,
        system_modstamp=_stamps(world, "contacts", modified),
    )


def _opportunities(frame: pl.DataFrame) -> pl.DataFrame:
    outcome = pl.col("outcome")
    return frame.select(
        id=salesforce_ids(OPPORTUNITY, frame["deal"]),
        is_deleted=pl.lit(False),
        account_id=salesforce_ids(ACCOUNT, frame["company"], length=15),
        name=pl.col("name") + " " + pl.col("kind").replace_strict(TYPES),
        stage_name=outcome.replace_strict(STAGES),
        type=pl.col("kind").replace_strict(TYPES),
        amount=money("amount_minor"),
        currency_iso_code="currency",
        close_date=pl.col("closes_at").dt.date(),
        is_closed=outcome != "open",
        is_won=outcome == "won",
        owner_id=salesforce_ids(USER, frame["owner"], length=15),
        created_date="created_at",
        last_modified_date="modified_at",
        system_modstamp="modified_at",
    )


def _history(frame: pl.DataFrame) -> pl.DataFrame:
    """Each opportunity's stages until the data end; the last is that in which it closed."""
    created, closes = seconds(frame["created_at"]), seconds(frame["closes_at"])
    steps = [
        frame.with_columns(
            step=pl.lit(step),
            stage=pl.lit(stage),
            percent=pl.lit(percent),
            at=as_times("at", created + (share * (closes - created)).astype(np.int64)),
        )
        for step, (share, stage, percent) in enumerate(STEPS)
    ]
    closed = frame.with_columns(
        step=pl.lit(len(STEPS)),
        stage=pl.col("outcome").replace_strict(STAGES),
        percent=pl.when(pl.col("outcome") == "won").then(100.0).otherwise(0.0),
        at=pl.col("closes_at"),
    ).filter(pl.col("outcome") != "open")
    rows = pl.concat([*steps, closed]).filter(pl.col("at") <= END).sort("at", "deal", "step")
    return rows.select(
        id=salesforce_ids(HISTORY, rows["deal"] * (len(STEPS) + 1) + rows["step"]),
        opportunity_id=salesforce_ids(OPPORTUNITY, rows["deal"]),
        stage_name="stage",
        amount=money("amount_minor"),
        close_date=pl.col("closes_at").dt.date(),
        probability="percent",
        created_date="at",
    )


def _users(owners: pl.DataFrame) -> pl.DataFrame:
    return owners.select(
        id=salesforce_ids(USER, owners["owner"]),
        name=pl.col("first") + " " + pl.col("last"),
        email="email",
        is_active=pl.lit(True),
        department="team",
        created_date="joined_at",
        system_modstamp="joined_at",
    )
