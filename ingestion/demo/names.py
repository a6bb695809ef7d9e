"""Names, addresses, phone numbers and e-mail addresses of people and companies in thirteen countries, drawn in bulk."""

from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestion.demo import words

Texts = NDArray[np.object_]

COUNTRIES = ("DE", "FR", "NL", "GB", "US", "AT", "IT", "ES", "BE", "PL", "CH", "SE", "CA")
REGIONS = {
    "DE": "DACH", "AT": "DACH", "CH": "DACH", "FR": "France", "NL": "Benelux", "BE": "Benelux", "GB": "UK & Ireland",
    "US": "North America", "IT": "Southern Europe", "ES": "Southern Europe", "PL": "Eastern Europe",
    "SE": "Nordics", "CA": "North America",
}  # fmt: skip
# Share of people who bear a name of another country than their own.
FOREIGN_SHARE = 0.08
# How much more frequent the first name of a list is than the later ones (exponent of Zipf's law).
FIRST_NAME_ZIPF, LAST_NAME_ZIPF, CITY_ZIPF = 0.5, 0.45, 0.8
# Share of surnames that are made of a stem and an ending, and of those that are two surnames joined.
RARE_SHARE, DOUBLE_SHARE = 0.45, 0.04
# Share of companies called after a founder, after an invented brand, or both with the trade.
FOUNDER_SHARE = 0.4
DIALLING = {
    "DE": "49", "AT": "43", "CH": "41", "FR": "33", "NL": "31", "BE": "32", "IT": "39", "ES": "34", "GB": "44",
    "US": "1", "PL": "48", "SE": "46", "CA": "1",
}  # fmt: skip
LANDLINE = {
    "DE": ("30", 8), "AT": ("1", 7), "CH": ("44", 7), "FR": ("1", 8), "NL": ("20", 7), "BE": ("2", 7), "IT": ("02", 8),
    "ES": ("91", 7), "GB": ("20", 8), "US": ("312", 7), "PL": ("22", 7), "SE": ("8", 7), "CA": ("416", 7),
}  # fmt: skip
MOBILE = {
    "DE": ("151", 8), "AT": ("664", 7), "CH": ("79", 7), "FR": ("6", 8), "NL": ("6", 8), "BE": ("47", 7),
    "IT": ("34", 8), "ES": ("6", 8), "GB": ("77", 8), "US": ("917", 7), "PL": ("50", 7), "SE": ("70", 7),
    "CA": ("647", 7),
}  # fmt: skip
VAT_DIGITS = {"DE": 9, "AT": 8, "CH": 9, "FR": 11, "NL": 9, "BE": 9, "IT": 11, "ES": 8, "GB": 9, "PL": 10, "SE": 12}
FREE_MAIL = {
    "DE": "gmail.com gmx.de web.de t-online.de outlook.com", "AT": "gmail.com gmx.at outlook.com aon.at",
    "CH": "gmail.com bluewin.ch outlook.com gmx.ch", "FR": "gmail.com orange.fr free.fr hotmail.fr laposte.net",
    "NL": "gmail.com hotmail.com ziggo.nl kpnmail.nl", "BE": "gmail.com telenet.be skynet.be hotmail.com",
    "IT": "gmail.com libero.it hotmail.it virgilio.it", "ES": "gmail.com hotmail.es yahoo.es telefonica.net",
    "GB": "gmail.com hotmail.co.uk btinternet.com yahoo.co.uk",
    "US": "gmail.com yahoo.com outlook.com icloud.com aol.com", "PL": "gmail.com wp.pl onet.pl o2.pl",
    "SE": "gmail.com hotmail.se telia.com outlook.com", "CA": "gmail.com yahoo.ca outlook.com rogers.com",
}  # fmt: skip
# Letters that Unicode doesn't take apart, and those that German writes with an e.
SPECIAL_LETTERS = {"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "\u0131": "i", "æ": "ae", "đ": "d", "Đ": "D"}
UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}


def person_names(rng: np.random.Generator, countries: Texts) -> tuple[Texts, Texts]:
    """First and last names for people of `countries` (ISO codes); namesakes are as frequent as in life."""
    origin = _origins(rng, np.asarray(countries, object))
    first, last = np.empty(len(origin), object), np.empty(len(origin), object)
    for country in words.FIRST_NAMES:
        here = np.flatnonzero(origin == country)
        if not len(here):
            continue
        first[here] = _drawn(rng, _listed(words.FIRST_NAMES[country]), len(here), FIRST_NAME_ZIPF)
        last[here] = _last_names(rng, country, len(here))
    return first, last


