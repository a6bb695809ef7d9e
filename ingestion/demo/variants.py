"""The same name, address or number as somebody else types it. Each function draws one way for each value."""

import numpy as np
import polars as pl

from ingestion.demo.names import DIALLING, folded

LEGAL_FORMS = {
    "GmbH": ("GmbH", "GmbH", "gmbh", "G.m.b.H.", "Gesellschaft mbH"),
    "AG": ("AG", "AG", "Aktiengesellschaft"),
    "GmbH & Co. KG": ("GmbH & Co. KG", "GmbH & Co KG", "GmbH und Co. KG", "KG"),
    "SAS": ("SAS", "S.A.S.", "sas"),
    "SARL": ("SARL", "S.A.R.L.", "Sarl"),
    "SA": ("SA", "S.A."),
    "B.V.": ("B.V.", "BV", "bv"),
    "N.V.": ("N.V.", "NV"),
    "BV": ("BV", "BVBA", "bv"),
    "S.r.l.": ("S.r.l.", "SRL", "srl", "s.r.l"),
    "S.p.A.": ("S.p.A.", "SpA", "SPA"),
    "S.L.": ("S.L.", "SL", "S.L", "Sociedad Limitada"),
    "S.A.": ("S.A.", "SA"),
    "Ltd": ("Ltd", "Ltd.", "Limited", "LTD"),
    "PLC": ("PLC", "plc"),
    "Inc.": ("Inc.", "Inc", "Incorporated", ", Inc."),
    "LLC": ("LLC", "L.L.C.", "llc"),
    "Corp.": ("Corp.", "Corporation"),
    "AB": ("AB", "Aktiebolag", "A.B."),
    "Sp. z o.o.": ("Sp. z o.o.", "sp. z o.o.", "Sp z oo"),
}
SHORT_FIRST_NAMES = {
    "Michael": "Michi", "Alexander": "Alex", "Sebastian": "Basti", "Maximilian": "Max", "Matthias": "Matze",
    "Katharina": "Kathi", "Susanne": "Susi", "Andreas": "Andi", "Thomas": "Tom", "Christopher": "Chris",
    "Robert": "Bob",
    "William": "Bill",
    "James": "Jim", "Elizabeth": "Liz", "Jennifer": "Jen", "Joseph": "Joe", "Daniel": "Dan",
    "Matthew": "Matt", "Rebecca": "Becky", "Katherine": "Kate", "Andrew": "Andy", "Samuel": "Sam",
    "Francesco": "Franco",
    "Alessandro": "Ale", "Giuseppe": "Peppe", "Francisco": "Paco", "José": "Pepe", "Manuel": "Manolo", "Isabel": "Isa",
    "Małgorzata": "Gosia", "Katarzyna": "Kasia", "Aleksandra": "Ola", "Krzysztof": "Krzysiek", "Johanna": "Hanna",
    "Nathalie": "Nath", "Sébastien": "Seb", "Frédéric": "Fred", "Pieter": "Piet", "Willemijn": "Willie",
}  # fmt: skip
# Nothing that a replacement makes is replaced again, whatever the order.
SHORT_STREETS = {
    "straße": "str.", "Straße": "Str.", "platz": "pl.", "straat": "str.", "laan": "ln", "avenue": "av.",
    "boulevard": "bd",
    "rue ": "r. ", "place ": "pl. ", "via ": "V. ", "piazza ": "P.za ", "corso ": "C.so ", "Calle ": "C/ ",
    "Avenida ": "Avda. ", "Plaza ": "Pza. ", "Street": "St", "Road": "Rd", "Avenue": "Ave", "Lane": "Ln", "Drive": "Dr",
    "Boulevard": "Blvd", "ul. ": "ul.", "al. ": "al.",
}  # fmt: skip
# Where numbers inside the country begin with a 0 that the international form leaves out.
WITH_TRUNK_ZERO = ("49", "43", "41", "33", "31", "32", "44", "46")
COUNTRY_NAMES = {
    "DE": ("Germany", "Deutschland", "DE", "D"), "AT": ("Austria", "Österreich", "AT", "Austria"),
    "CH": ("Switzerland", "Schweiz", "CH", "Suisse"), "FR": ("France", "FR", "France", "FRANCE"),
    "NL": ("Netherlands", "Nederland", "NL", "The Netherlands"), "BE": ("Belgium", "België", "BE", "Belgique"),
    "IT": ("Italy", "Italia", "IT", "ITALY"), "ES": ("Spain", "España", "ES", "Spain"),
    "GB": ("United Kingdom", "UK", "GB", "England"), "US": ("United States", "USA", "US", "U.S."),
    "PL": ("Poland", "Polska", "PL", "Poland"), "SE": ("Sweden", "Sverige", "SE", "SWEDEN"),
    "CA": ("Canada", "CA", "CANADA", "Canada"),
}  # fmt: skip


