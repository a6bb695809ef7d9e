"""What is wrong with HubSpot's exports."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from ingestion.demo import mistyped
from ingestion.demo.clock import Bools
from ingestion.demo.contradictions import of_source, planted, says
from ingestion.demo.crm import DUPLICATE, MERGED, TEST, left_lately, merged
from ingestion.demo.damage import FIRST_EXPORT, IMPOSSIBLE_DATE, Draft, Older, party_records
from ingestion.demo.ids import hubspot_ids
from ingestion.demo.variants import company_variants, person_variants, second_addresses
from ingestion.demo.world import World
from ingestion.demo.write import TIME_FORMAT, Exports

# Share of a company's contacts that hang on its second record.
MOVED_SHARE = 0.4
CONTRADICTED = {
    "crm_active_billing_ended": "customer_status",
    "crm_former_billing_active": "customer_status",
    "green_while_support_red": "csm_sentiment",
    "renewal_date_differs": "renewal_date",
    "plan_differs": "plan",
}


def damaged(
    draft: Draft,
    world: World,
    companies: pl.DataFrame,
    people: pl.DataFrame,
    guests: pl.DataFrame,
    known: pl.DataFrame,
    guest_tables: Mapping[str, pl.DataFrame],
) -> Exports:
    """The exports. `companies` and `people` stand behind the draft's rows, `guests` and `known` behind `guest_tables`:
    what HubSpot has of companies that belong in the other CRM.
    """
    contradictions = planted(world, draft.damage)
    records = [
        party_records("hubspot", "companies", draft.tables["companies"]["id"], "company", companies["company"]),
        party_records("hubspot", "contacts", draft.tables["contacts"]["id"], "person", people["person"]),
    ]
    for kind, column in CONTRADICTED.items():
        wrong = says(contradictions, kind, companies["company"])
        draft.change("companies", kind, wrong.is_not_null().to_numpy(), {column: wrong})
    _mistype(draft, companies, people)
    _merge(draft, world, companies, people)
    records += [_duplicate_companies(draft, companies, people), _duplicate_contacts(draft, people)]
    other_owner = says(contradictions, "two_owners", guests["company"])
    owner = hubspot_ids("owners", pl.select(other_owner.cast(pl.Int64).fill_null(guests["owner"])).to_series())
    draft.append("companies", guest_tables["companies"].with_columns(hubspot_owner_id=owner), "cross_system")
    draft.append("contacts", guest_tables["contacts"], "cross_system")
    draft.append("associations", guest_tables["associations"], "cross_system")
    records += [
        party_records(
            "hubspot", "companies", guest_tables["companies"]["id"], "company", guests["company"], "cross_system"
        ),
        party_records("hubspot", "contacts", guest_tables["contacts"]["id"], "person", known["person"], "cross_system"),
        _test_companies(draft),
        _test_contacts(draft),
    ]
    _deliver(draft, people, left_lately(pl.concat([companies, guests]))["company"])
    return draft.exports({"records": pl.concat(records), "contradictions": of_source(contradictions, "hubspot")})


def _mistype(draft: Draft, companies: pl.DataFrame, people: pl.DataFrame) -> None:
    fields = {"name": "name", "street": "address", "country": "country", "phone": "phone"}
    mistyped.type_companies(draft, "companies", companies, fields)
    fields = {"first": "firstname", "last": "lastname", "email": "email", "country": "country", "phone": "mobilephone"}
    mistyped.type_people(draft, "contacts", people["country"], fields)
    may_share = mistyped.first_of_each(people["company"], people["role"].is_in(["billing", "user"]))
    mistyped.share_mailboxes(draft, "contacts", "email", people["company"], people["domain"], may_share)
    mistyped.share_phones(draft, "contacts", "phone", people["switchboard"])
    draft.null_likes("companies", ["phone", "domain", "vat_id"])
    draft.null_likes("contacts", ["mobilephone", "phone", "city"])


def _merge(draft: Draft, world: World, companies: pl.DataFrame, people: pl.DataFrame) -> None:
    """Survivors keep the ids of the records that were merged into them, and a contact its other address."""
    mask = merged(world, draft.damage)[companies["company"].to_numpy()]
    gone = hubspot_ids("companies", companies["company"].cast(pl.Int64) + MERGED)
    draft.change("companies", "merged", mask, {"hs_merged_object_ids": gone})
    mask = draft.chosen("contacts", "merged", draft.damage.merged)
    values = {
        "hs_merged_object_ids": hubspot_ids("contacts", people["person"].cast(pl.Int64) + MERGED),
        "hs_additional_emails": people["private_email"],
    }
    draft.change("contacts", "merged", mask, values)


def _duplicate_companies(draft: Draft, companies: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Second records that somebody made, without what the team notes; some contacts hang on them."""
    mask = draft.chosen("companies", "duplicates", draft.damage.duplicates)
    own, rows = companies.filter(pl.Series(mask)), draft.tables["companies"].filter(pl.Series(mask))
    chance = draft.generator("companies", "duplicates.values")
    at = mistyped.later(draft, "companies", own["created_at"])
    own_ids, ids = rows["id"], hubspot_ids("companies", own["company"].cast(pl.Int64) + DUPLICATE)
    rows = rows.with_columns(
        id=ids,
        name=company_variants(chance, own["name"], own["city"]),
        domain=pl.when(pl.Series(chance.random(len(rows)) < 0.6)).then("domain"),
        vat_id=pl.when(pl.Series(chance.random(len(rows)) < 0.3)).then("vat_id"),
        customer_status=pl.lit(None, pl.String),
        plan=pl.lit(None, pl.String),
        renewal_date=pl.lit(None, pl.String),
        csm_sentiment=pl.lit(None, pl.String),
        hs_merged_object_ids=pl.lit(None, pl.String),
        createdate=at,
        hs_lastmodifieddate=at,
    )
    draft.append("companies", rows, "duplicate")
    _move_contacts(draft, mask, companies, people)
    _move_work(draft, pl.DataFrame({"to_object_id": own_ids, "second": ids, "since": at}))
    return party_records("hubspot", "companies", ids, "company", own["company"], "duplicate")


