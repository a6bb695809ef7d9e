"""What `tenure check` prints."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingestion.check import CheckReport, TableCheck
from ingestion.deliveries import Refusal
from ingestion.text import counted, listed

COUNTS = ("Files", "Received", "Accepted", "Repeated", "Quarantined")
KNOWN = "Loaded before"
# Columns on the screen: no name or number is cut for lack of room.
WIDEST = 100_000


def print_check(console: Console, report: CheckReport) -> None:
    """Print a report: what would come in, what would not and why, and what is enabled by it."""
    if any(table.connection != "api" for table in report.tables):
        _print_counts(console, report)
    for table in report.tables:
        if table.copy_count:
            console.print(f"  {table.name}: {counted(table.copy_count, 'file')} hold just what another one does.")
    sections: dict[str, tuple[str, Iterable[str]]] = {
        "Refused": ("red", _refusals(report)),
        "Files and folders that belong to no table": ("red", _unplaced(report)),
        "Older than an export that was loaded: they fill the past and change nothing of the present": (
            "yellow",
            (f"{table}: {file}" for table, file in report.older),
        ),
        "Quarantined rows (row 1 is the first below the header)": ("yellow", _quarantined(report)),
        "Columns that no contract has: they would be kept, and nothing reads them": ("yellow", _added(report)),
        "Ids that lead nowhere": ("yellow", _orphans(report)),
        "Read from an API by tenure run, not checked here; the settings are complete": ("", _apis(report)),
        "What this enables": ("green", _enabled(report)),
        "What nothing fills, and what that leaves out": ("", _missing(report)),
    }
    for title, (style, lines) in sections.items():
        for number, line in enumerate(lines):
            if number == 0:
                console.print(f"\n{title}", style=f"bold {style}")
            console.print(f"  {line}")
    received, accepted, repeated, quarantined = (
        sum(getattr(table, f"{what}_count") for table in report.tables)
        for what in ("received", "accepted", "repeated", "quarantined")
    )
    console.print(
        f"\nReceived {received:,} = accepted {accepted:,} + repeated {repeated:,} + quarantined {quarantined:,}."
    )
    if report.compared:
        console.print(
            "Rows aren't compared with those loaded before: tenure run finds which are known already, which replace "
            "others, and which ids lead nowhere."
        )


def _print_counts(console: Console, report: CheckReport) -> None:
    """A terminal too narrow for it gets names of two lines; where that is too wide as well, the terminal wraps it."""
    wide = Console(file=console.file, force_terminal=console.is_terminal, width=WIDEST, highlight=False)
    shown = _counts(report.tables, compared=report.compared, is_narrow=False)
    if console.is_terminal and wide.measure(shown).maximum > console.width:
        shown = _counts(report.tables, compared=report.compared, is_narrow=True)
    wide.print(shown, width=wide.measure(shown).maximum)


def _counts(tables: Iterable[TableCheck], *, compared: bool, is_narrow: bool) -> Table:
    shown = Table(box=None, pad_edge=False, collapse_padding=is_narrow, header_style="bold")
    shown.add_column("Table", no_wrap=True)
    for name in ([KNOWN] if compared else []) + [*COUNTS]:
        shown.add_column(name.replace(" ", "\n") if is_narrow else name, justify="right", no_wrap=True)
    for table in tables:
        if table.connection != "api":
            files = f"{table.file_count} of {table.file_count + table.refused_count}"
            counts = (table.received_count, table.accepted_count, table.repeated_count, table.quarantined_count)
            shown.add_row(
                Text(table.name.replace(".", ".\n") if is_narrow else table.name),
                *([str(table.known_count)] if compared else []),
                files if table.refused_count else str(table.file_count),
                *(f"{n:,}" for n in counts),
            )
    return shown


def _refusals(report: CheckReport) -> Iterator[str]:
    """One line for each, but what keeps several tables of a system away is told once."""
    contracts = (table.contract for table in report.tables)
    critical = {(contract.source, contract.table) for contract in contracts if contract.meta.is_critical}
    of_cause: dict[tuple[str, str | None, str], list[Refusal]] = {}
    for refused in report.refusals:
        if refused.table is not None:
            of_cause.setdefault((refused.source, refused.file, refused.reason), []).append(refused)
    for (source, _, reason), alike in of_cause.items():
        told = f"{source} ({listed(str(one.table) for one in alike)}): {reason}" if alike[1:] else alike[0].sentence
        blocking = [str(one.table) for one in alike if (one.source, one.table) in critical]
        without = listed(blocking) if alike[1:] else "this table"
        yield told + (f" Nothing is published without {without}." if blocking else "")


def _unplaced(report: CheckReport) -> Iterator[str]:
    return (refused.sentence for refused in report.refusals if refused.table is None)


def _quarantined(report: CheckReport) -> Iterator[str]:
    for bad in report.quarantined:
        row = "row" if bad.row_count == 1 else "rows"
        yield f"{bad.table}: {bad.file}, {row} {bad.rows}: {bad.reason}"


def _added(report: CheckReport) -> Iterator[str]:
    for table, added in groupby(report.added, key=lambda pair: pair[0]):
        yield f"{table}: {listed(column for _, column in added)}"


def _orphans(report: CheckReport) -> Iterator[str]:
    for orphans in report.orphans or []:
        share = f"{orphans.orphan_count:,} of {orphans.checked_count:,}"
        yield f"{orphans.column}: {share} are not in {orphans.references}"


def _apis(report: CheckReport) -> Iterator[str]:
    by_api = [table for table in report.tables if table.connection == "api"]
    for source, tables in groupby(by_api, key=lambda table: table.contract.source):
        yield f"{source}: {listed(table.contract.table for table in tables)}"


def _enabled(report: CheckReport) -> Iterator[str]:
    """Tables of a source that enable the same are told together."""
    of_source: dict[tuple[str, str, tuple[str, ...]], list[TableCheck]] = {}
    for table in report.tables:
        if table.has_rows:
            of_source.setdefault((table.contract.source, table.enables, table.marts), []).append(table)
    for (source, enables, marts), tables in of_source.items():
        names = listed(table.contract.table for table in tables)
        reached = f"marts: {listed(marts)}" if marts else "no mart reads it yet"
        yield f"{names if source == 'files' else f'{source} ({names})'}: {enables}; {reached}"
    if of_source:
        yield f"whatever is connected: {listed(report.always)}"


def _missing(report: CheckReport) -> Iterator[str]:
    for missing in report.missing:
        marts = f"; marts: {listed(missing.marts)}" if missing.marts else ""
        ways = [f"files of {listed(missing.tables)}"] if missing.tables else []
        ways += [listed(missing.systems)] if missing.systems else []
        yield f"{missing.role}: {missing.leaves_out}{marts} (comes from {' or '.join(ways)})"
