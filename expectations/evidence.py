"""What the suites judge by, beside the mart itself: the run, the thresholds, the last release."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import great_expectations.expectations as gxe

Number = int | float


@dataclass(frozen=True)
class Check:
    """One expectation with its name, its weight, and the sentence that is shown where it fails.

    `severity` is `error` (blocks publication) or `warning` (is shown). `finding` may use `{observed}`.
    """

    name: str
    severity: str
    expectation: Any
    finding: str


@dataclass(frozen=True)
class SourceTable:
    """A raw table and how it stands: one row of `intermediate.int_run__source_tables`, with its last week.

    `recent_new_count` of `recent_expected_count` records came of the seven days before the as-of date; both are None
    where too few are expected to judge it.
    """

    source: str
    system: str
    table_name: str
    role: str
    is_critical: bool
    is_connected: bool
    has_data: bool
    newest_record_date: date | None
    days_behind: int | None
    freshness_days: int
    stale_days: int
    current_count: int
    open_quarantine_count: int
    refusal_reason: str | None
    schema_change: str | None
    status: str
    recent_new_count: int | None
    recent_expected_count: float | None

    @property
    def name(self) -> str:
        return self.table_name if self.source == "files" else f"{self.system} {self.table_name}"


@dataclass(frozen=True)
class Evidence:
    """The run's as-of date, `config.gate_thresholds`, each mart's declared columns, the sources, the last release.

    `stray_exports`: (system, what is wrong with it) of each export that belongs to no table.
    `missing_days`: each day on which a connected table should have rows and has none, newest first, in words.
    `baseline` answers a query over the last release's marts with its first row, or is None where no earlier
    release describes a date up to this one.
    """

    as_of_date: date
    thresholds: Mapping[str, float]
    columns: Mapping[str, list[str]]
    sources: Sequence[SourceTable]
    stray_exports: Sequence[tuple[str, str]]
    missing_days: Sequence[str]
    baseline: Callable[[str], tuple[Any, ...] | None] | None

    def has_data(self, role: str) -> bool:
        """Whether any row of a table with this role was ever loaded."""
        return any(table.role == role and table.has_data for table in self.sources)

    def threshold(self, name: str) -> float:
        """Value of a threshold; a missing one is an error of the seed, named by its key."""
        if name not in self.thresholds:
            raise KeyError(f"dbt_project/seeds/config/gate_thresholds.csv lacks the row {name!r}: add it.")
        return self.thresholds[name]

    def last(self, sql: str) -> Number | None:
        """One number from the last release; None without a release, without the table, or where it is NULL."""
        row = self.baseline(sql) if self.baseline else None
        if row is None or row[0] is None:
            return None
        return float(row[0]) if isinstance(row[0], Decimal) else row[0]


def columns_check(evidence: Evidence, table: str) -> Check:
    """Exactly the declared columns: all that holds for a mart that may rightly be empty."""
    return Check(
        "columns",
        "error",
        gxe.ExpectTableColumnsToMatchOrderedList(column_list=evidence.columns[table]),
        f"marts.{table} has other columns than its contract declares: {{observed}}.",
    )


def table_checks(evidence: Evidence, table: str, *, role: str | None = None) -> list[Check]:
    """What holds for every mart: exactly the declared columns, and rows in a plausible number.

    `role`: the mart is built from tables of this role, and may be empty where none of them ever brought a row.
    """
    checks = [columns_check(evidence, table)]
    last_rows = evidence.last(f"select count(*) from marts.{table}")
    if not last_rows:
        if role is not None and not evidence.has_data(role):
            return checks
        checks.append(
            Check(
                "volume",
                "error",
                gxe.ExpectTableRowCountToBeBetween(min_value=1),
                f"marts.{table} is empty: no record of this kind came in.",
            )
        )
        return checks
    lost = evidence.threshold("max_row_loss_rate")
    grown = evidence.threshold("max_row_growth_rate")
    checks += [
        Check(
            "volume",
            "error",
            gxe.ExpectTableRowCountToBeBetween(min_value=int(last_rows * (1 - lost))),
            f"marts.{table} has {{observed}} rows where the last release had {last_rows:,}: "
            f"more than {lost:.0%} are gone.",
        ),
        Check(
            "growth",
            "warning",
            gxe.ExpectTableRowCountToBeBetween(max_value=int(last_rows * (1 + grown)) + 1),
            f"marts.{table} has {{observed}} rows where the last release had {last_rows:,}.",
        ),
    ]
    return checks


def between(table: str, column: str, low: Number | None, high: Number | None = None, severity: str = "error") -> Check:
    """Values of a column inside a closed range; NULL is left to the contract."""
    span = f"between {low} and {high}" if high is not None else f"at least {low}"
    return Check(
        f"range {column}",
        severity,
        gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high),
        f"marts.{table}.{column} should be {span}; it is not in {{observed}} rows.",
    )


def no_rows(name: str, severity: str, sql: str, finding: str) -> Check:
    """A query over `{batch}` that finds nothing where all is well."""
    return Check(name, severity, gxe.UnexpectedRowsExpectation(unexpected_rows_query=sql), finding)
