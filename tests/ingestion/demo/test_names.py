"""Ids and names: well-formed, unique where they must be, namesakes where people have them, and variants of the same."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from ingestion.demo import ids, names, variants

INDEX = np.concatenate([np.arange(50_000), 1_000_000_000 + np.arange(50_000), 9_000_000_000 + np.arange(50_000)])
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FORMS: dict[str, tuple[Callable[[ids.Index], pl.Series], str]] = {
    "hubspot": (lambda index: ids.hubspot_ids("contacts", index), r"\d{10,11}"),
    "zendesk": (lambda index: ids.zendesk_ids("users", index), r"\d{12}"),
    "delighted": (lambda index: ids.delighted_ids("people", index), r"\d{10,11}"),
    "salesforce": (lambda index: ids.salesforce_ids("001", index), r"001[0-9A-Za-z]{15}"),
    "salesforce 15": (lambda index: ids.salesforce_ids("003", index, length=15), r"003[0-9A-Za-z]{12}"),
    "stripe customer": (lambda index: ids.stripe_ids("cus", index), r"cus_[0-9A-Za-z]{14}"),
    "stripe invoice": (lambda index: ids.stripe_ids("in", index), r"in_[0-9A-Za-z]{24}"),
    "uuid": (lambda index: ids.uuids("event", index), UUID),
}  # fmt: skip
COUNTRIES = np.resize(np.array(names.COUNTRIES, object), 40_000)


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("system", FORMS)
def test_ids_are_unique_and_of_the_systems_form(system: str) -> None:
    make, form = FORMS[system]
    found = make(INDEX)
    assert found.is_unique().all()
    assert found.str.contains(f"^{form}$").all()
    assert make(INDEX[70_000:70_003]).to_list() == found[70_000:70_003].to_list()
    assert make(pl.Series([1, None, 2])).to_list() == [found[1], None, found[2]]


def test_kinds_have_ids_of_their_own() -> None:
    few = np.arange(1000)
    assert not set(ids.hubspot_ids("contacts", few)) & set(ids.hubspot_ids("companies", few))
    assert not set(ids.stripe_ids("in", few).str.slice(3)) & set(ids.stripe_ids("ch", few).str.slice(3))


def _checksum(short: str) -> str:
    """The three characters as Salesforce's own documentation tells to make them."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    chunks = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(
        alphabet[sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())] for chunk in chunks
    )


