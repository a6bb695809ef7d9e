"""How the demo's records are damaged: one setting per kind of damage, and the operations that every system shares.

A system module makes its tables clean, hands them to a `Draft` as text, damages that, and takes the `Exports` from it.
Draws for damage come from streams of their own, so that a record that isn't in the truth's list of damaged ones is
exactly what it is in a demo without damage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestion.demo.clock import END, Seeds
from ingestion.demo.write import TIME_FORMAT, Exports, Tables

Bools = NDArray[np.bool_]
# By column: what an older version could have said, one of these or the value of an expression.
Older = Mapping[str, Sequence[str | None] | pl.Expr]

# Tables with corrections come in two exports: the state at the first of END's month, and what END has.
FIRST_EXPORT = datetime(END.year, END.month, 1)  # noqa: DTZ001 times are UTC without a zone, as in the contracts
FIRST_SUFFIX, SECOND_SUFFIX = "_2026-05", "_2026-06"
MISSING_DAY = date(2026, 3, 11)
NULL_LIKES = ("n/a", "-", "none", "N/A", "unknown", ".")
# A field for addresses takes nothing that isn't of their form, and most systems take each address once only.
NULL_LIKE_EMAILS = ("test@test.com", "none@none.com", "na@na.com", "noemail@example.com")
NULL_LIKE_PHONES = ("0000000000", "-", "n/a", "123456789", "000")
OFFSETS = ("+02:00", "+01:00", "-05:00", "+05:30")
IMPOSSIBLE_DATE = "2026-02-30T10:15:00Z"

RECORDS = {
    "source": pl.String, "table": pl.String, "record_id": pl.String, "entity_type": pl.String, "entity_id": pl.String,
    "is_test": pl.Boolean, "damage": pl.String,
}  # fmt: skip
DAMAGED = {
    "source": pl.String, "table": pl.String, "record_id": pl.String, "damage": pl.String, "expected": pl.String,
    "reason": pl.String,
}  # fmt: skip
CONTRADICTIONS = {
    "name": pl.String, "kind": pl.String, "source_a": pl.String, "record_a": pl.String, "source_b": pl.String,
    "record_b": pl.String, "company": pl.Int32,
}  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """Rates are shares of the records that the damage could befall; 0, False or 0 rows switches it off.

    Who is who: `duplicates` (a second record in the same system), `cross_system` (companies in both CRMs), `merged`
    (a duplicate that was merged away and left its id behind), `name_variants`, `address_variants`, `legal_suffixes`,
    `shared_mailboxes`, `shared_phones`, `test_accounts`, `null_likes`, `parents_emails` (a child orders with a parent's
    address). Delivery: `clock_skew`, `time_zones` (times as text with an offset), `late_events`, `twice_delivered`
    (word for word, or an event that a device sent anew), `corrected` (an older version came before), `hard_deleted`
    (gone from the next full export), `missing_day`, `added_column`, `broken_rows` (rows per table and kind of fault
    that the contract refuses). `contradictions`: how many are planted between systems. `missing_column` and
    `retyped_column` break the schema of critical tables.
    """

    duplicates: float = 0.03
    cross_system: float = 0.04
    merged: float = 0.02
    name_variants: float = 0.12
    address_variants: float = 0.15
    legal_suffixes: float = 0.5
    shared_mailboxes: float = 0.02
    shared_phones: float = 0.05
    test_accounts: float = 0.004
    null_likes: float = 0.02
    parents_emails: float = 0.01
    clock_skew: float = 0.02
    time_zones: float = 0.04
    late_events: float = 0.02
    most_days_late: int = 10
    twice_delivered: float = 0.01
    corrected: float = 0.03
    hard_deleted: float = 0.004
    missing_day: bool = True
    added_column: bool = True
    broken_rows: int = 2
    contradictions: int = 20
    missing_column: bool = False
    retyped_column: bool = False

    @property
    def has_two_exports(self) -> bool:
        """What was corrected, deleted or late shows between two exports only."""
        return bool(self.corrected or self.hard_deleted or self.late_events)


DEFAULT = Damage()
NONE = Damage(**{setting.name: type(getattr(DEFAULT, setting.name))(0) for setting in fields(Damage)})
BREAKING = replace(DEFAULT, missing_column=True, retyped_column=True)


@dataclass(frozen=True)
class Shape:
    """What a table's contract says of its rows: the key, the columns that version and date them, and the delivery."""

    key: tuple[str, ...] = ("id",)
    version: str | None = None
    dated_by: str | None = None
    is_full: bool = False