def _move_contacts(draft: Draft, is_double: Bools, companies: pl.DataFrame, people: pl.DataFrame) -> None:
    doubles = companies["company"].filter(pl.Series(is_double))
    chosen = draft.chosen("contacts", "moved", MOVED_SHARE, people["company"].is_in(doubles.to_list()))
    new = hubspot_ids("companies", people["company"].cast(pl.Int64) + DUPLICATE)
    draft.change("contacts", "of_duplicate", chosen, {"associatedcompanyid": new})
    target = dict(
        zip(draft.tables["contacts"]["id"].filter(pl.Series(chosen)), new.filter(pl.Series(chosen)), strict=True)
    )
    links = draft.tables["associations"]
    moved = links["from_object_id"].replace_strict(target, default=None, return_dtype=pl.String)
    is_link = (links["from_object_type"] == "contacts") & moved.is_not_null()
    draft.change("associations", "of_duplicate", is_link.to_numpy(), {"to_object_id": moved})


def _move_work(draft: Draft, doubles: pl.DataFrame) -> None:
    """Some of the deals and activities since the second records were made hang on these."""
    began = pl.concat(
        draft.tables[table].select(from_object_type=pl.lit(table), from_object_id="id", began=created)
        for table, created in (("deals", "createdate"), ("engagements", "hs_timestamp"))
    )
    links = draft.tables["associations"].join(
        began, on=["from_object_type", "from_object_id"], how="left", maintain_order="left"
    )
    links = links.join(doubles, on="to_object_id", how="left", maintain_order="left")
    is_since = (links["to_object_type"] == "companies") & (links["began"] >= links["since"])
    moved = draft.chosen("associations", "moved", MOVED_SHARE, is_since.fill_null(False))
    draft.change("associations", "of_duplicate", moved, {"to_object_id": links["second"]})


def _duplicate_contacts(draft: Draft, people: pl.DataFrame) -> pl.DataFrame:
    """Second records of people: with another address of the same mailbox, with the private one, or with none.

    HubSpot takes an address once, so a private one that the first record has already isn't on the second.
    """
    mask = draft.chosen("contacts", "duplicates", draft.damage.duplicates)
    own = people.filter(pl.Series(mask))
    rows = draft.tables["contacts"].filter(pl.Series(mask))
    chance = draft.generator("contacts", "duplicates.values")
    first, last = person_variants(chance, own["first_name"], own["last_name"])
    kind = pl.Series(chance.choice(3, len(own), p=[0.4, 0.35, 0.25]))
    at = mistyped.later(draft, "contacts", own["joined_at"])
    ids = hubspot_ids("contacts", own["person"].cast(pl.Int64) + DUPLICATE)
    rows = rows.with_columns(
        id=ids,
        firstname=first,
        lastname=last,
        email=pl.when(kind == 0)
        .then(second_addresses(own["email"]))
        .when((kind == 1) & rows["hs_additional_emails"].is_null())
        .then(own["private_email"]),
        hs_additional_emails=pl.lit(None, pl.String),
        hs_merged_object_ids=pl.lit(None, pl.String),
        createdate=at,
        lastmodifieddate=at,
    )
    draft.append("contacts", rows, "duplicate")
    links = rows.select(
        from_object_type=pl.lit("contacts"),
        from_object_id="id",
        to_object_type=pl.lit("companies"),
        to_object_id="associatedcompanyid",
        association_label=pl.lit("Primary"),
    )
    draft.append("associations", links, "duplicate")
    return party_records("hubspot", "contacts", ids, "person", own["person"], "duplicate")


