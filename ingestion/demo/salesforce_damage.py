"""What is wrong with Salesforce's exports."""

from collections.abc import Mapping

import polars as pl

from ingestion.demo import mistyped
from ingestion.demo.contradictions import of_source, planted, says
from ingestion.demo.crm import DUPLICATE, MERGED, TEST, left_lately, merged
from ingestion.demo.damage import IMPOSSIBLE_DATE, Draft, Older, party_records
from ingestion.demo.ids import salesforce_ids
from ingestion.demo.variants import company_variants, email_variants, person_variants
from ingestion.demo.world import World
from ingestion.demo.write import Exports

ACCOUNT, CONTACT, USER = "001", "003", "005"
ACCOUNT_TYPES = {"active": "Customer", "former": "Former Customer"}
# Share of an account's contacts that hang on its second record.
MOVED_SHARE = 0.4


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
    what Salesforce has of companies that belong in the other CRM.
    """
    contradictions = planted(world, draft.damage)
    records = [
        party_records("salesforce", "accounts", draft.tables["accounts"]["id"], "company", companies["company"]),
        party_records("salesforce", "contacts", draft.tables["contacts"]["id"], "person", people["person"]),
    ]
    _contradict(draft, companies, contradictions)
    _mistype(draft, companies, people)
    records += [
        _merge_accounts(draft, world, companies),
        _merge_contacts(draft, people),
        _duplicate_accounts(draft, companies, people),
        _duplicate_contacts(draft, people),
    ]
    other_owner = says(contradictions, "two_owners", guests["company"]).cast(pl.Int64)
    owner = salesforce_ids(USER, pl.select(other_owner.fill_null(guests["owner"])).to_series())
    draft.append("accounts", guest_tables["accounts"].with_columns(owner_id=owner), "cross_system")
    draft.append("contacts", guest_tables["contacts"], "cross_system")
    records += [
        party_records(
            "salesforce", "accounts", guest_tables["accounts"]["id"], "company", guests["company"], "cross_system"
        ),
        party_records(
            "salesforce", "contacts", guest_tables["contacts"]["id"], "person", known["person"], "cross_system"
        ),
        _test_accounts(draft),
        _test_contacts(draft),
    ]
    _deliver(draft, left_lately(pl.concat([companies, guests]))["company"])
    return draft.exports({"records": pl.concat(records), "contradictions": of_source(contradictions, "salesforce")})


def _contradict(draft: Draft, companies: pl.DataFrame, contradictions: pl.DataFrame) -> None:
    company = companies["company"]
    for kind in ("crm_active_billing_ended", "crm_former_billing_active"):
        wrong = says(contradictions, kind, company).replace(ACCOUNT_TYPES)
        draft.change("accounts", kind, wrong.is_not_null().to_numpy(), {"type": wrong})
    wrong = says(contradictions, "green_while_support_red", company).str.to_titlecase()
    draft.change("accounts", "green_while_support_red", wrong.is_not_null().to_numpy(), {"health": wrong})
    wrong = says(contradictions, "renewal_date_differs", company)
    draft.change("accounts", "renewal_date_differs", wrong.is_not_null().to_numpy(), {"renewal_date": wrong})


def _mistype(draft: Draft, companies: pl.DataFrame, people: pl.DataFrame) -> None:
    fields = {"name": "name", "street": "billing_street", "country": "billing_country", "phone": "phone"}
    mistyped.type_companies(draft, "accounts", companies, fields)
    fields = {
        "first": "first_name", "last": "last_name", "email": "email", "street": "mailing_street",
        "country": "mailing_country", "phone": "mobile_phone",
    }  # fmt: skip
    mistyped.type_people(draft, "contacts", people["country"], fields)
    may_share = people["role"].is_in(["billing", "user"])
    mistyped.share_mailboxes(draft, "contacts", "email", people["company"], people["domain"], may_share)
    mistyped.share_phones(draft, "contacts", "phone", people["switchboard"])
    draft.null_likes("accounts", ["phone", "website", "vat_number"])
    draft.null_likes("contacts", ["mobile_phone", "email", "mailing_city"])


def _merge_accounts(draft: Draft, world: World, companies: pl.DataFrame) -> pl.DataFrame:
    """Accounts that were merged away stay in the bin, and say into which."""
    own = companies.filter(pl.Series(merged(world, draft.damage)[companies["company"].to_numpy()]))
    survivors = salesforce_ids(ACCOUNT, own["company"])
    ids = salesforce_ids(ACCOUNT, own["company"].cast(pl.Int64) + MERGED)
    rows = draft.tables["accounts"].join(pl.DataFrame({"id": survivors}), on="id", how="semi", maintain_order="left")
    chance = draft.generator("accounts", "merged.values")
    rows = rows.with_columns(
        id=ids, master_record_id=survivors, is_deleted=pl.lit("true"), parent_id=pl.lit(None, pl.String),
        name=company_variants(chance, own["name"], own["city"]),
    )  # fmt: skip
    draft.append("accounts", rows, "merged")
    return party_records("salesforce", "accounts", ids, "company", own["company"], "merged")


def _merge_contacts(draft: Draft, people: pl.DataFrame) -> pl.DataFrame:
    mask = pl.Series(draft.chosen("contacts", "merged", draft.damage.merged))
    own, rows = people.filter(mask), draft.tables["contacts"].filter(mask)
    ids = salesforce_ids(CONTACT, own["person"].cast(pl.Int64) + MERGED)
    rows = rows.with_columns(
        id=ids, master_record_id="id", is_deleted=pl.lit("true"),
        email=own["private_email"],
    )  # fmt: skip
    draft.append("contacts", rows, "merged")
    return party_records("salesforce", "contacts", ids, "person", own["person"], "merged")


def _duplicate_accounts(draft: Draft, companies: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Second accounts that somebody made, without what the team notes; some contacts hang on them."""
    mask = draft.chosen("accounts", "duplicates", draft.damage.duplicates)[: len(companies)]
    own = companies.filter(pl.Series(mask))
    rows = draft.tables["accounts"].head(len(companies)).filter(pl.Series(mask))
    chance = draft.generator("accounts", "duplicates.values")
    at = mistyped.later(draft, "accounts", own["created_at"])
    ids = salesforce_ids(ACCOUNT, own["company"].cast(pl.Int64) + DUPLICATE)
    rows = rows.with_columns(
        id=ids,
        name=company_variants(chance, own["name"], own["city"]),
        website=pl.when(pl.Series(chance.random(len(rows)) < 0.6)).then("website"),
        vat_number=pl.when(pl.Series(chance.random(len(rows)) < 0.3)).then("vat_number"),
        type=pl.lit(None, pl.String),
        health=pl.lit(None, pl.String),
        renewal_date=pl.lit(None, pl.String),
        parent_id=pl.lit(None, pl.String),
        created_date=at,
        last_modified_date=at,
        system_modstamp=at,
    )
    draft.append("accounts", rows, "duplicate")
    contacts = draft.tables["contacts"]
    doubles = salesforce_ids(ACCOUNT, own["company"])
    new = contacts["account_id"].replace_strict(doubles, ids, default=None, return_dtype=pl.String)
    moved = draft.chosen("contacts", "moved", MOVED_SHARE, new.is_not_null())
    draft.change("contacts", "of_duplicate", moved, {"account_id": new})
    _move_deals(draft, pl.DataFrame({"account_id": doubles.str.head(15), "second": ids.str.head(15), "since": at}))
    return party_records("salesforce", "accounts", ids, "company", own["company"], "duplicate")


