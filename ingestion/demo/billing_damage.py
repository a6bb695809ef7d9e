"""What is wrong with Stripe's exports."""

import numpy as np
import polars as pl

from ingestion.demo import mistyped
from ingestion.demo.crm import DUPLICATE, TEST, noted_ids
from ingestion.demo.damage import (
    FIRST_EXPORT,
    FIRST_SUFFIX,
    IMPOSSIBLE_DATE,
    NONE,
    SECOND_SUFFIX,
    Draft,
    party_records,
)
from ingestion.demo.ids import stripe_ids
from ingestion.demo.variants import company_variants
from ingestion.demo.world import World
from ingestion.demo.write import TIME_FORMAT, Exports

# Tables that keep every state, and are exported month by month.
HISTORIES = ("subscriptions", "subscription_items", "invoices", "charges", "disputes")
# How much likelier than others a company that comes back gets a second record: somebody else signs this time.
RETURNED_ANEW = 15


def damaged(draft: Draft, world: World) -> Exports:
    """The exports. The draft's customers are the world's companies, row by row."""
    companies = world.companies
    records = [party_records("stripe", "customers", draft.tables["customers"]["id"], "company", companies["company"])]
    _keep_old_ids(draft, world)
    fields = {"name": "name", "street": "address_line1", "phone": "phone"}
    mistyped.type_companies(draft, "customers", companies, fields)
    everybody = pl.Series(np.ones(len(companies), bool))
    mistyped.share_mailboxes(draft, "customers", "email", companies["company"], companies["domain"], everybody)
    draft.null_likes("customers", ["phone", "tax_id", "address_postal_code"])
    records += [_duplicates(draft, world), _tests(draft)]
    _deliver(draft, companies)
    return draft.exports({"records": pl.concat(records)})


def _keep_old_ids(draft: Draft, world: World) -> None:
    """Customers of merged companies still carry the id of the CRM's record that is gone."""
    old, now = noted_ids(world, draft.damage), noted_ids(world, NONE)
    metadata = draft.tables["customers"]["metadata"]
    mask = ((old != now) & metadata.is_not_null()).to_numpy()
    noted = pl.select(pl.lit('{"crm_id": "') + old + pl.lit('"}')).to_series()
    draft.change("customers", "old_crm_id", mask, {"metadata": noted})


def _duplicates(draft: Draft, world: World) -> pl.DataFrame:
    """Second records of customers: made at a checkout that was never finished, or by who came back and signed anew."""
    companies, returned = world.companies, _second_subscriptions(draft, world)
    has_returned = companies["company"].is_in(returned["company"].implode())
    rate = min(draft.damage.duplicates * RETURNED_ANEW, 1.0)
    mask = draft.chosen("customers", "duplicates", draft.damage.duplicates)
    mask |= draft.chosen("customers", "duplicates.returned", rate, has_returned)
    own, rows = companies.filter(pl.Series(mask)), draft.tables["customers"].filter(pl.Series(mask))
    chance = draft.generator("customers", "duplicates.values")
    ids = stripe_ids("cus", own["company"].cast(pl.Int64) + DUPLICATE)
    carried = own.select("company", customer=ids).join(returned, on="company", how="left", maintain_order="left")
    is_carried = carried["subscription"].is_not_null()
    at = mistyped.later(draft, "customers", own["signed_at"])
    at = pl.select(pl.coalesce(carried["began"], at)).to_series()
    rows = rows.with_columns(
        id=ids,
        name=company_variants(chance, own["name"], own["city"]),
        tax_id=pl.lit(None, pl.String),
        delinquent=pl.when(is_carried).then("delinquent").otherwise(pl.lit("false")),
        metadata=pl.lit(None, pl.String),
        created=at,
        updated=pl.when(is_carried).then("updated").otherwise(at),
    )
    _move_money(draft, carried.filter(is_carried))
    draft.append("customers", rows, "duplicate")
    return party_records("stripe", "customers", ids, "company", own["company"], "duplicate")


def _second_subscriptions(draft: Draft, world: World) -> pl.DataFrame:
    """company, subscription (its id) and began (ten minutes before it, as text) of those who left and came back.

    A customer's balance can't be used by another customer, so that whoever ever had one keeps a single record.
    """
    second = world.states.filter(pl.col("subscription") >= len(world.companies))
    second = second.unique("subscription", keep="first", maintain_order=True)
    invoices = draft.tables["invoices"]
    had_balance = invoices.filter(pl.col("total").str.starts_with("-"))["customer_id"]
    return second.select(
        "company",
        subscription=stripe_ids("sub", second["subscription"]),
        began=(pl.col("at") - pl.duration(minutes=10)).dt.strftime(TIME_FORMAT),
        customer=stripe_ids("cus", second["company"]),
    ).filter(~pl.col("customer").is_in(had_balance.implode())).drop("customer")  # fmt: skip


