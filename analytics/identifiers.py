"""Identifiers that need a library to be read: countries in the languages of those who type them, phone numbers."""

import unicodedata
from functools import cache

import phonenumbers
import polars as pl
from babel import Locale

READER = f"phonenumbers {phonenumbers.__version__}"
"""What reads numbers, and gives the same of the same."""

LANGUAGES = ("en", "de", "fr", "nl", "it", "es", "pt", "pl", "sv", "da", "nb", "fi", "cs")
# What people write and no list of names holds.
OTHER_NAMES = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "usa": "US", "u s a": "US", "u s": "US", "united states of america": "US", "america": "US",
    "the netherlands": "NL", "holland": "NL", "d": "DE", "f": "FR", "i": "IT", "e": "ES", "a": "AT", "eire": "IE",
    "czech republic": "CZ", "south korea": "KR", "korea": "KR", "russia": "RU", "uae": "AE", "brd": "DE",
}  # fmt: skip


_NO_NUMBERS = pl.DataFrame(
    schema={"phone": pl.String, "country": pl.String, "e164": pl.String, "is_valid": pl.Boolean, "read_by": pl.String}
)


def country_codes(names: pl.Series) -> pl.Series:
    """ISO 3166-1 alpha-2 of countries given as code or as name in any of LANGUAGES; null where it is neither."""
    known = _codes()
    distinct = names.drop_nulls().unique().to_list()
    found = {name: known.get(_plain(name)) for name in distinct}
    return names.replace_strict(found, default=None, return_dtype=pl.String)


def phone_numbers(numbers: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per distinct phone number and country, as it is dialled.

    `numbers`: phone (as it is written) and country (ISO alpha-2 or null, from where it would be dialled without a code
    of its own). Returns these with e164 (`+4930123456`; null where it can't be a number), is_valid (whether such a
    number is given out there) and read_by. Invalid ones keep their e164: a number that somebody mistyped is no other's.

    `known` is what this function returned before, with read_by, of these or other numbers: what READER has read isn't
    read again.
    """
    distinct = numbers.select("phone", "country").drop_nulls("phone").unique()
    kept = _NO_NUMBERS if known is None else known.filter(pl.col("read_by") == READER).select(_NO_NUMBERS.columns)
    new = distinct.join(kept, on=["phone", "country"], how="anti", nulls_equal=True)
    read = [(phone, country, *_read(phone, country), READER) for phone, country in new.iter_rows()]
    return (
        distinct.join(kept, on=["phone", "country"], how="inner", nulls_equal=True)
        .vstack(pl.DataFrame(read, schema=_NO_NUMBERS.schema, orient="row"))
        .sort("phone", "country", nulls_last=True)
    )


def _read(phone: str, country: str | None) -> tuple[str | None, bool]:
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None, False
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), phonenumbers.is_valid_number(number)


@cache
def _codes() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in reversed(LANGUAGES):
        names |= {_plain(name): code for code, name in _territories(language).items()}
    return names | {code.lower(): code for code in _territories("en")} | OTHER_NAMES


def _territories(language: str) -> dict[str, str]:
    """Alpha-2 code → name; the list also holds continents, by numbers, and alternative names."""
    territories = {str(code): str(name) for code, name in Locale(language).territories.items()}
    return {code: name for code, name in territories.items() if len(code) == 2 and code.isalpha()}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    words = "".join(letter if letter.isalnum() else " " for letter in letters if not unicodedata.combining(letter))
    return " ".join(words.split())