def company_names(rng: np.random.Generator, countries: Texts) -> pl.DataFrame:
    """One row per company: name (as it calls itself), legal_suffix, domain (unique; in the reserved zone .example)."""
    countries = np.asarray(countries, object)
    size = len(countries)
    name, suffix = np.empty(size, object), np.empty(size, object)
    origin = _origins(rng, countries, foreign_share=0)
    for country in words.TRADES:
        here = np.flatnonzero(origin == country)
        trade = _drawn(rng, _listed(words.TRADES[country]), len(here), 0.3)
        founder = _last_names(rng, country, len(here))
        is_founder, has_trade = rng.random(len(here)) < FOUNDER_SHARE, rng.random(len(here)) < 0.75
        start = np.where(is_founder, founder, _brands(rng, len(here)))
        name[here] = np.where(is_founder | has_trade, start + " " + trade, start)
    for country, suffixes in words.LEGAL_SUFFIXES.items():
        here = np.flatnonzero(countries == country)
        suffix[here] = rng.choice(np.array(list(suffixes), object), len(here), p=list(suffixes.values()))
    frame = pl.DataFrame({"name": pl.Series(name, dtype=pl.String), "legal_suffix": pl.Series(suffix, dtype=pl.String)})
    slug = folded("name").str.replace_all(r"[^a-z0-9]+", "-").str.strip_chars("-")
    place = pl.int_range(pl.len()).over("slug")
    # A namesake's domain was taken when it came, so it chose another.
    taken = pl.when(place == 0).then(pl.lit("")).otherwise(pl.lit("-") + (place + 1).cast(pl.String))
    return frame.with_columns(slug=slug).select("name", "legal_suffix", domain=pl.col("slug") + taken + ".example")


def cities(rng: np.random.Generator, countries: Texts) -> Texts:
    """A city for each of `countries`; larger ones more often."""
    countries = np.asarray(countries, object)
    city = np.empty(len(countries), object)
    for country in words.CITIES:
        here = np.flatnonzero(countries == country)
        known = np.array([entry.partition(":")[0] for entry in _listed(words.CITIES[country])], object)
        city[here] = _drawn(rng, known, len(here), CITY_ZIPF)
    return city


def postal_codes(rng: np.random.Generator, countries: Texts, places: Texts) -> Texts:
    """A postal code of each city in `places`, in the country's own form."""
    countries, places = np.asarray(countries, object), np.asarray(places, object)
    code = np.empty(len(countries), object)
    for country in words.CITIES:
        here = np.flatnonzero(countries == country)
        starts = dict(entry.split(":") for entry in _listed(words.CITIES[country]))
        start = np.array([starts[place] for place in places[here]], object)
        one, two, three = (_digits(rng, len(here), count) for count in (1, 2, 3))
        letters = rng.choice(np.array(list("ABDEFGHJLNPQRSTUWXYZ"), object), (2, len(here)))
        house = rng.integers(1, 20, len(here)).astype(str).astype(object)
        code[here] = {
            "NL": start + two + " " + letters[0] + letters[1],
            "GB": start + house + " " + one + letters[0] + letters[1],
            "PL": start + one + "-" + three,
            "SE": start + one + " " + two,
            "CA": start + letters[0] + " " + one + letters[1] + one,
        }.get(country, start + (three if country in ("DE", "FR", "ES") else two))
    return code


def streets(rng: np.random.Generator, countries: Texts) -> Texts:
    """Street and number, in the country's own order."""
    countries = np.asarray(countries, object)
    street = np.empty(len(countries), object)
    for country in COUNTRIES:
        here = np.flatnonzero(countries == country)
        language = {"AT": "DE", "CH": "DE", "BE": "NL", "CA": "US"}.get(country, country)
        name = _drawn(rng, _listed(words.STREETS[language]), len(here), 0.3)
        number = np.minimum(rng.geometric(0.025, len(here)), 240).astype(str).astype(object)
        before, comma = country in ("FR", "GB", "US", "CA"), ", " if country in ("IT", "ES") else " "
        street[here] = number + " " + name if before else name + comma + number
    return street