def _move_money(draft: Draft, carried: pl.DataFrame) -> None:
    """The subscriptions of the second customers, and what was invoiced and charged for them, are theirs."""
    customers = draft.tables["customers"]
    first = stripe_ids("cus", carried["company"])
    settled = pl.Series(["false"]).new_from_index(0, len(customers))
    draft.change(
        "customers", "of_duplicate", customers["id"].is_in(first.implode()).to_numpy(), {"delinquent": settled}
    )
    invoices = draft.tables["invoices"]["id", "subscription_id"].unique("id", maintain_order=True)
    theirs = invoices.join(carried, left_on="subscription_id", right_on="subscription", maintain_order="left")
    for table, column, known in (
        ("subscriptions", "id", carried["subscription"]),
        ("invoices", "id", theirs["id"]),
        ("charges", "invoice_id", theirs["id"]),
    ):
        customer = carried["customer"] if table == "subscriptions" else theirs["customer"]
        new = draft.tables[table][column].replace_strict(known, customer, default=None, return_dtype=pl.String)
        draft.change(table, "of_duplicate", new.is_not_null().to_numpy(), {"customer_id": new})


def _tests(draft: Draft) -> pl.DataFrame:
    """Test customers, each with a subscription that looks as good as any."""
    fakes = mistyped.fake_companies(mistyped.fake_count(draft, "customers"))
    number = fakes["n"] + TEST
    ids = stripe_ids("cus", number)
    at = pl.Series(mistyped.later(draft, "customers", mistyped.never(len(fakes)), kind="test_accounts"))
    month_on = (at.str.to_datetime(TIME_FORMAT).dt.offset_by("1mo")).dt.strftime(TIME_FORMAT)
    price = draft.tables["prices"]["id"][0] if len(draft.tables["prices"]) else None
    rows = {
        "customers": fakes.select(
            id=ids, name="name", email=pl.format("qa+{}@lumenta.example", "n"), currency=pl.lit("eur"),
            delinquent=pl.lit("false"), metadata=pl.lit('{"test": "true"}'), created=at, updated=at,
        ),
        "subscriptions": fakes.select(
            id=stripe_ids("sub", number), customer_id=ids, status=pl.lit("active"), currency=pl.lit("eur"),
            collection_method=pl.lit("charge_automatically"), start_date=at, current_period_start=at,
            current_period_end=month_on, cancel_at_period_end=pl.lit("false"), created=at, updated=at,
        ),
        "subscription_items": fakes.select(
            id=stripe_ids("si", number * 2), subscription_id=stripe_ids("sub", number), price_id=pl.lit(price),
            quantity=pl.lit("1"), is_deleted=pl.lit("false"), created=at, updated=at,
        ),
    }  # fmt: skip
    for table, frame in rows.items():
        draft.append(table, pl.concat([draft.tables[table].head(0), frame], how="diagonal"), "test_account")
    return party_records("stripe", "customers", ids, "company", fakes["n"], "test_account")


def _deliver(draft: Draft, companies: pl.DataFrame) -> None:
    """Two exports, and what goes wrong on the way."""
    count = len(draft.tables["customers"])
    was_left = np.zeros(count, bool)
    # Whoever deletes a customer for good does so to a former one.
    was_left[: len(companies)] = (companies["churned_at"] < FIRST_EXPORT).fill_null(False).to_numpy()
    gone = draft.chosen(
        "customers", "hard_deleted", draft.damage.hard_deleted * count / max(was_left.sum(), 1), was_left
    )
    first = FIRST_EXPORT.strftime(TIME_FORMAT)
    for table in HISTORIES:
        frame = draft.tables[table]
        is_old = frame["updated"] < first
        draft.files[table] = [(FIRST_SUFFIX, frame.filter(is_old)), (SECOND_SUFFIX, frame.filter(~is_old))]
    draft.two_exports("customers", "created", {"phone": (None, "-"), "address_line1": (None,)})
    draft.hard_deleted("customers", gone)
    draft.added_column("invoices", "statement_descriptor", ("LUMENTA", "LUMENTA SAAS"))
    for table in ("invoices", "invoice_lines", "charges"):
        draft.twice_delivered(table)
    draft.broken_rows(
        "invoices",
        [
            ("customer_id", None, "customer_id is missing"),
            ("currency", "EUR", "currency is not of the form"),
            ("total", "12,50", "total is not a whole number"),
            ("created", IMPOSSIBLE_DATE, "created is not a timestamp"),
        ],
    )
    draft.broken_rows("subscriptions", [("status", "running", "status is not one of")])
    draft.broken_rows("charges", [("amount", "-100", "amount is below 0")])
    draft.missing_column("invoices", "currency")
    draft.retyped_column("charges", "created")
