"""Countries and phone numbers as people write them."""

import polars as pl
import pytest

from analytics.identifiers import READER, country_codes, phone_numbers


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("Deutschland", "DE"),
        ("ALLEMAGNE", "DE"),
        ("D", "DE"),
        ("Österreich", "AT"),
        ("Osterreich", "AT"),
        ("Schweiz", "CH"),
        ("Suisse", "CH"),
        ("The Netherlands", "NL"),
        ("Nederland", "NL"),
        ("België", "BE"),
        ("U.S.", "US"),
        ("United States", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Polska", "PL"),
        ("  Côte d'Ivoire ", "CI"),
        ("n/a", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_a_country_is_known_by_code_and_by_name(written: str, code: str | None) -> None:
    assert country_codes(pl.Series([written, None])).to_list() == [code, None]


def test_no_country_has_another_one_s_name() -> None:
    names = pl.Series(["Austria", "Australia", "Niger", "Nigeria", "Dominica", "Dominican Republic", "Guinea"])
    assert country_codes(names).to_list() == ["AT", "AU", "NE", "NG", "DM", "DO", "GN"]


@pytest.mark.parametrize(
    ("phone", "country", "e164", "is_valid"),
    [
        ("+49 (0)151-69861518", None, "+4915169861518", True),
        ("0151 69861518", "DE", "+4915169861518", True),
        ("0049 151 69861518", "DE", "+4915169861518", True),
        ("917 437 8349", "US", "+19174378349", True),
        ("(917) 437-8349", "CA", "+19174378349", True),
        ("06 36 22 94 01", "FR", "+33636229401", True),
        # Without a country nobody can tell whose it is.
        ("0151 69861518", None, None, False),
        ("0000000000", "DE", "+49000000000", False),
        ("123456789", "US", "+1123456789", False),
        ("-", "DE", None, False),
        ("n/a", None, None, False),
    ],
)
def test_a_phone_number_is_what_is_dialled(phone: str, country: str | None, e164: str | None, is_valid: bool) -> None:
    given = pl.DataFrame({"phone": [phone], "country": [country]}, schema={"phone": pl.String, "country": pl.String})
    assert phone_numbers(given).row(0) == (phone, country, e164, is_valid, READER)


def test_each_number_is_read_once_in_an_order_of_its_own() -> None:
    given = pl.DataFrame(
        {"phone": ["+4915169861518", None, "917 437 8349", "+4915169861518", "917 437 8349"],
         "country": ["DE", "DE", "US", "DE", None]}
    )  # fmt: skip
    once = phone_numbers(given)
    assert once.height == 3
    assert phone_numbers(given.reverse()).equals(once)
    assert phone_numbers(given.clear()).height == 0


def test_what_is_known_is_not_read_again_unless_another_library_read_it() -> None:
    given = pl.DataFrame({"phone": ["030 123456", "030 123457"], "country": ["DE", None]})
    known = phone_numbers(given).with_columns(e164=pl.lit("+1"))
    assert phone_numbers(given, known)["e164"].to_list() == ["+1", "+1"]
    more = pl.concat([given, pl.DataFrame({"phone": ["040 123456"], "country": ["DE"]})])
    assert phone_numbers(more, known)["e164"].to_list() == ["+1", "+1", "+4940123456"]
    assert phone_numbers(given.head(1), known).height == 1
    older = known.with_columns(read_by=pl.lit("phonenumbers 1"))
    assert phone_numbers(given, older).equals(phone_numbers(given))