def phones(rng: np.random.Generator, countries: Texts, *, is_mobile: bool = False) -> Texts:
    """Phone numbers in E.164 (`+49301234567`), each different from the others of the call."""
    countries = np.asarray(countries, object)
    phone = np.empty(len(countries), object)
    for country, (area, digits) in (MOBILE if is_mobile else LANDLINE).items():
        here = np.flatnonzero(countries == country)
        # First digits 2 to 8, so that no number looks like one of the placeholders.
        lowest, highest = 2 * 10 ** (digits - 1), 9 * 10 ** (digits - 1)
        number = lowest + rng.choice(highest - lowest, len(here), replace=False)
        phone[here] = f"+{DIALLING[country]}{area}" + number.astype(str).astype(object)
    return phone


def vat_ids(rng: np.random.Generator, countries: Texts) -> pl.Series:
    """Tax registration numbers in the country's form; null in the US and Canada, which have none."""
    countries = np.asarray(countries, object)
    vat = np.full(len(countries), None, object)
    for country, digits in VAT_DIGITS.items():
        here = np.flatnonzero(countries == country)
        number = 10 ** (digits - 1) + rng.choice(9 * 10 ** (digits - 1), len(here), replace=False)
        prefix, end = {"AT": ("ATU", ""), "CH": ("CHE", ""), "NL": ("NL", "B01"), "ES": ("ESB", "")}.get(
            country, (country, "")
        )
        vat[here] = prefix + number.astype(str).astype(object) + end
    return pl.Series(vat.tolist(), dtype=pl.String)


def work_emails(rng: np.random.Generator, first: Texts, last: Texts, domains: Texts) -> Texts:
    """One address each, in the pattern that the domain's company uses; a namesake there gets a number."""
    frame = pl.DataFrame(
        {"first": pl.Series(first), "last": pl.Series(last), "domain": pl.Series(domains)},
        schema_overrides={"first": pl.String, "last": pl.String, "domain": pl.String},
    )
    patterns = pl.DataFrame({"domain": frame["domain"].unique(maintain_order=True)})
    kind = rng.choice(3, len(patterns), p=[0.7, 0.2, 0.1])
    patterns = patterns.with_columns(pattern=pl.Series(kind, dtype=pl.Int64))
    one, two = (folded(name).str.replace_all(r"[^a-z-]+", "") for name in ("first", "last"))
    local = (
        pl.when(pl.col("pattern") == 0).then(one + "." + two)
        .when(pl.col("pattern") == 1).then(one.str.slice(0, 1) + "." + two)
        .otherwise(one.str.slice(0, 1) + two)
    )  # fmt: skip
    frame = frame.join(patterns, on="domain", how="left", maintain_order="left").with_columns(local=local)
    return _numbered(frame, pl.col("domain"))


def private_emails(
    rng: np.random.Generator, first: Texts, last: Texts, countries: Texts, taken: pl.Series | None = None
) -> pl.Series:
    """One free-mail address each: `anna.mueller83@gmx.de`, `anna.mueller-2@gmail.com`.

    No two reach one mailbox, nor does any reach one of `taken`, which are addresses of this function.
    """
    size = len(first)
    countries = np.asarray(countries, object)
    domain = np.empty(size, object)
    for country, domains in FREE_MAIL.items():
        here = np.flatnonzero(countries == country)
        domain[here] = _drawn(rng, _listed(domains), len(here), 0.9)
    frame = pl.DataFrame(
        {
            "first": pl.Series(first, dtype=pl.String),
            "last": pl.Series(last, dtype=pl.String),
            "domain": pl.Series(domain, dtype=pl.String),
            "pattern": rng.choice(4, size, p=[0.4, 0.3, 0.2, 0.1]),
            "year": rng.integers(50, 108, size) % 100,
        }
    )
    one, two = (folded(name).str.replace_all(r"[^a-z]+", "") for name in ("first", "last"))
    year = pl.col("year").cast(pl.String).str.zfill(2)
    local = (
        pl.when(pl.col("pattern") == 0).then(one + "." + two)
        .when(pl.col("pattern") == 1).then(one + "." + two + year)
        .when(pl.col("pattern") == 2).then(one.str.slice(0, 1) + two + year)
        .otherwise(one + year)
    )  # fmt: skip
    frame = frame.select("domain", local=local).with_columns(box=_box("local"))
    known = _last_numbers(pl.Series([], dtype=pl.String) if taken is None else taken)
    frame = frame.join(known, on=["box", "domain"], how="left", maintain_order="left")
    place = pl.int_range(pl.len()).over("box", "domain") + pl.col("last").fill_null(0)
    # Only a number stands behind a dash, so that it can't be taken for a year.
    number = pl.when(place == 0).then(pl.lit("")).otherwise(pl.lit("-") + (place + 1).cast(pl.String))
    return frame.select(email=pl.col("local") + number + "@" + pl.col("domain")).to_series()