@dataclass
class Draft:
    """A system's tables on their way to its exports, all values as text, and the truth of what was done to them."""

    source: str
    seeds: Seeds
    damage: Damage
    shapes: Mapping[str, Shape]
    tables: dict[str, pl.DataFrame]
    files: Tables = field(default_factory=dict)
    damaged: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables = {name: as_text(frame) for name, frame in self.tables.items()}

    def generator(self, table: str, kind: str) -> np.random.Generator:
        """The stream of one kind of damage in one table."""
        return self.seeds.generator(f"damage.{self.source}.{table}.{kind}")

    def chosen(self, table: str, kind: str, rate: float, eligible: Bools | pl.Series | None = None) -> Bools:
        """Which rows of the table a damage befalls, among the eligible."""
        chosen = self.generator(table, kind).random(len(self.tables[table])) < rate
        return chosen if eligible is None else chosen & np.asarray(eligible)

    def note(
        self, table: str, rows: pl.DataFrame, kind: str, expected: str = "kept", reason: str | None = None
    ) -> None:
        """Put rows of a table on the truth's list of damaged records."""
        noted = rows.select(
            source=pl.lit(self.source),
            table=pl.lit(table),
            record_id=record_id(self.shapes[table].key),
            damage=pl.lit(kind),
            expected=pl.lit(expected),
            reason=pl.lit(reason, pl.String),
        )
        self.damaged.append(noted)

    def note_column(self, table: str, column: str, kind: str, expected: str) -> None:
        """Put a whole column on the list, in place of a record's id."""
        row = [self.source, table, column, kind, expected, None]
        self.damaged.append(pl.DataFrame([row], schema=DAMAGED, orient="row"))

    def change(self, table: str, kind: str, mask: Bools, values: Mapping[str, pl.Series]) -> None:
        """Give the masked rows other values (each series has the table's length), and list the records that differ.

        A row whose key changes is missing under the old one.
        """
        frame = self.tables[table]
        where = pl.Series(mask)
        for column, series in values.items():
            frame = frame.with_columns(
                pl.when(where).then(series.cast(pl.String)).otherwise(pl.col(column)).alias(column)
            )
        differs = pl.any_horizontal([frame[column].ne_missing(self.tables[table][column]) for column in values])
        key = self.shapes[table].key
        self.note(table, frame.filter(differs).unique(key, keep="first", maintain_order=True), kind)
        if set(values) & set(key):
            self.note(table, self.tables[table].filter(differs), kind, "missing")
        self.tables[table] = frame

    def append(
        self, table: str, rows: pl.DataFrame, kind: str, expected: str = "kept", reason: str | None = None
    ) -> None:
        """Add rows that a clean table wouldn't have."""
        rows = as_text(rows).select(self.tables[table].columns)
        self.note(table, rows, kind, expected, reason)
        self.tables[table] = pl.concat([self.tables[table], rows])

    def null_likes(self, table: str, columns: Sequence[str]) -> None:
        """What people type into a field that they can't fill."""
        for column in columns:
            mask = self.chosen(table, f"null_likes.{column}", self.damage.null_likes)
            likes = NULL_LIKE_EMAILS if "mail" in column else NULL_LIKE_PHONES if "phone" in column else NULL_LIKES
            drawn = self.generator(table, f"null_likes.{column}.value").choice(likes, len(mask))
            self.change(table, "null_like", mask, {column: pl.Series(drawn, dtype=pl.String)})

    def time_zones(self, table: str, column: str) -> None:
        """Times written by a clock elsewhere: the same moments, with an offset."""
        mask = self.chosen(table, f"time_zones.{column}", self.damage.time_zones)
        offsets = self.generator(table, f"time_zones.{column}.offset").choice(OFFSETS, len(mask))
        self.change(table, "time_zone", mask, {column: at_offset(self.tables[table][column], pl.Series(offsets))})

    def missing_day(self, table: str) -> None:
        """No row of one day came: an extract failed, and nobody saw."""
        dated_by = self.shapes[table].dated_by
        if not self.damage.missing_day or dated_by is None:
            return
        frame = self.tables[table]
        is_lost = frame[dated_by].str.slice(0, 10) == MISSING_DAY.isoformat()
        self.note(table, frame.filter(is_lost), "missing_day", "missing")
        self.tables[table] = frame.filter(~is_lost)

    def two_exports(self, table: str, created: str, older: Older) -> None:
        """Deliver a versioned table in two exports, some records in an older version first.

        `created`: the column by which a record was there for the first export. `older`: for each column that may have
        been corrected, what it could have said before, or what it did say; rows whose version is younger than the first
        export had an older one too.
        """
        shape, frame = self.shapes[table], self.tables[table]
        if not self.damage.has_two_exports or shape.version is None:
            return
        first, version = FIRST_EXPORT.strftime(TIME_FORMAT), pl.col(shape.version)
        # Times with an offset don't compare as text, so a version of before is enough.
        was_there = frame[shape.version] < first
        if self.damage.corrected:
            was_there |= frame[created] < first
        touched = self.chosen(table, "corrected", self.damage.corrected, was_there & (frame[shape.version] < first))
        minutes = self.generator(table, "corrected.minute").integers(1, 16 * 24 * 60, len(frame))
        now = (pl.lit(FIRST_EXPORT) + pl.duration(minutes=pl.lit(pl.Series(minutes)))).dt.strftime(TIME_FORMAT)
        newer = frame.with_columns(pl.when(pl.Series(touched)).then(now).otherwise(version).alias(shape.version))
        is_corrected = was_there & (newer[shape.version] >= first)
        self.note(table, newer.filter(is_corrected), "corrected", "corrected")
        before = {
            column: said if isinstance(said, pl.Expr) else self._drawn(table, f"corrected.{column}", said, len(frame))
            for column, said in older.items()
        }
        # The older version dates from the record's creation unless it was touched for this.
        then = pl.when(pl.Series(touched)).then(version).otherwise(pl.col(created))
        earlier = frame.with_columns(
            [
                pl.when(is_corrected).then(values).otherwise(pl.col(column)).alias(column)
                for column, values in before.items()
            ]
        ).with_columns(pl.when(is_corrected).then(then).otherwise(version).alias(shape.version))
        second = newer if shape.is_full else newer.filter(newer[shape.version] >= first)
        self.files[table] = [(FIRST_SUFFIX, earlier.filter(was_there)), (SECOND_SUFFIX, second)]

    def two_files(self, table: str, dates: pl.Series) -> None:
        """Deliver a table without versions in two exports: what is dated before the first one in it, the rest after.

        `dates`: each row's time, as text.
        """
        if self.damage.has_two_exports:
            was_there = dates < FIRST_EXPORT.strftime(TIME_FORMAT)
            first, second = self.tables[table].filter(was_there), self.tables[table].filter(~was_there)
            self.files[table] = [(FIRST_SUFFIX, first), (SECOND_SUFFIX, second)]

    def late_rows(self, table: str, dated_by: str) -> None:
        """Some of the last days' rows miss the table's first export, and come with the second."""
        if table in self.files:
            (first, earlier), (second, later) = self.files[table]
            since = (FIRST_EXPORT - timedelta(days=max(self.damage.most_days_late, 1))).strftime(TIME_FORMAT)
            only_here = self._only_in_first(table)
            draws = pl.Series(self.generator(table, "late").random(len(only_here)))
            late = only_here.filter((draws < self.damage.late_events) & (only_here[dated_by] >= since))
            self.note(table, late, "late")
            kept = earlier.join(late, on=self.shapes[table].key, how="anti", maintain_order="left")
            self.files[table] = [(first, kept), (second, pl.concat([later, late], how="diagonal"))]

    def overlap(self, table: str) -> None:
        """Some rows of the first of two exports come again, word for word, with the second."""
        if table in self.files:
            only_here = self._only_in_first(table)
            draws = pl.Series(self.generator(table, "overlap").random(len(only_here)))
            again = only_here.filter(draws < self.damage.twice_delivered)
            self.note(table, again, "twice_delivered", "superseded")
            self._set_last(table, pl.concat([self._last(table), again], how="diagonal"))

    def _only_in_first(self, table: str) -> pl.DataFrame:
        (_, earlier), (_, later) = self.files[table]
        return earlier.join(later, on=self.shapes[table].key, how="anti", maintain_order="left")

    def two_full_exports(self, table: str, was_there: Bools | pl.Series) -> None:
        """Deliver a table without versions twice; `was_there`: the rows that the first export has already."""
        if self.damage.has_two_exports:
            frame = self.tables[table]
            self.files[table] = [(FIRST_SUFFIX, frame.filter(pl.Series(was_there))), (SECOND_SUFFIX, frame)]

    def hard_deleted(self, table: str, gone: Bools | pl.Series) -> None:
        """Rows of the table that its first full export has and the second lacks."""
        if len(self.files.get(table, ())) < 2:
            return
        key = self.shapes[table].key
        earlier, last = self.files[table][0][1], self._last(table)
        rows = self.tables[table].filter(pl.Series(gone)).join(earlier, on=key, how="semi", nulls_equal=True)
        self.note(table, rows, "hard_deleted", "deleted")
        self._set_last(table, last.join(rows, on=key, how="anti", nulls_equal=True, maintain_order="left"))

    def twice_delivered(self, table: str) -> None:
        """Some rows of the newest file come twice, word for word."""
        last = self._last(table)
        mask = self.generator(table, "twice_delivered").random(len(last)) < self.damage.twice_delivered
        self.note(table, last.filter(pl.Series(mask)), "twice_delivered", "superseded")
        self._set_last(table, pl.concat([last, last.filter(pl.Series(mask))]))

    def broken_rows(self, table: str, faults: Sequence[tuple[str, str | None, str]]) -> None:
        """Extra rows, each with one fault: column, value, and the reason for which the contract refuses it.

        Their ids are of no other record, so that the true rows stay whole; they have a form that every system accepts.
        """
        last = self._last(table)
        if not self.damage.broken_rows or last.is_empty():
            return
        key = self.shapes[table].key[0]
        for place, (column, value, reason) in enumerate(faults):
            like = self.generator(table, f"broken_rows.{place}").integers(0, len(last), self.damage.broken_rows)
            rows = (
                last[like.tolist()]
                .with_row_index("n")
                .with_columns((pl.lit(f"9999{place}") + pl.col("n").cast(pl.String).str.zfill(10)).alias(key))
            )
            rows = rows.drop("n").with_columns(pl.lit(value, pl.String).alias(column)).select(last.columns)
            self.note(table, rows, "broken_row", "quarantined", reason)
            self._set_last(table, pl.concat([self._last(table), rows]))

    def added_column(self, table: str, column: str, values: Sequence[str]) -> None:
        """The newest file has a column that the contract doesn't know."""
        if not self.damage.added_column:
            return
        last = self._last(table)
        drawn = self.generator(table, f"added_column.{column}").choice(values, len(last))
        self.note_column(table, column, "added_column", "kept")
        self._set_last(table, last.with_columns(pl.Series(column, drawn, dtype=pl.String)))

    def missing_column(self, table: str, column: str) -> None:
        """The newest file lacks a column that the contract requires."""
        if self.damage.missing_column:
            self.note_column(table, column, "missing_column", "refused")
            self._set_last(table, self._last(table).drop(column))

    def retyped_column(self, table: str, column: str) -> None:
        """The newest file writes times as people say them."""
        if self.damage.retyped_column:
            self.note_column(table, column, "retyped_column", "refused")
            words = pl.col(column).str.to_datetime(TIME_FORMAT, strict=False).dt.strftime("%A the %d, about %H o'clock")
            self._set_last(table, self._last(table).with_columns(words.fill_null("some time ago").alias(column)))

    def exports(self, truth: Mapping[str, pl.DataFrame]) -> Exports:
        """The files, and the given truth with the list of damaged records."""
        tables = {name: self.files.get(name, [("", frame)]) for name, frame in self.tables.items()}
        damaged = pl.concat([pl.DataFrame(schema=DAMAGED), *self.damaged])
        return Exports(tables, {**truth, "damaged": damaged})

    def _drawn(self, table: str, kind: str, values: Sequence[str | None], count: int) -> pl.Series:
        places = self.generator(table, kind).integers(0, len(values), count)
        return pl.Series(list(values), dtype=pl.String).gather(places.tolist())

    def _last(self, table: str) -> pl.DataFrame:
        return self.files[table][-1][1] if table in self.files else self.tables[table]

    def _set_last(self, table: str, frame: pl.DataFrame) -> None:
        files = self.files.get(table, [("", frame)])
        self.files[table] = [*files[:-1], (files[-1][0], frame)]


