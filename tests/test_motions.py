"""Whatever part of its systems a company connects: that part builds, is judged and published, and the rest is named."""

from pathlib import Path

import pytest

from ingestion.connectors.exports import find_exports
from ingestion.contracts import Contracts, read_contracts
from ingestion.home import PROJECT_ROOT
from publishing.release import current_release
from publishing.report.pages import PAGES
from publishing.report.sources import ROLES
from tests.conftest import Run, run_pipeline
from tests.demo import connect, connected, write_order_lines

pytestmark = pytest.mark.whole_run

COMMERCE = {
    "fct_orders", "rpt_order_cohorts", "rpt_order_months", "rpt_repeat_purchase", "rpt_order_line_balance",
    "rpt_lifetime_value",
}  # fmt: skip
# Whoever is known has an id, from some day on.
KNOWN = {
    "dim_customers", "map_source_records", "map_id_redirects", "fct_identity_events", "rpt_source_health",
    "rpt_identity_quality", "map_identifiers", "map_compared_records", "dim_dates", "dim_revenue_policies",
}  # fmt: skip


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return read_contracts(PROJECT_ROOT / "dbt_project")


def test_all_systems(demo: Path, demo_run: Run, contracts: Contracts) -> None:
    _check(demo_run, demo, contracts)
    release = current_release(demo_run.home)
    assert release
    assert _filled_marts(demo_run) == release.manifest["tables"].keys() - {"rpt_source_refusals", "rpt_restatements"}


def test_order_lines_and_customers_alone(shop_run: Run, contracts: Contracts) -> None:
    _check(shop_run, shop_run.home.root.parent / "files" / "sources.yml", contracts)
    assert _filled_marts(shop_run) == COMMERCE | KNOWN | {"rpt_demoted_identifiers"}


@pytest.mark.wide
@pytest.mark.parametrize(
    ("system", "filled"),
    [
        ("stripe", {"rpt_lifetime_value"}),
        ("shopify", COMMERCE),
        ("zendesk", set()),
        ("files", COMMERCE),
    ],
)
def test_one_system_alone(demo: Path, contracts: Contracts, tmp_path: Path, system: str, filled: set[str]) -> None:
    systems = {system: connected(demo)[system]}
    if system == "files":
        systems["files"]["order_lines"] = write_order_lines(tmp_path / "order_lines.csv")
    sources = connect(demo, f"{system}.yml", systems)
    run = run_pipeline(tmp_path / "home", sources)
    _check(run, sources, contracts)
    # What else there is to tell of records depends on the system.
    assert _filled_marts(run) >= filled | KNOWN
    assert not _filled_marts(run) & (COMMERCE - filled)


def _check(run: Run, sources: Path, contracts: Contracts) -> None:
    """The run published, and the release says exactly what is connected and which roles nothing came for."""
    assert run.succeeded, run.errors
    release = current_release(run.home)
    assert release
    there = _connected_tables(sources, contracts)
    health = run.sql(
        "select source, table_name, role, is_connected, status from marts.rpt_source_health where is_as_of_date"
    )
    assert {(source, table) for source, table, *_ in health} == set(contracts)
    assert {(source, table) for source, table, _, is_connected, _ in health if is_connected} == there
    assert {status for *_, is_connected, status in health if not is_connected} == {"not connected"}
    assert {status for *_, is_connected, status in health if is_connected} <= {"ok", "late"}
    assert set(release.manifest["data_through"]) == {source for source, _ in there}

    for page in PAGES:
        assert (release.path / "report" / f"{page}.pdf").read_bytes().startswith(b"%PDF")
        assert (release.path / "report" / f"{page}.html").stat().st_size > 2_000
    page = (release.path / "report" / "sources.html").read_text()
    lacking = {name for role, name in ROLES.items() if role not in {contracts[table].meta.role for table in there}}
    sentence = page[page.index("Nothing has come for") :].split(", so no figure")[0] if lacking else ""
    assert {name for name in ROLES.values() if name in sentence} == lacking
    assert ("Nothing has come for" in page) == bool(lacking)
    cohorts = (release.path / "report" / "cohorts.html").read_text()
    assert ("nothing is connected for commerce" in cohorts) == ("commerce" in lacking)


def _connected_tables(sources: Path, contracts: Contracts) -> set[tuple[str, str]]:
    """The tables that have files, as sources.yml connects them."""
    systems = connected(sources)
    there = {("files", table) for table in systems.pop("files", {})}
    for system, spec in systems.items():
        tables = [table for source, table in contracts if source == system]
        there |= {(system, table) for table in find_exports(sources.parent / spec["exports"], tables)[0]}
    return there


def _filled_marts(run: Run) -> set[str]:
    release = current_release(run.home)
    assert release
    figures = release.manifest["tables"]
    return {name for name in figures if figures[name]["rows"] and name != "rpt_source_refusals"}
