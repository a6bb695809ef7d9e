"""The command line. Heavy libraries are imported by the commands that need them."""

import contextlib
import io
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from ingestion.errors import UserError
from ingestion.home import (
    PROJECT_ROOT,
    Home,
    default_home,
    lock_home,
    open_home,
    sources_path,
)
from ingestion.text import counted
from orchestration.rows import print_rows

app = typer.Typer(
    help="Tenure: customer-retention data, from records to gated releases.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# Names and values may hold what rich would take for markup.
console = Console(file=sys.stdout, highlight=False, soft_wrap=True, markup=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder that the deployment writes to; TENURE_HOME, or .tenure.")
]
SourcesOption = Annotated[
    Path | None, typer.Option("--sources", help="sources.yml; TENURE_SOURCES, or the one in the home.")
]
AcceptShrinkOption = Annotated[
    bool,
    typer.Option("--accept-shrink", help="Take an export although it lost more than half of its rows, or a column."),
]


class _Progress(logging.Handler):
    """What Tenure's modules log, as lines with the seconds since the start; a line that ends in ":" opens a stage."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._start = time.monotonic()
        self._stages = [("start", self._start)]

    def emit(self, record: logging.LogRecord) -> None:
        message, now = record.getMessage(), time.monotonic()
        if message.endswith(":"):
            self._stages.append((message.removesuffix(":"), now))
        console.print(f"{now - self._start:6.1f} s  ", end="", style="dim")
        console.print(message)

    def summary(self) -> str:
        """How long each stage took, and all of them."""
        ends = [*(begun for _, begun in self._stages[1:]), time.monotonic()]
        stages = [f"{name} {end - begun:.0f} s" for (name, begun), end in zip(self._stages, ends, strict=True)]
        return f"{', '.join(stages)}: {ends[-1] - self._start:.0f} s in all"


def main() -> None:
    """Entry point: an error that a user can mend is one sentence, and the exit code says that it happened."""
    try:
        app()
    except UserError as error:
        errors.print(str(error), style="red")
        sys.exit(1)


@app.command()
def run(
    home: HomeOption = None,
    sources: SourcesOption = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date that the run describes; the newest record's."),
    ] = None,
    known_at: Annotated[
        str,
        typer.Option(
            "--known-at", help="Leave out what was loaded after this day or time (UTC): the day as it was told then."
        ),
    ] = "",
    accept_shrink: AcceptShrinkOption = False,
) -> None:
    """Load what is new, build the marts, judge them, and publish a release with its report."""
    opened = open_home(home or default_home())
    _check_before_loading(opened, sources)
    progress = _Progress()
    tenure = logging.getLogger("tenure")
    tenure.setLevel(logging.INFO)
    tenure.addHandler(progress)
    tenure.info("starting in %s", opened.root)
    try:
        failures = execute_job(opened, sources, as_of.date().isoformat() if as_of else "", known_at, accept_shrink)
    finally:
        tenure.removeHandler(progress)
    if failures:
        _print_warnings(opened, failures)
        raise UserError("\n".join(failures))
    from publishing.release import current_release

    published = current_release(opened)
    assert published
    manifest = published.manifest
    loads = manifest["loads"]
    changed = "changed" if manifest["is_changed"] else f"same content as {manifest['previous_release_id']}"
    console.print(
        f"New loads {loads['new']}: received {loads['received']:,} = loaded {loads['loaded']:,} + quarantined "
        f"{loads['quarantined']:,} + superseded {loads['superseded']:,}. Marts: {changed}."
    )
    _print_warnings(opened)
    console.print(f"Stages: {progress.summary()}.")
    console.print(f"Published {published.path}; its report: {published.path / 'report'}/*.html", style="green")


@app.command()
def check(
    home: Annotated[
        Path | None, typer.Option("--home", help="Compare with what this deployment has loaded; else as a first run.")
    ] = None,
    sources: SourcesOption = None,
    accept_shrink: AcceptShrinkOption = False,
) -> None:
    """Say what of the connected files would be loaded, and what that enables. Nothing is loaded."""
    from ingestion.check import check_files
    from ingestion.contracts import read_contracts
    from ingestion.sources import read_sources
    from orchestration.check_page import print_check
    from orchestration.dbt_project import DBT_PROJECT_DIR, dbt_manifest

    # The loader's own lines speak of rows as loaded.
    logging.getLogger("tenure").addHandler(logging.NullHandler())
    path = sources_path(Home(home or default_home()), sources)
    contracts = read_contracts(DBT_PROJECT_DIR)
    deployment = open_home(home) if home and Home(home.expanduser()).warehouse.exists() else None
    with console.status(f"reading the files of {path}"):
        report = check_files(
            read_sources(path),
            contracts,
            dbt_manifest(),
            compare_with=deployment,
            accept_shrink=accept_shrink,
            received_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        )
    if deployment and not report.compared:
        console.print(
            f"A run is using {deployment.root}: not compared with what it has loaded, but checked as for a first run. "
            "Check again when it has ended.\n",
            style="yellow",
        )
    elif deployment:
        console.print(f"Compared with what {deployment.root} has loaded.\n")
    elif home:
        console.print(f"Nothing was loaded into {home} yet: checked as for a first run.\n")
    print_check(console, report)
    if report.refusals:
        raise UserError(f"{counted(len(report.refusals), 'refusal')}, as said above; nothing was loaded.")
    console.print("No file is refused. Nothing was loaded: tenure run does.", style="green")


@app.command()
def demo(
    home: HomeOption = None,
    customers: Annotated[int, typer.Option(min=1, help="Companies; 20 people and 15 shoppers come with each.")] = 2000,
    months: Annotated[int, typer.Option(min=1, help="Months of history.")] = 24,
    events: Annotated[int, typer.Option(min=1, help="Product events, about.")] = 3_000_000,
    rng: Annotated[int, typer.Option(help="Seed: the same number gives the same company.")] = 7,
    acausal: Annotated[
        bool, typer.Option("--acausal", help="Nothing influences churn, and no playbook works.")
    ] = False,
    damage: Annotated[
        str,
        typer.Option(help="What is wrong with the exports: default, none or breaking, and name=value behind commas."),
    ] = "default",
) -> None:
    """Write the demo company's exports and its sources.yml into the home, and the truth of them beside."""
    from ingestion.demo import read_damage, write_demo

    spoiled = read_damage(damage)
    opened = open_home(home or default_home())
    progress = _Progress()
    tenure = logging.getLogger("tenure")
    tenure.setLevel(logging.INFO)
    tenure.addHandler(progress)
    try:
        path = write_demo(
            opened.root,
            customers=customers,
            months=months,
            events=events,
            rng=rng,
            is_acausal=acausal,
            damage=spoiled,
        )
    finally:
        tenure.removeHandler(progress)
    console.print(f"Wrote the demo company and {path}; tenure run loads it.", style="green")


@app.command()
def status(home: HomeOption = None) -> None:
    """Show the current release and its sources, what the last run did, and what is in quarantine."""
    from orchestration.status_page import print_status

    print_status(console, _existing_home(home))


@app.command()
def query(sql: str, home: HomeOption = None) -> None:
    """Run SQL against the current release, read-only."""
    from publishing.release import open_current

    with open_current(_existing_home(home)) as connection:
        try:
            relation = connection.sql(sql)
            rows = relation.fetchall() if relation is not None else []
        except duckdb.Error as error:
            raise UserError(f"The query can't be run: {error}") from error
        if relation is not None:
            print_rows(relation.columns, rows)


@app.command()
def explain(
    names: Annotated[list[str], typer.Argument(help="Two records (source/list/id) or durable ids, or one.")],
    home: HomeOption = None,
    show_values: Annotated[bool, typer.Option("--show-values", help="Names, mails, phones and dates in full.")] = False,
) -> None:
    """Say why two records are one customer or person, or aren't; of one id, its records and its history."""
    from orchestration.explain import print_explanation

    print_explanation(console, _existing_home(home), names, show_values=show_values)


@app.command()
def rollback(
    release: Annotated[str | None, typer.Argument(help="Release to go back to; the one before the current.")] = None,
    home: HomeOption = None,
) -> None:
    """Point readers at an earlier release."""
    from publishing.release import rollback as point_back

    opened = _existing_home(home)
    with lock_home(opened):
        target = point_back(opened, release)
    console.print(f"Readers now see {target.release_id} (as of {target.manifest['as_of_date']}).", style="green")


def _existing_home(home: Path | None) -> Home:
    """The home, for commands that only look: a mistyped path makes no new one."""
    root = home or default_home()
    if not root.exists():
        raise UserError(f"There is no home at {root}: tenure run makes one, --home names another.")
    return open_home(root)


def _check_before_loading(home: Home, sources: Path | None) -> None:
    """Say within a second what would stop the run at once: Dagster and dbt take many to load."""
    from ingestion.contracts import read_contracts
    from ingestion.deliveries import check_sources, missing_critical_files
    from ingestion.sources import read_sources
    from publishing.journal import LastRun, write_last_run

    with lock_home(home):
        try:
            contracts = read_contracts(PROJECT_ROOT / "dbt_project")
            connected = read_sources(sources_path(home, sources))
            check_sources(connected, contracts)
            if problems := missing_critical_files(connected, contracts):
                raise UserError("\n".join(problems))
        except UserError as error:
            write_last_run(home, LastRun.failed("load the sources", str(error)))
            raise


def execute_job(home: Home, sources: Path | None, as_of: str, known_at: str, accept_shrink: bool) -> list[str]:
    """Run the Dagster job in this process, and return why it failed: nothing where it published a release."""
    import dagster as dg

    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home.dagster / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    from orchestration.definitions import defs
    from orchestration.history import kept_open

    deployment = {
        "home": str(home.root),
        "sources": str(sources.resolve()) if sources else "",
        "as_of_date": as_of,
        "known_at": known_at,
        "accept_shrink": accept_shrink,
    }
    run_config = {
        "resources": {"deployment": {"config": deployment}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    # dagster-dbt repeats dbt's own output on stdout; the terminal shows Tenure's progress instead.
    with contextlib.redirect_stdout(io.StringIO()), kept_open():
        result = defs.resolve_job_def("tenure").execute_in_process(
            run_config=run_config, instance=dg.DagsterInstance.get(), raise_on_error=False
        )
    if result.success:
        return []
    failures = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    sentences = [str(failure.description) for failure in failures if failure]
    return sentences or ["The run failed outside its steps: the Dagster page says where (make dev)."]


def _print_warnings(home: Home, failures: Sequence[str] = ()) -> None:
    """What the run's gate found besides; nothing where the run failed before it could write that down."""
    from publishing.journal import read_last_run

    last_run = read_last_run(home)
    if last_run is None or (failures and last_run.reason not in failures):
        return
    for warning in last_run.warnings:
        console.print(f"warning: {warning}", style="yellow")