def _test_companies(draft: Draft) -> pl.DataFrame:
    fakes = mistyped.fake_companies(mistyped.fake_count(draft, "companies"))
    ids = hubspot_ids("companies", fakes["n"] + TEST)
    at = mistyped.later(draft, "companies", mistyped.never(len(fakes)), kind="test_accounts")
    like = draft.tables["companies"].head(0)
    rows = pl.concat(
        [like, fakes.select(id=ids, name="name", lifecyclestage=pl.lit("lead"), createdate=at, hs_lastmodifieddate=at,
                            archived=pl.lit("false"))],
        how="diagonal",
    )  # fmt: skip
    draft.append("companies", rows, "test_account")
    return party_records("hubspot", "companies", ids, "company", fakes["n"], "test_account")


def _test_contacts(draft: Draft) -> pl.DataFrame:
    fakes = mistyped.fake_people(mistyped.fake_count(draft, "contacts"))
    ids = hubspot_ids("contacts", fakes["n"] + TEST)
    at = mistyped.later(draft, "contacts", mistyped.never(len(fakes)), kind="test_accounts")
    count = mistyped.fake_count(draft, "companies")
    company = hubspot_ids("companies", fakes["n"] % max(count - 1, 1) + TEST)
    like = draft.tables["contacts"].head(0)
    rows = pl.concat(
        [like, fakes.select(id=ids, email="email", firstname="first", lastname="last", createdate=at,
                            associatedcompanyid=company, lastmodifieddate=at, archived=pl.lit("false"))],
        how="diagonal",
    )  # fmt: skip
    draft.append("contacts", rows, "test_account")
    return party_records("hubspot", "contacts", ids, "person", fakes["n"], "test_account")


def _deliver(draft: Draft, people: pl.DataFrame, left: pl.Series) -> None:
    """Two exports, and what goes wrong on the way."""
    is_plain = pl.Series(np.arange(len(draft.tables["contacts"])) < len(people))
    is_user = pl.concat([people["role"] == "user", pl.Series([False]).new_from_index(0, len(is_plain) - len(people))])
    gone = draft.chosen("contacts", "hard_deleted", draft.damage.hard_deleted, is_plain & is_user)
    gone_ids = draft.tables["contacts"]["id"].filter(pl.Series(gone)).to_list()
    draft.time_zones("deals", "createdate")
    has_left = pl.col("id").is_in(hubspot_ids("companies", left).implode())
    noted: Older = {
        "csm_sentiment": ("green", "yellow", "red"),
        "customer_status": pl.when(has_left).then(pl.lit("active")).otherwise("customer_status"),
        "lifecyclestage": pl.when(has_left).then(pl.lit("customer")).otherwise("lifecyclestage"),
    }
    draft.two_exports("companies", "createdate", noted)
    draft.two_exports("contacts", "createdate", {"jobtitle": ("Assistant", "Intern", None), "archived": ("false",)})
    open_deal = {"dealstage": ("contractsent", "presentationscheduled"), "hs_is_closed_won": ("false",)}
    draft.two_exports("deals", "createdate", open_deal)
    draft.two_exports("engagements", "hs_timestamp", {"hs_activity_type": ("check-in", None)})
    links = draft.tables["associations"]
    draft.two_full_exports("associations", ~links["from_object_id"].is_in(_too_young(draft)))
    draft.hard_deleted("contacts", gone)
    draft.hard_deleted(
        "associations", links["from_object_id"].is_in(gone_ids) & (links["from_object_type"] == "contacts")
    )
    draft.added_column("contacts", "hs_whatsapp_opt_in", ("true", "false"))
    for table in ("deals", "engagements"):
        draft.twice_delivered(table)
    draft.broken_rows(
        "companies",
        [
            ("id", None, "id is missing"),
            ("numberofemployees", "-12", "numberofemployees is below 0"),
            ("createdate", IMPOSSIBLE_DATE, "createdate is not a timestamp"),
        ],
    )
    draft.broken_rows("contacts", [("lastmodifieddate", None, "lastmodifieddate is missing")])
    draft.broken_rows("deals", [("amount", "about 5k", "amount is not a number")])
    draft.broken_rows("engagements", [("type", "LUNCH", "type is not one of")])
    draft.broken_rows("associations", [("from_object_type", "quotes", "from_object_type is not one of")])


def _too_young(draft: Draft) -> list[str]:
    """Ids of records that weren't there yet for the first export."""
    young: list[str] = []
    for table, created in (("contacts", "createdate"), ("deals", "createdate"), ("engagements", "hs_timestamp")):
        frame = draft.tables[table]
        young += frame["id"].filter(frame[created] >= FIRST_EXPORT.strftime(TIME_FORMAT)).to_list()
    return young