def _box(local: str) -> pl.Expr:
    """What tells mailboxes of one domain apart: some providers take no notice of dots."""
    return pl.col(local).str.replace_all(".", "", literal=True)


def _last_numbers(emails: pl.Series) -> pl.DataFrame:
    """box, domain, last: the highest number that private addresses of that mailbox's name have; 1 is the plain one."""
    frame = pl.DataFrame({"email": emails}, schema={"email": pl.String}).select(
        local=pl.col("email").str.extract(r"^([^@-]+)", 1),
        domain=pl.col("email").str.extract(r"@(.+)$", 1),
        number=pl.col("email").str.extract(r"-(\d+)@", 1).cast(pl.Int64).fill_null(1),
    )
    return frame.group_by(_box("local").alias("box"), "domain").agg(last=pl.col("number").max())


def folded(column: str | pl.Expr, *, keep_case: bool = False) -> pl.Expr:
    """ASCII as in addresses, in lower case unless told: ä becomes ae, é becomes e."""
    text = pl.col(column) if isinstance(column, str) else column
    plain = text.str.replace_many(UMLAUTS | SPECIAL_LETTERS).str.normalize("NFKD").str.replace_all(r"\p{M}+", "")
    return plain if keep_case else plain.str.to_lowercase()


def _numbered(frame: pl.DataFrame, domain: pl.Expr) -> Texts:
    """`local@domain`, with a number where another before it has the same."""
    place = pl.int_range(pl.len()).over("local", "domain")
    number = pl.when(place == 0).then(pl.lit("")).otherwise(pl.lit(".") + (place + 1).cast(pl.String))
    return frame.select(pl.col("local") + number + "@" + domain).to_series().to_numpy().astype(object)


def _origins(rng: np.random.Generator, countries: Texts, foreign_share: float = FOREIGN_SHARE) -> Texts:
    """The country whose names each bears: mostly the own, or one that it shares its language with."""
    known = np.array(list(words.FIRST_NAMES), object)
    origin = countries.copy()
    for country, shares in words.SHARED.items():
        here = np.flatnonzero(countries == country)
        origin[here] = rng.choice(np.array(list(shares), object), len(here), p=list(shares.values()))
    is_foreign = rng.random(len(countries)) < foreign_share
    origin[is_foreign] = rng.choice(known, int(is_foreign.sum()))
    return origin


def _last_names(rng: np.random.Generator, country: str, size: int) -> Texts:
    last = _drawn(rng, _listed(words.LAST_NAMES[country]), size, LAST_NAME_ZIPF)
    stem = rng.choice(_listed(words.STEMS[country]), size)
    rare = stem + rng.choice(_listed(words.ENDINGS[country]), size)
    last = np.where(rng.random(size) < RARE_SHARE, rare, last)
    second = _drawn(rng, _listed(words.LAST_NAMES[country]), size, LAST_NAME_ZIPF)
    if country == "ES":
        return np.where(rng.random(size) < 0.5, last + " " + second, last)
    is_double = (rng.random(size) < DOUBLE_SHARE) & (last != second)
    return np.where(is_double, last + "-" + second, last)


def _brands(rng: np.random.Generator, size: int) -> Texts:
    start, middle, end = (
        rng.choice(_listed(part), size) for part in (words.BRAND_STARTS, words.BRAND_MIDDLES, words.BRAND_ENDS)
    )
    return np.asarray(np.where(rng.random(size) < 0.5, start + middle + end, start + end))


def _drawn(rng: np.random.Generator, entries: Texts, size: int, exponent: float) -> Texts:
    """`size` entries, the earlier ones of the list more often."""
    weight = 1 / np.arange(1, len(entries) + 1) ** exponent
    return entries[rng.choice(len(entries), size, p=weight / weight.sum())]


@cache
def _listed(entries: str) -> Texts:
    """A word list's entries: split at bars where it has any, else at spaces."""
    return np.array(entries.split("|") if "|" in entries else entries.split(), object)


def _digits(rng: np.random.Generator, size: int, count: int) -> Texts:
    # numpy can't pad an empty array of texts.
    return (
        np.char.zfill(rng.integers(0, 10**count, size).astype(str), count).astype(object)
        if size
        else np.empty(0, object)
    )