def test_salesforce_ids_end_in_their_checksum() -> None:
    assert "001A0000006Vm9r" + _checksum("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    for long in ids.salesforce_ids("001", np.arange(0, 100_000, 97)):
        assert long[15:] == _checksum(long[:15])


def test_short_salesforce_ids_may_differ_in_nothing_but_case() -> None:
    short = ids.salesforce_ids("003", np.arange(5000), length=15)
    assert short.str.to_lowercase().n_unique() < short.n_unique()
    assert ids.salesforce_ids("003", np.arange(5000)).str.to_lowercase().is_unique().all()


def test_some_people_have_namesakes(chance: np.random.Generator) -> None:
    first, last = names.person_names(chance, COUNTRIES)
    whole = pl.Series((first + " " + last).tolist())
    assert whole.null_count() == 0
    assert 0.15 < 1 - whole.is_unique().mean() < 0.5
    assert not whole.str.contains(r"\d|\||  ").any()


def test_companies_have_domains_of_their_own(chance: np.random.Generator) -> None:
    frame = names.company_names(chance, COUNTRIES[:20_000])
    assert frame.null_count().sum_horizontal().item() == 0
    assert frame["domain"].is_unique().all()
    assert frame["domain"].str.contains(r"^[a-z0-9]+(-[a-z0-9]+)*\.example$").all()
    few = names.company_names(chance, COUNTRIES[:2000])
    assert 0 < (~few["name"].is_unique()).sum() < 200


def test_every_country_has_addresses_and_numbers(chance: np.random.Generator) -> None:
    city = names.cities(chance, COUNTRIES)
    columns = {
        "city": city,
        "street": names.streets(chance, COUNTRIES),
        "postal_code": names.postal_codes(chance, COUNTRIES, city),
        "phone": names.phones(chance, COUNTRIES),
        "mobile": names.phones(chance, COUNTRIES, is_mobile=True),
    }
    frame = pl.DataFrame({name: pl.Series(values.tolist(), dtype=pl.String) for name, values in columns.items()})
    assert frame.null_count().sum_horizontal().item() == 0
    assert frame.select(pl.all().str.len_chars().min() > 2).row(0) == (True,) * 5
    for column in ("phone", "mobile"):
        assert frame[column].is_unique().all()
        assert frame[column].str.contains(r"^\+[1-9]\d{8,13}$").all()
    assert set(names.REGIONS) == set(names.COUNTRIES)
    vat = names.vat_ids(chance, COUNTRIES)
    assert set(COUNTRIES[vat.is_null().to_numpy()]) == {"US", "CA"}
    assert vat.drop_nulls().is_unique().all()


def test_addresses_are_unique_and_plain(chance: np.random.Generator) -> None:
    first, last = names.person_names(chance, COUNTRIES)
    domain = np.repeat(names.company_names(chance, COUNTRIES[:2000])["domain"].to_numpy(), 20).astype(object)
    for emails in (
        names.work_emails(chance, first, last, domain),
        names.private_emails(chance, first, last, COUNTRIES).to_numpy(),
    ):
        found = pl.Series(emails.tolist())
        assert found.is_unique().all()
        assert found.str.contains(r"^[a-z][a-z0-9.-]*@[a-z0-9.-]+\.[a-z]+$").all()


def test_no_private_address_reaches_a_mailbox_that_is_taken(chance: np.random.Generator) -> None:
    # Few names, so that many are alike, and the numbers behind them go on where they ended.
    first, last = (
        np.resize(np.array(["Anna", "An"], object), 9_000),
        np.resize(np.array(["Abt", "Nabt"], object), 9_000),
    )
    countries = np.full(9_000, "DE", object)
    parts = [names.private_emails(chance, first, last, countries)]
    for _ in range(2):
        parts.append(names.private_emails(chance, first, last, countries, pl.concat(parts)))
    found = pl.concat(parts)
    assert found.str.contains(r"^an\.nabt-\d{3,}@gmail\.com$").any()
    plain = found.str.extract(r"^(.*)@", 1).str.replace_all(".", "", literal=True) + found.str.extract("(@.*)$", 1)
    assert plain.is_unique().all()


def test_phones_typed_in_any_way_end_in_the_same_digits(chance: np.random.Generator) -> None:
    phone = pl.Series(names.phones(chance, COUNTRIES[:5000]).tolist())
    typed = variants.phone_variants(chance, phone)
    assert (typed != phone).mean() > 0.8
    assert (typed.str.replace_all(r"\D", "").str.tail(6) == phone.str.tail(6)).all()


def test_legal_forms_follow_the_name(chance: np.random.Generator) -> None:
    frame = names.company_names(chance, COUNTRIES[:3000])
    typed = variants.with_legal_forms(chance, frame["name"], frame["legal_suffix"])
    for name, whole in zip(frame["name"], typed, strict=True):
        assert re.match(rf"{re.escape(name)},? \S", whole)


def test_people_typed_in_any_way_stay_themselves(chance: np.random.Generator) -> None:
    first, last = (pl.Series(part.tolist()) for part in names.person_names(chance, COUNTRIES[:5000]))
    typed_first, typed_last = variants.person_variants(chance, first, last)
    assert typed_first.null_count() == typed_last.null_count() == 0
    initial = pl.DataFrame({"a": first, "b": last, "c": typed_first, "d": typed_last}).select(
        *(names.folded(column).str.slice(0, 1) for column in "abcd")
    )
    same = ((pl.col("c") == pl.col("a")) & (pl.col("d") == pl.col("b"))) | (
        (pl.col("c") == pl.col("b")) & (pl.col("d") == pl.col("a"))
    )
    # Short forms such as Bob for Robert begin otherwise.
    assert initial.select(same.mean()).item() > 0.97


def test_a_slip_changes_one_letter_or_two(chance: np.random.Generator) -> None:
    text = pl.Series(["Nordwind Logistik", "Ada", "Müller", None])
    for _ in range(50):
        typed = variants.with_slips(chance, text)
        assert typed[1] == "Ada"
        assert typed[3] is None
        assert all(abs(len(typed[place]) - len(text[place])) <= 1 for place in (0, 2))
        assert [typed[place][0] for place in (0, 2)] == ["N", "M"]