def country_names(countries: pl.Series) -> pl.Series:
    """The English name of each country, as a CRM's list offers it."""
    return countries.replace_strict({code: known[0] for code, known in COUNTRY_NAMES.items()}, return_dtype=pl.String)


def countries_as_typed(rng: np.random.Generator, countries: pl.Series) -> pl.Series:
    """A country's code as a name in one language or another, or as a short form."""
    forms = pl.Series(rng.integers(0, 4, len(countries)))
    return _one_of(
        forms,
        [
            countries.replace_strict(
                {code: known[place] for code, known in COUNTRY_NAMES.items()}, return_dtype=pl.String
            )
            for place in range(4)
        ],
    )


def with_legal_forms(rng: np.random.Generator, name: pl.Series, suffix: pl.Series) -> pl.Series:
    """Company names with their legal form, in one of the ways in which it is written."""
    longest = max(len(forms) for forms in LEGAL_FORMS.values())
    place = rng.integers(0, 1 << 30, len(name))
    counts = suffix.replace_strict(
        {one: len(forms) for one, forms in LEGAL_FORMS.items()}, default=1, return_dtype=pl.Int64
    )
    which = pl.Series(place % counts.to_numpy())
    forms = [
        suffix.replace({one: forms[min(number, len(forms) - 1)] for one, forms in LEGAL_FORMS.items()})
        for number in range(longest)
    ]
    form = _one_of(which, forms)
    return pl.select((name + " " + form).str.replace(" ,", ",", literal=True)).to_series()


def company_variants(rng: np.random.Generator, name: pl.Series, city: pl.Series) -> pl.Series:
    """Company names in capitals, without accents, with a slip, with the city, or shortened to the first word."""
    kind = pl.Series(rng.integers(0, 6, len(name)))
    first_word = name.str.extract(r"^(\S{5,})", 1).fill_null(name)
    forms = [name.str.to_uppercase(), _plain(name), with_slips(rng, name), name + " " + city, name.str.to_lowercase()]
    return _one_of(kind, [*forms, first_word])


def person_variants(rng: np.random.Generator, first: pl.Series, last: pl.Series) -> tuple[pl.Series, pl.Series]:
    """First and last names shortened, without accents, with a slip, the wrong way round, or in capitals."""
    kind = pl.Series(rng.integers(0, 7, len(first)))
    initial, short = first.str.slice(0, 1) + ".", first.replace(SHORT_FIRST_NAMES)
    one_surname = last.str.replace(r"(-| )[^- ]+$", "")
    firsts = [initial, short, _plain(first), first, last, first.str.to_uppercase(), first]
    lasts = [last, last, _plain(last), with_slips(rng, last), first, last.str.to_uppercase(), one_surname]
    return _one_of(kind, firsts), _one_of(kind, lasts)


