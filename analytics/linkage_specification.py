"""What is compared and how pairs are found, as data: one specification for people, one for companies.

The m and u probabilities here are priors. Training starts from them, is pulled towards them by a fixed number of
pseudo-observations, and falls back to them where a level never occurs; so a model of a few hundred records, or of
a column that is always null, stays sane.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["people", "companies"]


@dataclass(frozen=True)
class Level:
    """One degree of agreement; `sql` is over the columns of a pair, with the suffixes `_l` and `_r`."""

    label: str
    sql: str
    m: float
    u: float
    frequency_of: str | None = None
    frequency_weight: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """Levels from the strongest agreement to "anything else"; `null_sql` says when there is nothing to compare."""

    name: str
    null_sql: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class BlockingRule:
    """Two records are compared if they share the value of `key`, SQL over one record's columns.

    `fixes` names the comparisons about which a pair of this rule tells nothing, because the key already makes them
    agree; a rule with `trains` is a pass of the expectation-maximisation, which leaves those comparisons out.
    """

    name: str
    key: str
    fixes: tuple[str, ...] = ()
    trains: bool = False


@dataclass(frozen=True)
class Dependence:
    """Two comparisons on which different entities agree together: a family shares its name and its home.

    Fellegi-Sunter takes comparisons as independent, and would weigh a shared home as if strangers lived there. The
    comparison `name` takes that back. `rate_key` finds the pairs that agree on both; what of them don't match is the
    rate F of such families. `places` are levels of `other`, by label, with the SQL under which they may be a family's.
    """

    name: str
    first: str
    other: str
    frequency_of: str
    agrees: str
    rate_key: str
    places: tuple[tuple[str, str], ...]

    @property
    def comparison(self) -> "Comparison":
        """The comparison with weights of nought, which training replaces."""
        levels = tuple(
            Level(f"{self.name}: {label}", f"{self.agrees} and ({sql})", 0.005, 0.005, self.frequency_of, -1.0)
            for label, sql in self.places
        )
        any_place = " or ".join(f"({sql})" for _, sql in self.places)
        return Comparison(self.name, f"not coalesce({self.agrees} and ({any_place}), false)", levels)


@dataclass(frozen=True)
class Specification:
    """Everything that one kind of record is linked by.

    `columns` are the text columns a frame may have besides record_id and duplicate_free_list; `derived` are SQL
    expressions over them; `strict_keys` almost never agree between two entities, and the prior is estimated from them.
    `corroborating` has, by comparison, the levels (0 = the weakest) that say more than the name, and `named_by` the
    comparisons of names: neither a name alone makes a link, nor a phone or a home with another name, or with none, as
    families share. `proving` levels together stand in for the name, and `outweighing` ones say that two values of an
    exclusive identifier are one entity's: a slip of the pen, or a number given anew. Each has all levels of an
    alternative.
    """

    kind: Kind
    columns: tuple[str, ...]
    derived: tuple[tuple[str, str], ...]
    comparisons: tuple[Comparison, ...]
    blocking_rules: tuple[BlockingRule, ...]
    strict_keys: tuple[str, ...]
    corroborating: tuple[tuple[str, tuple[int, ...]], ...]
    named_by: tuple[str, ...]
    proving: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...] = ()
    outweighing: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...] = ()
    dependence: Dependence | None = None

    @property
    def keyed_rules(self) -> tuple[BlockingRule, ...]:
        """The blocking rules, and after them the one that finds the pairs of a dependence, for training only."""
        if self.dependence is None:
            return self.blocking_rules
        both = (self.dependence.first, self.dependence.other)
        return (*self.blocking_rules, BlockingRule(self.dependence.name, self.dependence.rate_key, both, trains=True))

    @property
    def weighed(self) -> tuple[Comparison, ...]:
        """All comparisons of a pair, with the one that corrects for dependence."""
        return (*self.comparisons, *([self.dependence.comparison] if self.dependence else []))


def _missing(column: str) -> str:
    return f"({column}_l is null or {column}_r is null)"


def _same(column: str) -> str:
    return f"{column}_l = {column}_r"


def _alike(column: str, similarity: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {similarity}"


def _edits(column: str, distance: int) -> str:
    return f"levenshtein({column}_l, {column}_r) <= {distance}"


def _slip(column: str) -> str:
    """One letter wrong, missing, too many, or exchanged with its neighbour: Damerau's distance 1.

    DuckDB's damerau_levenshtein takes ten times as long. Of two texts of one length n that are two edits apart, those
    with an exchange have a Jaro similarity of 1 - 1/(3n), all others at most 1 - 2/(3n).
    """
    exchanged = (
        f"levenshtein({column}_l, {column}_r) = 2 and length({column}_l) = length({column}_r) "
        f"and jaro_similarity({column}_l, {column}_r) > 1 - 0.5 / length({column}_l)"
    )
    return f"(levenshtein({column}_l, {column}_r) <= 1 or ({exchanged}))"


def _identifier(name: str, label: str, u: float) -> Comparison:
    return Comparison(
        name,
        _missing(name),
        (
            Level(f"same {label}", _same(name), 0.85, u),
            Level(f"{label} one slip apart", _slip(name), 0.08, u * 10),
            Level(f"{label} differs", "else", 0.07, 1 - 11 * u),
        ),
    )


_SAME_PLACE = "(postal_code_l = postal_code_r or city_l = city_r)"
_PLACE_UNKNOWN = f"(({_missing('postal_code')}) and ({_missing('city')}))"
_ADDRESS_ALIKE = f"(address_number_l = address_number_r and {_alike('address_text', 0.85)})"

_DERIVED_LOCATION = (
    ("address", "address"),
    ("address_number", r"nullif(regexp_extract(address, '\d+'), '')"),
    ("address_text", r"nullif(trim(regexp_replace(regexp_replace(address, '\d+', ''), '[^\w]+', ' ', 'g')), '')"),
    ("city", "city"),
    ("postal_code", "postal_code"),
)

_LOCATION = Comparison(
    "location",
    f"({_missing('address')} and {_missing('postal_code')} and {_missing('city')})",
    (
        Level(
            "same address, same place",
            f"address_l = address_r and (coalesce({_SAME_PLACE}, false) or {_PLACE_UNKNOWN})",
            0.45,
            1e-5,
        ),
        Level(
            "address alike, same place",
            f"{_ADDRESS_ALIKE} and (coalesce({_SAME_PLACE}, false) or {_PLACE_UNKNOWN})",
            0.15,
            1e-5,
        ),
        Level("address alike, other place", f"address_l = address_r or {_ADDRESS_ALIKE}", 0.04, 2e-5),
        Level("same street, same place", f"{_alike('address_text', 0.92)} and {_SAME_PLACE}", 0.05, 5e-5),
        Level("same postcode and city", f"{_same('postal_code')} and {_same('city')}", 0.06, 1e-3),
        Level("same postcode", _same("postal_code"), 0.03, 1e-3),
        Level("same city", _same("city"), 0.10, 0.02, frequency_of="city"),
        Level("city or postcode alike", f"{_alike('city', 0.88)} or {_slip('postal_code')}", 0.05, 0.03),
        Level("elsewhere", "else", 0.07, 0.949),
    ),
)


# From the same postcode up, but for the same street with another number, and the like of it in another place.
_ONE_PLACE = (3, 4, 7, 8)
_NEAR = (3, 4, 5, 6, 7, 8)

# An address that spells its owner's name says no more than the name does: strangers of one name have alike ones
# (ann.lee7@, a.lee@). Vowels are left out, for ü is written u or ue.
_SPELT_OUT = (
    "length(regexp_replace({name}, '[^b-df-hj-np-tv-z]', '', 'g')) >= 2 and contains("
    "regexp_replace(split_part(coalesce(email_canonical, email), '@', 1), '[^b-df-hj-np-tv-z]', '', 'g'), "
    "regexp_replace({name}, '[^b-df-hj-np-tv-z]', '', 'g'))"
)
_BOTH_SPELL_LAST_NAMES = "email_l <> email_r and email_spells_last_name_l and email_spells_last_name_r"
_BOTH_SPELL_NAMES = "(email_spells_a_name_l and email_spells_a_name_r)"

_SWAPPED = (
    "(first_name_l = last_name_r and jaro_winkler_similarity(last_name_l, first_name_r) >= 0.8) "
    "or (last_name_l = first_name_r and jaro_winkler_similarity(first_name_l, last_name_r) >= 0.8)"
)


def _person_name(name: str, label: str) -> Comparison:
    return Comparison(
        name,
        _missing(name),
        (
            Level(f"same {label}", _same(name), 0.72, 0.005, frequency_of=name),
            Level(f"{label} swapped with the other name", _SWAPPED, 0.04, 5e-4),
            Level(f"{label} one slip apart", f"{_alike(name, 0.92)} or {_slip(name)}", 0.12, 0.004),
            Level(
                f"{label} alike or short",
                f"{_alike(name, 0.8)} or starts_with({name}_l, {name}_r) or starts_with({name}_r, {name}_l)",
                0.05,
                0.02,
            ),
            Level(f"{label} differs", "else", 0.07, 0.97),
        ),
    )


_FAMILY = Dependence(
    name="household",
    first="last_name",
    other="location",
    frequency_of="last_name",
    agrees=f"(last_name_l = last_name_r or {_alike('last_name', 0.92)})",
    rate_key="last_name || '|' || address || '|' || coalesce(city, postal_code)",
    places=(
        *((level.label, level.sql) for level in _LOCATION.levels[:3]),
        *((level.label, f"{_missing('address')} and {level.sql}") for level in _LOCATION.levels[4:7]),
    ),
)

_NAME_FROM_FULL = (
    "case when first_name is null and last_name is null then nullif(regexp_extract(full_name, '{pattern}', 1), '') "
    "else {name} end"
)

_FIRST_NAME = _NAME_FROM_FULL.format(name="first_name", pattern=r"^(\S+)\s")
_LAST_NAME = _NAME_FROM_FULL.format(name="last_name", pattern=r"(\S+)\s*$")

PEOPLE = Specification(
    kind="people",
    columns=(
        "first_name",
        "last_name",
        "full_name",
        "email",
        "email_canonical",
        "phone",
        "birth_date",
        "national_id",
        "address",
        "city",
        "postal_code",
        "region",
        "country",
    ),
    derived=(
        ("first_name", _FIRST_NAME),
        ("last_name", _LAST_NAME),
        (
            "last_name_sound",
            r"left(last_name, 1) || regexp_replace(substr(last_name, 2), '[aeiouyhw\W]', '', 'g')",
        ),
        ("email", "coalesce(email_canonical, email)"),
        ("email_local", "split_part(coalesce(email_canonical, email), '@', 1)"),
        ("email_spells_last_name", f"coalesce({_SPELT_OUT.format(name=_LAST_NAME)}, false)"),
        (
            "email_spells_a_name",
            f"coalesce({_SPELT_OUT.format(name=_LAST_NAME)}, false) "
            f"or coalesce({_SPELT_OUT.format(name=_FIRST_NAME)}, false)",
        ),
        ("phone", "phone"),
        ("birth_date", "regexp_replace(birth_date, '[^0-9]', '', 'g')"),
        ("national_id", "national_id"),
        *_DERIVED_LOCATION,
    ),
    comparisons=(
        _person_name("first_name", "first name"),
        _person_name("last_name", "last name"),
        Comparison(
            "email",
            f"{_missing('email')} or ({_BOTH_SPELL_LAST_NAMES})",
            (
                Level("same e-mail", _same("email"), 0.70, 1e-5),
                Level("e-mail two slips apart", _edits("email", 2), 0.12, 1e-5),
                Level("same name in e-mail", f"{_same('email_local')} and not {_BOTH_SPELL_NAMES}", 0.05, 1e-4),
                Level("e-mail alike", f"{_alike('email', 0.9)} and not {_BOTH_SPELL_NAMES}", 0.03, 5e-4),
                Level("e-mail differs", "else", 0.10, 0.99938),
            ),
        ),
        _identifier("phone", "phone", 1e-5),
        Comparison(
            "birth_date",
            _missing("birth_date"),
            (
                Level("same date of birth", _same("birth_date"), 0.85, 5e-5),
                Level(
                    "date of birth one slip or swap apart",
                    f"{_slip('birth_date')} or (left(birth_date_l, 4) = left(birth_date_r, 4) and "
                    "substr(birth_date_l, 5, 2) = substr(birth_date_r, 7, 2) and "
                    "substr(birth_date_l, 7, 2) = substr(birth_date_r, 5, 2))",
                    0.09,
                    8e-4,
                ),
                Level("date of birth two slips apart", _edits("birth_date", 2), 0.03, 0.01),
                Level("date of birth differs", "else", 0.03, 0.98915),
            ),
        ),
        _identifier("national_id", "national id", 1e-6),
        _LOCATION,
    ),
    blocking_rules=(
        BlockingRule("national id", "national_id", ("national_id",), trains=True),
        BlockingRule("e-mail", "email", ("email", "last_name", "location"), trains=True),
        BlockingRule("phone", "phone", ("phone", "last_name", "location"), trains=True),
        BlockingRule(
            "both names",
            "case when first_name < last_name then first_name || '|' || last_name "
            "else last_name || '|' || first_name end",
            ("first_name", "last_name"),
            trains=True,
        ),
        BlockingRule(
            "date of birth and last name", "birth_date || left(last_name, 2)", ("birth_date", "last_name"), trains=True
        ),
        BlockingRule(
            "date of birth and first name",
            "birth_date || left(first_name, 2)",
            ("birth_date", "first_name"),
            trains=True,
        ),
        BlockingRule(
            "address", "address || '|' || coalesce(postal_code, city, '')", ("location", "last_name"), trains=True
        ),
        BlockingRule("name in e-mail", "case when length(email_local) >= 5 then email_local end", ("email",)),
        BlockingRule("last name and postcode", "last_name || '|' || postal_code"),
        BlockingRule("last name and city", "last_name || '|' || city"),
        BlockingRule("first name and city", "first_name || '|' || city"),
        BlockingRule("first name and postcode", "first_name || '|' || postal_code"),
        BlockingRule(
            "sound of last name and year of birth", "last_name_sound || left(first_name, 1) || left(birth_date, 4)"
        ),
    ),
    strict_keys=(
        "national_id",
        "email || '|' || first_name",
        "phone || '|' || first_name",
        "first_name || '|' || last_name || '|' || birth_date",
        "first_name || '|' || last_name || '|' || address",
    ),
    corroborating=(
        ("phone", (1, 2)),
        ("birth_date", (2, 3)),
        ("national_id", (1, 2)),
        ("location", _ONE_PLACE),
    ),
    named_by=("first_name",),
    # Twins have numbers of their own; who is under a parent's number has another date of birth and another first name.
    proving=(
        # A mailbox that several names share is a couple's, Sandra's and Andreas's, as well as one person's.
        (("email", (4,)), ("first_name", (2, 3, 4))),
        (("national_id", (1, 2)), ("birth_date", (2, 3))),
        (("national_id", (1, 2)), ("birth_date", (-1,)), ("location", _NEAR)),
        (("national_id", (1, 2)), ("first_name", (-1,)), ("location", _NEAR)),
        (("birth_date", (2, 3)), ("first_name", (-1,)), ("last_name", (2, 3, 4))),
        (("birth_date", (2, 3)), ("first_name", (-1,)), ("email", (4,))),
        (("birth_date", (-1, 1)), ("first_name", (-1,)), ("last_name", (2, 3, 4)), ("email", (3, 4))),
        (("birth_date", (1,)), ("first_name", (2, 3, 4)), ("email", (3,))),
        (("birth_date", (1,)), ("first_name", (2, 3, 4)), ("last_name", (2, 3, 4)), ("location", (1, 2, *_NEAR))),
    ),
    # Twins have other first names, and father and son other dates of birth.
    outweighing=(
        (("first_name", (2, 3, 4)), ("birth_date", (2, 3)), ("location", (6, *_ONE_PLACE))),
        (("first_name", (2, 3, 4)), ("last_name", (2, 3, 4)), ("birth_date", (2, 3)), ("location", _NEAR)),
    ),
    dependence=_FAMILY,
)


_NAME_WORDS = (
    r"list_filter(list_distinct(string_split_regex(name, '[^\w]+')), "
    "lambda w: w not in ('', 'the', 'and', 'of', 'a', 'de', 'la'))"
)

COMPANIES = Specification(
    kind="companies",
    columns=("name", "domain", "email", "phone", "address", "city", "postal_code", "country", "tax_id"),
    derived=(
        ("name", "name"),
        ("name_words", _NAME_WORDS),
        ("name_key", f"coalesce(nullif(array_to_string(list_sort({_NAME_WORDS}), ' '), ''), name)"),
        (
            "name_longest_word",
            f"list_sort(list_transform({_NAME_WORDS}, lambda w: lpad(length(w)::varchar, 3, '0') || w), 'desc')[1]",
        ),
        ("domain", "domain"),
        ("email", "email"),
        ("phone", "regexp_replace(phone, '[^0-9]', '', 'g')"),
        ("tax_id", "tax_id"),
        *_DERIVED_LOCATION,
    ),
    comparisons=(
        Comparison(
            "name",
            _missing("name"),
            (
                Level("same name", _same("name_key"), 0.65, 5e-4, frequency_of="name_key"),
                Level(
                    "one name within the other",
                    "list_has_all(name_words_l, name_words_r) or list_has_all(name_words_r, name_words_l)",
                    0.12,
                    0.002,
                ),
                Level("name one slip apart", f"{_alike('name_key', 0.93)} or {_slip('name_key')}", 0.10, 5e-4),
                Level(
                    "half of the words in common",
                    "2 * len(list_intersect(name_words_l, name_words_r)) >= "
                    "least(len(name_words_l), len(name_words_r))",
                    0.05,
                    0.01,
                ),
                Level("name alike", _alike("name_key", 0.8), 0.03, 0.02),
                Level("name differs", "else", 0.05, 0.967),
            ),
        ),
        Comparison(
            "domain",
            _missing("domain"),
            (
                Level("same domain", _same("domain"), 0.80, 1e-4, frequency_of="domain"),
                Level("domain alike", f"{_alike('domain', 0.93)}", 0.08, 0.002),
                Level("domain differs", "else", 0.12, 0.9979),
            ),
        ),
        _identifier("email", "e-mail", 1e-5),
        _identifier("phone", "phone", 1e-4),
        _identifier("tax_id", "tax id", 1e-6),
        _LOCATION,
    ),
    blocking_rules=(
        BlockingRule("tax id", "tax_id", ("tax_id",), trains=True),
        BlockingRule("domain", "domain", ("domain",), trains=True),
        BlockingRule("e-mail", "email", ("email",), trains=True),
        BlockingRule("phone", "phone", ("phone",), trains=True),
        BlockingRule("name", "name_key", ("name",), trains=True),
        BlockingRule(
            "address",
            "address_number || left(address_text, 6) || '|' || coalesce(postal_code, city, '')",
            ("location",),
            trains=True,
        ),
        BlockingRule("start of name and city", "left(name_key, 5) || '|' || city"),
        BlockingRule("start of name and postcode", "left(name_key, 4) || '|' || postal_code"),
        BlockingRule("start of name and house number", "left(name_key, 3) || '|' || address_number"),
        BlockingRule("longest word of name", "name_longest_word"),
        BlockingRule("end of phone", "right(phone, 7)", ("phone",)),
    ),
    strict_keys=(
        "tax_id",
        "domain || '|' || name_key",
        "phone || '|' || name_key",
        "name_key || '|' || address",
    ),
    corroborating=(
        ("domain", (1, 2)),
        ("email", (1, 2)),
        ("phone", (1, 2)),
        ("tax_id", (1, 2)),
        ("location", _ONE_PLACE),
    ),
    named_by=("name",),
)

SPECIFICATIONS: dict[Kind, Specification] = {"people": PEOPLE, "companies": COMPANIES}