def party_records(
    source: str, table: str, ids: pl.Series, party: str, number: pl.Series, damage: str | None = None
) -> pl.DataFrame:
    """Rows of the truth's `records`: which `party` (company, person, shopper) of which number each record is.

    A test account is a test of its own: `test-hubspot-1`.
    """
    is_test = damage == "test_account"
    prefix = f"test-{source}-" if is_test else f"{party}-"
    return pl.DataFrame({"record_id": ids, "number": number}).select(
        source=pl.lit(source),
        table=pl.lit(table),
        record_id="record_id",
        entity_type=pl.lit(party),
        entity_id=pl.lit(prefix) + pl.col("number").cast(pl.String),
        is_test=pl.lit(is_test),
        damage=pl.lit(damage, pl.String),
    )


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every value as the exports write it; times as ISO 8601 in UTC."""
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    others = [name for name, kind in frame.schema.items() if name not in times and kind != pl.String]
    return frame.with_columns(pl.col(times).dt.strftime(TIME_FORMAT), pl.col(others).cast(pl.String))


def at_offset(times: pl.Series, offsets: pl.Series) -> pl.Series:
    """The same moments as local times with their offset from UTC: `2026-05-01T12:00:00+02:00`."""
    sign = pl.when(offsets.str.starts_with("-")).then(-1).otherwise(1)
    hours, minutes = (offsets.str.slice(start, 2).cast(pl.Int64) for start in (1, 4))
    moment = times.str.to_datetime(TIME_FORMAT, strict=False)
    local = moment + pl.duration(minutes=sign * (hours * 60 + minutes))
    return pl.select(local.dt.strftime("%Y-%m-%dT%H:%M:%S") + offsets).to_series()


def record_id(key: Sequence[str]) -> pl.Expr:
    """A record's name in the truth: the values of its key, joined by slashes."""
    return pl.concat_str([pl.col(column).cast(pl.String).fill_null("") for column in key], separator="/")