def email_variants(rng: np.random.Generator, email: pl.Series) -> pl.Series:
    """The same mailbox: in capitals, with a capital here and there, with a tag behind a plus, with a space around."""
    kind = pl.Series(rng.integers(0, 4, len(email)))
    tagged = email.str.replace("@", "+crm@", literal=True)
    return _one_of(kind, [email.str.to_uppercase(), email.str.to_titlecase(), tagged, " " + email])


def second_addresses(email: pl.Series) -> pl.Series:
    """Another address of the same mailbox, for systems that take each address once, in whatever letters."""
    return email.str.replace("@", "+2@", literal=True)


def phone_variants(rng: np.random.Generator, phone: pl.Series) -> pl.Series:
    """Numbers in E.164 as people type them: with spaces, with 00, in the country's own form."""
    codes = "|".join(sorted(DIALLING.values(), key=len, reverse=True))
    code, rest = phone.str.extract(rf"^\+({codes})", 1), phone.str.extract(rf"^\+(?:{codes})(\d+)$", 1)
    zero = pl.select(pl.when(code.is_in(WITH_TRUNK_ZERO)).then(pl.lit("0")).otherwise(pl.lit(""))).to_series()
    area, number = rest.str.slice(0, 3), rest.str.slice(3)
    forms = [
        "+" + code + " " + area + " " + number,
        "00" + code + rest,
        zero + area + "/" + number,
        zero + area + " " + number.str.slice(0, 3) + " " + number.str.slice(3),
        "+" + code + " (0)" + area + "-" + number,
        "(" + zero + area + ") " + number,
    ]
    kind = rng.integers(0, len(forms), len(phone))
    # The (0) is written only where there is one.
    kind = np.where((kind == 4) & (zero.to_numpy() == ""), 0, kind)
    return _one_of(pl.Series(kind), forms).fill_null(phone)


def address_variants(rng: np.random.Generator, street: pl.Series) -> pl.Series:
    """Streets shortened, in capitals, without accents, or with a slip."""
    kind = pl.Series(rng.integers(0, 5, len(street)))
    short = pl.select(pl.lit(street).str.replace_many(SHORT_STREETS)).to_series()
    forms = [short, short.str.to_uppercase(), _plain(street), with_slips(rng, street), street.str.replace(" ", "  ")]
    return _one_of(kind, forms)


def with_slips(rng: np.random.Generator, text: pl.Series) -> pl.Series:
    """Two neighbouring letters swapped, one left out, or one typed twice; texts below four letters stay."""
    length = text.str.len_chars().fill_null(0).cast(pl.Int64)
    place = pl.Series((1 + rng.random(len(text)) * (length.to_numpy() - 2).clip(0)).astype(np.int64))
    kind = pl.Series(rng.integers(0, 3, len(text)))
    frame = pl.DataFrame({"text": text, "place": place, "kind": kind, "length": length})
    whole, at = pl.col("text"), pl.col("place")
    before, one, two, after = whole.str.slice(0, at), whole.str.slice(at, 1), whole.str.slice(at + 1, 1), at + 2
    rest = whole.str.slice(after)
    slip = (
        pl.when(pl.col("length") < 4).then(whole)
        .when(pl.col("kind") == 0).then(before + two + one + rest)
        .when(pl.col("kind") == 1).then(before + two + rest)
        .otherwise(before + one + one + two + rest)
    )  # fmt: skip
    return frame.select(slip).to_series()


def _plain(text: pl.Series) -> pl.Series:
    """Without accents, in the case that it was."""
    frame = pl.DataFrame({"text": text})
    return frame.select(folded("text", keep_case=True)).to_series()


def _one_of(which: pl.Series, forms: list[pl.Series]) -> pl.Series:
    """For each place, the form of that number."""
    chosen = pl.lit(None, pl.String)
    for number, form in enumerate(forms):
        chosen = pl.when(which == number).then(form).otherwise(chosen)
    return pl.select(chosen).to_series().alias("")
