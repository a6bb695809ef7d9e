"""What `tenure check` prints, wherever it is printed."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from ingestion.check import CheckReport, TableCheck
from ingestion.contracts import read_contracts
from ingestion.home import PROJECT_ROOT
from orchestration.check_page import COUNTS, KNOWN, print_check

NAMES = ("salesforce.opportunity_history", "zendesk.satisfaction_ratings", "order_lines")


def report() -> CheckReport:
    contracts = read_contracts(PROJECT_ROOT / "dbt_project")
    keys = (("salesforce", "opportunity_history"), ("zendesk", "satisfaction_ratings"), ("files", "order_lines"))
    tables = [
        TableCheck(
            contracts[key],
            "exports",
            (),
            file_count=1,
            known_count=12,
            refused_count=1,
            received_count=3_002_113,
            accepted_count=3_002_113,
        )
        for key in keys
    ]
    return CheckReport(
        tables=tables, refusals=[], quarantined=[], added=[], older=[], orphans=None, missing=[], always=(),
        compared=True,
    )  # fmt: skip


def printed(width: int, *, is_terminal: bool) -> list[str]:
    """The table of counts, line by line."""
    file = io.StringIO()
    print_check(Console(file=file, width=width, force_terminal=is_terminal, soft_wrap=True), report())
    return Text.from_ansi(file.getvalue()).plain.split("\n\n")[0].splitlines()


@pytest.mark.parametrize(("width", "is_terminal"), [(80, False), (200, True)])
def test_nothing_is_cut(width: int, is_terminal: bool) -> None:
    header, *rows = printed(width, is_terminal=is_terminal)
    assert header.split() == ["Table", *KNOWN.split(), *COUNTS]
    assert [row.split()[0] for row in rows] == [*NAMES]
    assert all(row.split()[1:] == ["12", "1", "of", "2", "3,002,113", "3,002,113", "0", "0"] for row in rows)


def test_a_terminal_of_80_columns_gets_whole_names() -> None:
    lines = printed(80, is_terminal=True)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert [line.split()[0] for line in lines[2:]] == [
        "salesforce.",
        "opportunity_history",
        "zendesk.",
        "satisfaction_ratings",
        "order_lines",
    ]
