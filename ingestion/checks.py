"""A contract as SQL: source values to typed values, the condition that a good row meets, the reasons of a bad one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.numbers import list_currencies

from ingestion.contracts import Column, Contract
from ingestion.text import ident, literal

# Business clocks and time zones disagree with ours by hours, never by more than a day.
CLOCK_TOLERANCE = timedelta(days=1)
# A text with an offset names an instant; DuckDB's plain cast to timestamp would drop the offset in silence.
HAS_OFFSET = "[0-9] ?([A-Za-z/_]+|[+-][0-9:]+)$"
SHORTEST_WITH_OFFSET = 17
# DuckDB reads an offset only after seconds, and without a blank before it: `2026-05-04 09:30 +02:00` gets both.
NO_SECONDS = "([ T][0-9]{2}:[0-9]{2}) ?([A-Za-z/_]+|[+-][0-9:]+)$"
BLANK_OFFSET = "([0-9]) ([+-][0-9:]+)$"
# What people can't see around a value: space, tab, no-break space.
BLANKS = "' ' || chr(9) || chr(160)"
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_WHOLE_TYPES = {*_INTEGERS, *(f"U{name}" for name in _INTEGERS)}
_FRACTION_TYPES = {"DECIMAL", "DOUBLE", "FLOAT"}
_PLAIN_TYPES = {*_WHOLE_TYPES, *_FRACTION_TYPES, "BOOLEAN", "DATE"}
# DuckDB's cast would round 1.5, and read 0x10 and 1e3. An integer column with gaps passes through tools that write 7.0.
WHOLE_NUMBER = r"[+-]?[0-9]+(\.0+)?"
# Those of earlier days, too: an order of 1998 may be in marks. XXX stands for no currency, XTS for tests.
CURRENCIES = sorted(list_currencies() - {"XXX", "XTS"})
_TYPE_WORDS = {
    "timestamp": "a timestamp",
    "date": "a date",
    "boolean": "true or false",
    "bigint": "a whole number",
    "integer": "a whole number",
    "double": "a number",
}


@dataclass(frozen=True)
class Check:
    """`passes` is false for a bad row (NULL counts as passed); `reason` is a SQL text for it.

    `typed_column`: the column whose type is checked, or None for another check. `has_fraction`: SQL, true where a
    value of a whole-number column is a number with a fraction; None for other columns.
    """

    passes: str
    reason: str
    typed_column: str | None = None
    has_fraction: str | None = None


def source_name(column: str) -> str:
    """The SQL name of a mapped value before it is cast."""
    return ident(f"mapped: {column}")


def as_text(column: str, source_type: str, *, is_trimmed: bool = False) -> str:
    """SQL: the source value as trimmed text; an empty text is NULL. `is_trimmed`: no value needs it.

    A whole number that comes as a float reads as an integer: ids pass through tools that turn 13085 into 13085.0.
    """
    name = source_name(column)
    if _is_float(source_type):
        whole = f"isfinite({name}) and {name} = trunc({name}) and abs({name}) < 1e15"
        return f"case when {whole} then cast(cast({name} as bigint) as varchar) else cast({name} as varchar) end"
    if is_trimmed and source_type == "VARCHAR":
        return name
    text = name if source_type == "VARCHAR" else f"cast({name} as varchar)"
    return f"nullif(trim({text}, {BLANKS}), '')"


def needs_trim(column: str) -> str:
    """SQL: true for each text that `as_text` would change, at a fraction of the cost of trimming it.

    A text that is empty or begins with a space or tab sorts before '!'.
    """
    name = source_name(column)
    return f"({name} < '!' or right({name}, 1) in (' ', chr(9), chr(160)) or starts_with({name}, chr(160)))"


def typed(column: Column, source_type: str, *, is_trimmed: bool) -> str:
    """SQL: the source value in the contract's type, NULL where it doesn't fit.

    `is_trimmed`: no value of the column needs trimming, so text passes through as it is (dictionary-encoded text then
    stays so, which halves the time that DuckDB needs to write it).
    """
    name = source_name(column.name)
    if source_type.replace(" ", "") == column.data_type.upper().replace(" ", "") and source_type != "VARCHAR":
        return name
    is_text = not _is_plain(source_type)
    text = as_text(column.name, source_type, is_trimmed=is_trimmed)
    if column.data_type == "varchar":
        return f"case when isfinite({name}) then {text} end" if _is_float(source_type) else text
    if column.data_type == "timestamp" and is_text:
        has_offset = f"length({text}) >= {SHORTEST_WITH_OFFSET} and regexp_matches({text}, {literal(HAS_OFFSET)})"
        whole = f"regexp_replace({text}, {literal(NO_SECONDS)}, '\\1:00\\2')"
        whole = f"regexp_replace({whole}, {literal(BLANK_OFFSET)}, '\\1\\2')"
        instant = f"cast(coalesce(try_cast({text} as timestamptz), try_cast({whole} as timestamptz)) as timestamp)"
        return f"case when {has_offset} then {instant} else try_cast({text} as timestamp) end"
    if column.data_type == "boolean" and not is_text and source_type != "BOOLEAN":
        return f"case {name} when 1 then true when 0 then false end"
    if _is_whole(column):
        is_fit = _is_whole_number(name, text, source_type)
        return f"case when {is_fit} then try_cast({text if is_text else name} as {column.data_type}) end"
    return f"try_cast({text if is_text else name} as {column.data_type})"


def checks(contract: Contract, source_types: dict[str, str], trimmed: set[str], received_at: datetime) -> list[Check]:
    """All checks of a contract over rows that hold each source value and each typed value.

    `source_types`: mapped column → its DuckDB type; the other columns are NULL, and only table rules look at them.
    `trimmed`: the columns whose text needs no trimming.
    `received_at`: UTC, without zone.
    """
    found: list[Check] = []
    right_types: list[str] = []
    for column in contract.columns:
        if column.name in source_types:
            source_type = source_types[column.name]
            text = as_text(column.name, source_type, is_trimmed=column.name in trimmed)
            right_type = _right_type(column, source_type, text)
            if right_type is not None:
                right_types.append(right_type.passes)
                found.append(right_type)
            found += _value_checks(column, source_type, text, received_at)
    # A value of the wrong type is NULL by now: a rule over the row would only repeat the complaint.
    readable = " and ".join(right_types) or "true"
    for rule in contract.meta.rules:
        found.append(Check(f"(({readable}) is false or ({rule.expression}))", literal(rule.reason)))
    return found


def all_pass(found: list[Check]) -> str:
    """SQL: true for a good row."""
    return f"(({' and '.join(check.passes for check in found) or 'true'}) is not false)"


def reasons(found: list[Check]) -> str:
    """SQL: the reasons of a bad row, joined by '; '."""
    cases = ", ".join(f"case when ({check.passes}) is false then {check.reason} end" for check in found)
    return f"concat_ws('; ', {cases})"


def _is_float(source_type: str) -> bool:
    return source_type in ("DOUBLE", "FLOAT")


def _is_plain(source_type: str) -> bool:
    """A number, truth value or time: cast as it is. Everything else is cast through its text."""
    return source_type.split("(")[0] in _PLAIN_TYPES or source_type.startswith("TIMESTAMP")


def _is_whole(column: Column) -> bool:
    return column.data_type in ("bigint", "integer")


def _is_whole_number(name: str, text: str, source_type: str) -> str:
    """SQL: true for a source value that a whole-number column can take without being changed."""
    if not _is_plain(source_type):
        return f"regexp_full_match({text}, {literal(WHOLE_NUMBER)})"
    if source_type.split("(")[0] in _FRACTION_TYPES:
        return f"{name} = trunc({name})"
    return "true" if source_type in _WHOLE_TYPES else "false"


def _has_fraction(name: str, text: str, source_type: str) -> str:
    """SQL: true for a source value that is a number, but no whole one."""
    if _is_plain(source_type) and source_type.split("(")[0] not in _FRACTION_TYPES:
        return "false"
    number = name if _is_plain(source_type) else f"try_cast({text} as double)"
    return f"({number} <> trunc({number}))"


def _right_type(column: Column, source_type: str, text: str) -> Check | None:
    name = ident(column.name)
    if column.data_type == "varchar":
        if source_type != "VARCHAR":
            return None
        return Check(f"(not contains({name}, chr(0)))", _sentence(column, literal("contains a NUL character")))
    given = f"{text} is null" if not _is_plain(source_type) else f"{source_name(column.name)} is null"
    fits = f"{name} is not null"
    if column.data_type == "timestamp":
        fits += f" and isfinite({name})"
    if column.data_type.startswith("decimal"):
        is_number = f"isfinite(try_cast({text} as double))"
        kind = f"case when {is_number} then 'does not fit {column.data_type}' else 'is not a number' end"
    else:
        kind = literal(f"is not {_TYPE_WORDS.get(column.data_type, column.data_type)}")
    has_fraction = _has_fraction(source_name(column.name), text, source_type) if _is_whole(column) else None
    return Check(f"({given} or ({fits}))", _sentence(column, kind), column.name, has_fraction)


def _value_checks(column: Column, source_type: str, text: str, received_at: datetime) -> list[Check]:
    name, meta = ident(column.name), column.meta
    is_time = column.data_type in ("timestamp", "date")
    found = []
    if meta.required:
        given = f"{text} is not null" if not _is_plain(source_type) else f"{source_name(column.name)} is not null"
        if column.data_type == "varchar":
            given = f"{name} is not null"
        found.append(Check(f"({given})", literal(f"{column.name} is missing")))
    if meta.min is not None:
        below = literal(f"is {'before' if is_time else 'below'} {meta.min}")
        found.append(Check(f"({name} >= {_bound(column, meta.min)})", _sentence(column, below)))
    if meta.max is not None:
        above = literal(f"is {'after' if is_time else 'above'} {meta.max}")
        found.append(Check(f"({name} <= {_bound(column, meta.max)})", _sentence(column, above)))
    if meta.accepted_values is not None:
        accepted = ", ".join(literal(value) for value in meta.accepted_values)
        not_one = literal(f"is not one of {', '.join(meta.accepted_values)}")
        found.append(Check(f"({name} in ({accepted}))", _sentence(column, not_one)))
    if meta.pattern is not None:
        differs = literal(f"is not of the form {meta.pattern}")
        matches = f"regexp_full_match({name}, {literal(meta.pattern)})"
        found.append(Check(f"({matches})", _sentence(column, differs)))
    if meta.currency is not None:
        found.append(_is_currency(column, meta.currency))
    if meta.not_after_received:
        latest = literal((received_at + CLOCK_TOLERANCE).isoformat(sep=" "))
        future = _sentence(column, literal("is in the future"))
        found.append(Check(f"({name} <= timestamp {latest})", future))
    return found


def _is_currency(column: Column, case: str) -> Check:
    """One check, so that what has no form of a code is no unknown currency, too."""
    name = ident(column.name)
    form = "[A-Z]{3}" if case == "upper" else "[a-z]{3}"
    codes = "|".join(code if case == "upper" else code.lower() for code in CURRENCIES)
    differs, unknown = literal(f"is not of the form {form}"), literal("is no currency of ISO 4217")
    reason = f"case when regexp_full_match({name}, {literal(form)}) then {unknown} else {differs} end"
    return Check(f"(regexp_full_match({name}, {literal(codes)}))", _sentence(column, reason))


def _bound(column: Column, value: str | float) -> str:
    return f"cast({literal(str(value))} as {column.data_type})"


def _sentence(column: Column, problem: str) -> str:
    """SQL text `column problem`. It never quotes the value: the record stands beside it, and reasons are published."""
    return f"{literal(f'{column.name} ')} || {problem}"
