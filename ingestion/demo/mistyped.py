"""What hands do to the names, addresses and numbers of companies and people, in the columns of whatever system."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from ingestion.demo.clock import DAY, as_times
from ingestion.demo.crm import LAST, seconds
from ingestion.demo.damage import Draft
from ingestion.demo.variants import (
    address_variants,
    company_variants,
    countries_as_typed,
    email_variants,
    person_variants,
    phone_variants,
    with_legal_forms,
)
from ingestion.demo.write import TIME_FORMAT

ROLE_MAILBOXES = ("info", "office", "accounting", "contact", "admin")
TEST_COMPANIES = ("Test", "TEST GmbH", "Demo Account", "asdf", "QA Sandbox", "Do not use", "Testfirma AG", "xxx")
TEST_PEOPLE = (
    ("Test", "Test"),
    ("Max", "Mustermann"),
    ("John", "Doe"),
    ("QA", "Bot"),
    ("asdf", "asdf"),
    ("Demo", "User"),
)
TEST_EMAILS = ("test{}@test.com", "qa+{}@lumenta.example", "demo{}@lumenta.example", "asdf{}@asdf.com", "a{}@b.c")


def type_companies(draft: Draft, table: str, facts: pl.DataFrame, columns: Mapping[str, str]) -> None:
    """Names with their legal form, and variants of names, streets, countries and numbers.

    `facts`: legal_suffix, city and country code of the table's companies, row by row. `columns`: the table's columns
    for name, and where it has them street, country, phone.
    """
    damage = draft.damage
    name = columns["name"]
    chance = draft.generator(table, "legal_suffixes.form")
    mask = draft.chosen(table, "legal_suffixes", damage.legal_suffixes)
    draft.change(
        table, "legal_suffix", mask, {name: with_legal_forms(chance, draft.tables[table][name], facts["legal_suffix"])}
    )
    chance = draft.generator(table, "name_variants.form")
    mask = draft.chosen(table, "name_variants", damage.name_variants)
    draft.change(
        table, "name_variant", mask, {name: company_variants(chance, draft.tables[table][name], facts["city"])}
    )
    type_addresses(draft, table, facts["country"], columns)


def type_people(draft: Draft, table: str, countries: pl.Series, columns: Mapping[str, str]) -> None:
    """Variants of names, mailboxes, streets, countries and numbers.

    `columns`: the table's columns for first and last, or for name where it keeps both in one, and where it has them
    email, street, country, phone.
    """
    damage = draft.damage
    mask = draft.chosen(table, "name_variants", damage.name_variants)
    chance = draft.generator(table, "name_variants.form")
    frame = draft.tables[table]
    if "name" in columns:
        whole = frame[columns["name"]]
        first, last = whole.str.extract(r"^(\S+)", 1), whole.str.extract(r"^\S+ (.*)$", 1).fill_null("")
        first, last = person_variants(chance, first, last)
        values = {columns["name"]: first + " " + last}
    else:
        first, last = person_variants(chance, frame[columns["first"]], frame[columns["last"]])
        values = {columns["first"]: first, columns["last"]: last}
    draft.change(table, "name_variant", mask, values)
    if "email" in columns:
        email = columns["email"]
        mask = draft.chosen(table, "name_variants.email", damage.name_variants / 2)
        chance = draft.generator(table, "name_variants.email.form")
        draft.change(table, "email_variant", mask, {email: email_variants(chance, frame[email])})
    type_addresses(draft, table, countries, columns)


def type_addresses(draft: Draft, table: str, countries: pl.Series, columns: Mapping[str, str]) -> None:
    """Variants of streets, countries and numbers, each in rows of its own choice."""
    rate = draft.damage.address_variants
    for field in ("street", "country", "phone"):
        if field not in columns:
            continue
        column, chance = columns[field], draft.generator(table, f"address_variants.{field}.form")
        old = draft.tables[table][column]
        if field == "street":
            new = address_variants(chance, old)
        elif field == "phone":
            new = phone_variants(chance, old)
        else:
            new = countries_as_typed(chance, countries)
        draft.change(table, "address_variant", draft.chosen(table, f"address_variants.{field}", rate), {column: new})


def share_mailboxes(
    draft: Draft, table: str, column: str, company: pl.Series, domain: pl.Series, may: pl.Series
) -> None:
    """At some companies, the same in all systems, people use one mailbox, such as info@. `may`: rows of who would."""
    count = int(company.to_numpy().max(initial=-1)) + 1
    shares = draft.seeds.generator("damage.shared_mailboxes").random(count) < draft.damage.shared_mailboxes
    box = np.array(ROLE_MAILBOXES)[np.arange(count) % len(ROLE_MAILBOXES)]
    mask = shares[company.to_numpy()] & may.to_numpy()
    draft.change(
        table, "shared_mailbox", mask, {column: pl.Series(box[company.to_numpy()], dtype=pl.String) + "@" + domain}
    )


def first_of_each(company: pl.Series, may: pl.Series) -> pl.Series:
    """The first row of each company among those that may, for systems that take an address once only."""
    rows = pl.DataFrame({"company": company, "may": may})
    return rows.select(pl.col("may") & (pl.col("may").cast(pl.Int64).cum_sum().over("company") == 1)).to_series()


def share_phones(draft: Draft, table: str, column: str, switchboard: pl.Series) -> None:
    """Some people give their company's number as their own."""
    mask = draft.chosen(table, "shared_phones", draft.damage.shared_phones)
    draft.change(table, "shared_phone", mask, {column: switchboard})


def later(draft: Draft, table: str, after: pl.Series, *, kind: str = "duplicates") -> pl.Series:
    """Moments of the last half year, as text, none before `after`: when somebody made a second record."""
    at = LAST - draft.generator(table, f"{kind}.created").integers(DAY, 180 * DAY, len(after))
    at = np.minimum(np.maximum(at, seconds(after) + DAY), LAST)
    return as_times("", at).dt.strftime(TIME_FORMAT)


def never(count: int) -> pl.Series:
    """So many times that aren't known."""
    return pl.Series([None] * count, dtype=pl.Datetime("us"))


def fake_count(draft: Draft, table: str) -> int:
    """How many test accounts the table gets: one at least, unless they are off."""
    rate = draft.damage.test_accounts
    return max(1, round(rate * len(draft.tables[table]))) if rate else 0


def fake_people(count: int) -> pl.DataFrame:
    """One row per test person: n, first, last, email."""
    n = np.arange(count)
    people = [TEST_PEOPLE[place % len(TEST_PEOPLE)] for place in n]
    emails = [TEST_EMAILS[place % len(TEST_EMAILS)].format(place) for place in n]
    return pl.DataFrame(
        {"n": n, "first": [first for first, _ in people], "last": [last for _, last in people], "email": emails},
        schema={"n": pl.Int64, "first": pl.String, "last": pl.String, "email": pl.String},
    )


def fake_companies(count: int) -> pl.DataFrame:
    """One row per test company: n, name."""
    names = [TEST_COMPANIES[place % len(TEST_COMPANIES)] for place in range(count)]
    return pl.DataFrame({"n": range(count), "name": names}, schema={"n": pl.Int64, "name": pl.String})