def _move_deals(draft: Draft, doubles: pl.DataFrame) -> None:
    """Some of the opportunities since the second accounts were made are theirs."""
    deals = draft.tables["opportunities"].join(doubles, on="account_id", how="left", maintain_order="left")
    is_since = (deals["created_date"] >= deals["since"]).fill_null(False)
    moved = draft.chosen("opportunities", "moved", MOVED_SHARE, is_since)
    draft.change("opportunities", "of_duplicate", moved, {"account_id": deals["second"]})


def _duplicate_contacts(draft: Draft, people: pl.DataFrame) -> pl.DataFrame:
    """Second records of people: with the same address in other letters, with the private one, or with none."""
    mask = pl.Series(draft.chosen("contacts", "duplicates", draft.damage.duplicates)[: len(people)])
    own, rows = people.filter(mask), draft.tables["contacts"].head(len(people)).filter(mask)
    chance = draft.generator("contacts", "duplicates.values")
    first, last = person_variants(chance, own["first_name"], own["last_name"])
    kind = pl.Series(chance.choice(3, len(own), p=[0.4, 0.35, 0.25]))
    at = mistyped.later(draft, "contacts", own["joined_at"])
    ids = salesforce_ids(CONTACT, own["person"].cast(pl.Int64) + DUPLICATE)
    same = email_variants(chance, own["email"])
    rows = rows.with_columns(
        id=ids,
        first_name=first,
        last_name=last,
        email=pl.when(kind == 0).then(same).when(kind == 1).then(own["private_email"]),
        created_date=at,
        last_modified_date=at,
        system_modstamp=at,
    )
    draft.append("contacts", rows, "duplicate")
    return party_records("salesforce", "contacts", ids, "person", own["person"], "duplicate")


