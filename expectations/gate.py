"""The gate: judges every mart of the warehouse; only what passes is published.

Importing this module is cheap: Great Expectations, which takes seconds to import, is loaded when the gate runs.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ingestion.errors import UserError

if TYPE_CHECKING:
    from expectations.evidence import Check

log = logging.getLogger("tenure.gate")


@dataclass(frozen=True)
class CheckResult:
    """How one check of one mart ended; `finding` is a sentence where it failed, and holds no record's values."""

    table: str
    check: str
    severity: str
    passed: bool
    finding: str | None


@dataclass(frozen=True)
class GateResult:
    """The whole judgement. Errors stop a release, warnings travel with it."""

    baseline_release_id: str | None
    checks: list[CheckResult]

    @property
    def errors(self) -> list[CheckResult]:
        return [check for check in self.checks if check.severity == "error" and not check.passed]

    @property
    def warnings(self) -> list[CheckResult]:
        return [check for check in self.checks if check.severity == "warning" and not check.passed]

    @property
    def passed(self) -> bool:
        return not self.errors

    def to_json(self) -> str:
        document = {
            "passed": self.passed,
            "baseline_release_id": self.baseline_release_id,
            "checks": [asdict(check) for check in self.checks],
        }
        return json.dumps(document, indent=2) + "\n"


@dataclass(frozen=True)
class Baseline:
    """The earlier release that this one is compared with."""

    release_id: str
    database: Path


def load_library() -> None:
    """Import Great Expectations, so that the seconds which that takes can pass while dbt is at work."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations.expectations  # noqa: F401


def judge(warehouse: Path, columns: dict[str, list[str]], as_of_date: date, baseline: Baseline | None) -> GateResult:
    """Run the suite of every mart.

    Args:
        warehouse: the build warehouse; no other connection may hold it for writing.
        columns: each mart that is to be published, with the columns that its contract declares.
        as_of_date: the date that the run describes.
        baseline: the release to compare volume and distribution with.

    Raises:
        UserError: a mart has no suite, or a suite has no mart.
    """
    load_library()
    from expectations.evidence import Evidence, SourceTable
    from expectations.suites import SUITES

    if odd := sorted(set(SUITES) ^ set(columns)):
        raise UserError(f"expectations/suites and the marts don't match: {', '.join(odd)}; each mart needs one suite.")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        thresholds = dict(connection.sql("select threshold, value from config.gate_thresholds").fetchall())
        names = ", ".join(field.name for field in fields(SourceTable))
        strays = connection.sql(
            "select system, reason from marts.rpt_source_refusals where table_name is null order by all"
        ).fetchall()
        gaps = connection.sql(
            """select if(source = 'files', table_name, system || ' ' || table_name) || ' on ' || record_date
            from marts.rpt_source_health where is_gap and is_connected order by record_date desc, 1"""
        ).fetchall()
        tables = connection.sql(
            f"""select {names} from intermediate.int_run__source_tables
            inner join (
                select source, table_name, recent_new_count, recent_expected_count
                from marts.rpt_source_health where is_as_of_date
            ) using (source, table_name)
            order by all"""
        ).fetchall()
    with _baseline_questions(baseline) as ask_baseline:
        evidence = Evidence(
            as_of_date,
            thresholds,
            columns,
            [SourceTable(*row) for row in tables],
            strays,
            [day for (day,) in gaps],
            ask_baseline,
        )
        checks = {table: suite(evidence) for table, suite in SUITES.items()}
    results = _validate(warehouse, checks)
    return GateResult(baseline.release_id if baseline else None, results)


@contextmanager
def _baseline_questions(baseline: Baseline | None) -> Iterator[Callable[[str], tuple[Any, ...] | None] | None]:
    """A function that asks the last release; a table or column that it did not have answers None."""
    if baseline is None:
        yield None
        return
    with duckdb.connect(str(baseline.database), read_only=True) as connection:

        def ask(sql: str) -> tuple[Any, ...] | None:
            try:
                return connection.sql(sql).fetchone()
            except (duckdb.CatalogException, duckdb.BinderException):
                return None

        yield ask


def _validate(warehouse: Path, checks: dict[str, list["Check"]]) -> list[CheckResult]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from sqlalchemy.pool import NullPool

    import expectations.datasource  # noqa: F401  (its class registers itself with GX)

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_warehouse(
        name="warehouse",
        connection_string=f"duckdb:///{warehouse}",
        create_temp_table=False,
        kwargs={"connect_args": {"read_only": True}, "poolclass": NullPool},
    )
    results = []
    try:
        for number, (table, table_checks) in enumerate(checks.items(), start=1):
            log.info("judging %s (%d of %d)", table, number, len(checks))
            batch = (
                source.add_table_asset(name=table, table_name=table, schema_name="marts")
                .add_batch_definition_whole_table("whole")
                .get_batch()
            )
            suite = gx.ExpectationSuite(name=table)
            for position, check in enumerate(table_checks):
                check.expectation.meta = {"position": position}
                suite.add_expectation(check.expectation)
            validation = batch.validate(suite, result_format="SUMMARY")
            by_position = {result.expectation_config.meta["position"]: result for result in validation.results}
            results += [_result(table, check, by_position[i]) for i, check in enumerate(table_checks)]
    finally:
        source.get_execution_engine().close()
    return results


def _shown(observed: object) -> str:
    if isinstance(observed, float):
        return f"{observed:,.6g}"
    if isinstance(observed, list):
        return ", ".join(map(str, observed))
    return f"{observed:,}"


def _result(table: str, check: "Check", outcome: Any) -> CheckResult:
    if outcome.success:
        return CheckResult(table, check.name, check.severity, True, None)
    observed = outcome.result.get("unexpected_count", outcome.result.get("observed_value"))
    if not outcome.result:
        finding = f"The check {check.name!r} of marts.{table} could not be run: a column it needs is missing."
    else:
        finding = check.finding.format(observed=_shown(observed))
    return CheckResult(table, check.name, check.severity, False, finding)
