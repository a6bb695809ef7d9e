"""The graph that Dagster sees, word for word: an unintended change of it shows here as a difference."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from ingestion.home import PROJECT_ROOT
from orchestration.definitions import defs
from orchestration.resources import Deployment

# One key a line, sorted; after a meant change, write it anew from what the failing test shows.
ASSETS = set((Path(__file__).parent / "assets.txt").read_text().split())
GROUPS = {
    "billing",
    "commerce",
    "config",
    "crm",
    "customers",
    "feedback",
    "ingestion",
    "interventions",
    "loyalty",
    "messaging",
    "product",
    "publishing",
    "revenue",
    "run",
    "staging",
    "success",
    "support",
}


@pytest.fixture(scope="module")
def graph() -> Any:
    return defs.get_repository_def().asset_graph


def test_asset_keys_jobs_and_schedules(graph: Any) -> None:
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == ASSETS
    assert [job.name for job in defs.jobs or []] == ["tenure"]
    schedules = {schedule.name: schedule.cron_schedule for schedule in defs.schedules or []}
    assert schedules == {"daily": "45 23 * * 1-6", "weekly_report": "45 23 * * 0"}
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == GROUPS


def test_they_load() -> None:
    """As `dagster definitions validate` asks, without starting a server for it."""
    dg.Definitions.validate_loadable(defs)


def test_no_phantom_assets(graph: Any) -> None:
    """An asset that nothing makes is a key that somebody mistyped."""
    assert {key for key in graph.get_all_asset_keys() if not graph.get(key).is_executable} == set()


def test_lineage_runs_from_raw_to_release(graph: Any) -> None:
    upstream = {key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey("release"))}
    raw = {"files/order_lines", "files/customers", "shopify/orders", "shopify/order_lines", "ingestion/load_days"}
    marts = {key for key in ASSETS if key.startswith("marts/")}
    assert upstream >= raw | marts | {"state/int_customers__ledger", "config/gate_thresholds"}


def test_each_mart_has_a_check_on_the_release(graph: Any) -> None:
    checks = {key.name for key in graph.asset_check_keys if key.asset_key == dg.AssetKey("release")}
    assert checks == {name.split("/")[1] for name in ASSETS if name.startswith("marts/")}


@pytest.mark.parametrize("name", ["daily", "weekly_report"])
def test_a_schedule_passes_its_ticks_date(name: str) -> None:
    schedule = next(schedule for schedule in defs.schedules or [] if schedule.name == name)
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 2, 28, 23, 45, tzinfo=UTC))
    request = schedule.evaluate_tick(context).run_requests[0]
    assert request.run_config["resources"]["deployment"]["config"]["as_of_date"] == "2026-02-28"


@pytest.mark.parametrize(
    ("known_at", "until"),
    [
        ("2026-01-31", "2026-01-31 23:59:59"),
        ("2026-01-31T12:30:05", "2026-01-31 12:30:05"),
        ("2026-01-31 12:30:05", "2026-01-31 12:30:05"),
        ("2026-01-31T12:30:05+02:00", "2026-01-31 10:30:05"),
    ],
)
def test_a_day_is_known_until_it_ends_and_a_time_until_then(known_at: str, until: str) -> None:
    assert str(Deployment(as_of_date="2026-01-31", known_at=known_at).known_until()) == until


def test_telemetry_is_off_and_runs_come_one_at_a_time() -> None:
    settings = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text())
    assert settings["telemetry"] == {"enabled": False}
    assert settings["concurrency"]["runs"]["max_concurrent_runs"] == 1


def test_definitions_stay_a_table_of_contents() -> None:
    assert len((PROJECT_ROOT / "orchestration" / "definitions.py").read_text().splitlines()) < 60