def _test_accounts(draft: Draft) -> pl.DataFrame:
    fakes = mistyped.fake_companies(mistyped.fake_count(draft, "accounts"))
    ids = salesforce_ids(ACCOUNT, fakes["n"] + TEST)
    at = mistyped.later(draft, "accounts", mistyped.never(len(fakes)), kind="test_accounts")
    rows = fakes.select(
        id=ids, name="name", type=pl.lit("Prospect"), is_deleted=pl.lit("false"), created_date=at,
        last_modified_date=at, system_modstamp=at,
    )  # fmt: skip
    draft.append("accounts", pl.concat([draft.tables["accounts"].head(0), rows], how="diagonal"), "test_account")
    return party_records("salesforce", "accounts", ids, "company", fakes["n"], "test_account")


def _test_contacts(draft: Draft) -> pl.DataFrame:
    fakes = mistyped.fake_people(mistyped.fake_count(draft, "contacts"))
    ids = salesforce_ids(CONTACT, fakes["n"] + TEST)
    at = mistyped.later(draft, "contacts", mistyped.never(len(fakes)), kind="test_accounts")
    account = salesforce_ids(ACCOUNT, fakes["n"] * 0 + TEST)
    rows = fakes.select(
        id=ids, account_id=account, email="email", first_name="first", last_name="last", is_deleted=pl.lit("false"),
        created_date=at, last_modified_date=at, system_modstamp=at,
    )  # fmt: skip
    draft.append("contacts", pl.concat([draft.tables["contacts"].head(0), rows], how="diagonal"), "test_account")
    return party_records("salesforce", "contacts", ids, "person", fakes["n"], "test_account")


def _deliver(draft: Draft, left: pl.Series) -> None:
    """Two exports, and what goes wrong on the way."""
    draft.time_zones("contacts", "created_date")
    has_left = pl.col("id").is_in(salesforce_ids(ACCOUNT, left).implode())
    in_use: Older = {"is_deleted": ("false",), "master_record_id": (None,)}
    noted: Older = {
        "health": ("Green", "Yellow", "Red"),
        "type": pl.when(has_left).then(pl.lit("Customer")).otherwise("type"),
    }
    draft.two_exports("accounts", "created_date", {**in_use, **noted})
    draft.two_exports("contacts", "created_date", {**in_use, "title": ("Assistant", "Intern", None)})
    open_deal = {"stage_name": ("Prospecting", "Proposal/Price Quote"), "is_closed": ("false",), "is_won": ("false",)}
    draft.two_exports("opportunities", "created_date", open_deal)
    draft.added_column("opportunities", "forecast_category", ("Pipeline", "Commit", "Closed"))
    for table in ("contacts", "opportunity_history"):
        draft.twice_delivered(table)
    draft.broken_rows("accounts", [("id", "0015g00", "id is not of the form")])
    draft.broken_rows("contacts", [("created_date", IMPOSSIBLE_DATE, "created_date is not a timestamp")])
    draft.broken_rows("opportunities", [("amount", "tbd", "amount is not a number")])
    draft.broken_rows(
        "opportunity_history",
        [("opportunity_id", None, "opportunity_id is missing"), ("probability", "140.0", "probability is above 100")],
    )
