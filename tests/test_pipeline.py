"""What a whole run promises, whatever the data: points in time, the gate, rebuilds, and no word of a person."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ingestion.errors import UserError
from ingestion.home import PROJECT_ROOT, Home, connect_warehouse
from orchestration.definitions import defs
from orchestration.ingest import ingest
from orchestration.publish import release as release_asset
from orchestration.resources import Deployment
from publishing.journal import read_last_run
from publishing.release import current_release, publish
from tests.conftest import Run, run_pipeline
from tests.marts import contents, made, published
from tests.shop import CANARY_EMAIL, CANARY_NAME, LAST_DAY, order_lines, write_lines, write_shop

pytestmark = pytest.mark.whole_run


def test_records_after_the_as_of_date_change_nothing(shop_run: Run, tmp_path: Path) -> None:
    """The shop's run has nothing later; this one has every line again 120 days later, some by new customers."""
    rows = order_lines()
    later = [
        {
            **row,
            "ordered_at": str(datetime.fromisoformat(row["ordered_at"]) + timedelta(days=120)),
            "order_id": f"later-{row['order_id']}",
            "line_id": f"later-{row['line_id']}",
            "customer_id": row["customer_id"] if number % 3 else f"later-{number}",
        }
        for number, row in enumerate(rows)
    ]
    later = [row for row in later if row["ordered_at"][:10] > str(LAST_DAY)]
    assert len(later) > 200
    sources = write_shop(tmp_path / "files", rows + later)
    poisoned = contents(made(tmp_path / "home", sources, as_of=LAST_DAY).warehouse)
    published = contents(shop_run.home.current / "tenure.duckdb")
    del published["release_info"]
    assert len(published) > 30
    assert poisoned == published


@pytest.mark.wide
def test_half_the_customers_gone_publishes_nothing(shop_home: Home, tmp_path: Path) -> None:
    before = current_release(shop_home)
    rows = [
        {**row, "customer_id": None if (row["customer_id"] or "c0") > "c060" else row["customer_id"]}
        for row in order_lines()
    ]
    sources = write_shop(tmp_path / "files", rows)
    (tmp_path / "files" / "customers.csv").write_text("customer_id,name,email,country\nc001,A,b@example.org,France\n")
    text = sources.read_text()
    sources.write_text(text[: text.index("    customers:")])
    _forget_customers(shop_home)

    run = run_pipeline(shop_home.root, sources)

    assert not run.succeeded
    assert current_release(shop_home) == before
    assert any("marts.dim_customers has" in error and "are gone" in error for error in run.errors), run.errors
    last = read_last_run(shop_home)
    assert last is not None
    assert last.outcome == "failed"
    assert "marts.dim_customers has" in str(last.reason)


def _forget_customers(home: Home) -> None:
    with connect_warehouse(home) as warehouse:
        warehouse.execute("delete from raw_files.customers")


def test_a_lost_warehouse_is_rebuilt_with_the_same_ids(
    shop_run: Run, shop_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    shop_home.warehouse.unlink()
    sources = shop_run.home.root.parent / "files" / "sources.yml"
    with caplog.at_level("INFO", "tenure"):
        loaded = _launched(ingest, shop_home, sources=str(sources))
    assert loaded.success
    assert "state restored from release" in caplog.text
    release = current_release(shop_run.home)
    assert release
    rebuilt = published(shop_home, sources)
    assert rebuilt.manifest["tables"] == release.manifest["tables"]
    assert rebuilt.manifest["state_tables"] == release.manifest["state_tables"]


@pytest.mark.wide
def test_a_release_with_the_earlier_ledger_of_customers_gives_their_ids(shop_run: Run, shop_home: Home) -> None:
    """Its ids needn't be those that would be minted today."""
    import duckdb

    release = current_release(shop_home)
    assert release
    with duckdb.connect(str(release.path / "tenure.duckdb")) as database:
        database.execute(
            """create table state.customer_ledger as
            select
                'cus_of_' || md5(source_record_id) as customer_id, source, source_record_id as source_customer_id,
                'created' as event, cause, known_date - 1 as known_date
            from state.identity_ledger"""
        )
        database.execute("drop table state.identity_ledger")
        known = set(database.sql("select source_customer_id, customer_id from state.customer_ledger").fetchall())
    manifest = release.manifest
    manifest["state_tables"]["customer_ledger"] = manifest["state_tables"].pop("identity_ledger")
    (release.path / "manifest.json").write_text(json.dumps(manifest))
    shop_home.warehouse.unlink()
    run = run_pipeline(shop_home.root, shop_run.home.root.parent / "files" / "sources.yml")
    assert run.succeeded, run.errors
    assert set(run.sql("select source_record_id, durable_id from marts.map_source_records where is_current")) == known
    assert len(_ledger(shop_home)) == len(known)


def test_a_run_without_news_changes_nothing(shop_home: Home, tmp_path: Path) -> None:
    known = _ledger(shop_home)
    before = current_release(shop_home)
    assert before
    after = published(shop_home, write_shop(tmp_path / "files"))
    assert after == current_release(shop_home)
    assert after.manifest["loads"]["new"] == 0
    assert after.manifest["content_hash"] == before.manifest["content_hash"]
    assert after.manifest["is_changed"] is False
    assert after.manifest["previous_release_id"] == before.release_id
    assert _ledger(shop_home) == known
    with connect_warehouse(shop_home) as warehouse:
        left = warehouse.sql("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
    assert left == [], "what dbt makes for itself in a run is gone after it"


@pytest.mark.wide
def test_a_new_day_keeps_ids_and_adds_its_own(shop_home: Home, tmp_path: Path) -> None:
    known = _ledger(shop_home)
    sources = write_shop(tmp_path / "files")
    line = {**order_lines()[0], "order_id": "new", "line_id": "new", "customer_id": "c-new"}
    write_lines(tmp_path / "files" / "orders_next.csv", [{**line, "ordered_at": "2024-06-21 10:00:00"}])
    run = run_pipeline(shop_home.root, sources)
    assert run.succeeded, run.errors
    ledger = _ledger(shop_home)
    assert len(ledger) == len(known) + 1
    assert known < ledger


def _ledger(home: Home) -> set[tuple[object, ...]]:
    import duckdb

    with duckdb.connect(str(home.current / "tenure.duckdb"), read_only=True) as connection:
        return set(connection.sql("from state.identity_ledger").fetchall())


def test_no_log_manifest_or_report_names_a_person(shop_run: Run) -> None:
    release = current_release(shop_run.home)
    assert release
    places = [shop_run.home.dagster, shop_run.home.dbt_target, release.path / "report"]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    files += [release.path / "manifest.json", release.path / "gate.json", shop_run.home.root / "last_run.json"]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        assert CANARY_EMAIL.encode() not in content, path
        assert CANARY_NAME.encode() not in content, path
    assert CANARY_EMAIL not in shop_run.log
    assert CANARY_NAME not in shop_run.log
    # The canaries did go through: the mart that exists to show them does.
    assert shop_run.sql(f"select count(*) from marts.dim_customers where email = '{CANARY_EMAIL}'") == [(1,)]


@pytest.mark.wide
def test_only_customers_and_no_orders_says_what_is_missing(tmp_path: Path) -> None:
    sources = write_shop(tmp_path / "files")
    text = sources.read_text()
    sources.write_text("sources:\n  files:\n" + text[text.index("    customers:") :])
    run = run_pipeline(tmp_path / "home", sources)
    assert not run.succeeded
    assert "There are no records to publish" in run.errors[0]


def _launched(assets: dg.AssetsDefinition, home: Home, **deployment: str) -> dg.ExecuteInProcessResult:
    """What became of these assets alone, launched as on the Dagster page."""
    return defs.resolve_job_def("tenure").execute_in_process(
        asset_selection=list(assets.keys),
        run_config={"resources": {"deployment": {"config": {"home": str(home.root), **deployment}}}},
        raise_on_error=False,
    )


def test_the_gate_runs_though_publish_is_launched_alone(shop_home: Home) -> None:
    before = current_release(shop_home)
    with connect_warehouse(shop_home) as warehouse:
        warehouse.execute("update marts.rpt_order_cohorts set retention_rate = 1.5 where months_since_first = 1")
    result = _launched(release_asset, shop_home)
    assert not result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["rpt_order_cohorts"].passed
    assert "retention_rate should be between 0 and 1" in str(checks["rpt_order_cohorts"].description)
    assert checks["fct_orders"].passed
    assert current_release(shop_home) == before
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data.user_failure_data
    assert "retention_rate should be between 0 and 1" in str(failure.description)
    assert Deployment().home == ""


def test_the_manifest_says_what_the_release_is(shop_run: Run) -> None:
    release = current_release(shop_run.home)
    assert release
    manifest = release.manifest
    assert manifest["as_of_date"] == "2024-06-20"
    assert manifest["data_through"] == {"files": "2024-06-20"}
    assert manifest["loads"]["received"] == manifest["loads"]["loaded"] > 0
    assert manifest["tables"]["fct_orders"]["rows"] == shop_run.sql("select count(*) from marts.fct_orders")[0][0]
    assert json.loads((release.path / "gate.json").read_text())["passed"] is True
    assert {path.stem for path in (release.path / "parquet").iterdir()} == set(manifest["tables"])
    assert shutil.disk_usage(release.path)


def test_a_new_home_parses_the_project_no_more(shop_run: Run) -> None:
    assert "Unable to do partial parsing" not in (shop_run.home.dbt_target / "dbt.log").read_text()


def test_columns_of_the_release_are_described(shop_run: Run) -> None:
    bare = shop_run.sql(
        """select table_name, column_name from duckdb_columns()
        where schema_name in ('marts', 'state') and table_name != 'release_info' and comment is null"""
    )
    assert bare == []


@pytest.mark.wide
def test_a_loss_of_the_newest_data_is_a_loss(shop_home: Home, tmp_path: Path) -> None:
    """The default as-of date goes back with the data; the release to compare with does not."""
    before = current_release(shop_home)
    shop_home.warehouse.unlink()
    old = [row for row in order_lines() if row["ordered_at"] < "2024-03-01"]
    run = run_pipeline(shop_home.root, write_shop(tmp_path / "files", old))
    assert not run.succeeded
    assert any("marts.fct_orders has" in error and "are gone" in error for error in run.errors), run.errors
    assert current_release(shop_home) == before


@pytest.mark.wide
def test_a_line_mended_at_the_source_leaves_the_quarantine(tmp_path: Path) -> None:
    rows = order_lines()
    bad = [{**rows[0], "unit_price": "-1"}, *rows[1:]]
    sources = write_shop(tmp_path / "files", bad)
    first = run_pipeline(tmp_path / "home", sources)
    assert first.succeeded, first.errors
    refused = "select sum(line_count) from marts.rpt_order_line_balance where disposition = 'quarantined'"
    assert first.sql(refused) == [(1,)]
    write_lines(tmp_path / "files" / "orders.csv", rows)
    second = run_pipeline(tmp_path / "home", sources)
    assert second.succeeded, second.errors
    assert second.sql(refused) == [(None,)]
    assert second.sql("select sum(line_count) from marts.rpt_order_line_balance") == [(len(rows),)]
    assert _quarantined(second) == (1, 0)


@pytest.mark.wide
def test_a_line_that_comes_well_in_another_file_leaves_the_quarantine(tmp_path: Path) -> None:
    rows = order_lines()
    sources = write_shop(tmp_path / "files", [{**rows[0], "unit_price": "-1"}, *rows[1:]])
    first = run_pipeline(tmp_path / "home", sources)
    assert first.succeeded, first.errors
    assert _quarantined(first) == (1, 1)
    write_lines(tmp_path / "files" / "orders_mended.csv", rows[:1])
    second = run_pipeline(tmp_path / "home", sources)
    assert second.succeeded, second.errors
    assert _quarantined(second) == (1, 0)
    balance = "select coalesce(sum(line_count) filter (disposition = 'quarantined'), 0), sum(line_count)"
    assert second.sql(f"{balance} from marts.rpt_order_line_balance") == [(0, len(rows))]


def _quarantined(run: Run) -> tuple[object, ...]:
    """How many order lines were ever refused, and how many still are."""
    counts = "sum(quarantined_count), max(open_quarantine_count)"
    (row,) = run.sql(f"select {counts} from marts.rpt_source_health where table_name = 'order_lines' and is_connected")
    return row


def test_half_built_marts_are_not_published(shop_home: Home) -> None:
    results = shop_home.dbt_target / "run_results.json"
    content = json.loads(results.read_text())
    content["results"][-1]["status"] = "fail"
    results.write_text(json.dumps(content))
    with pytest.raises(UserError, match="The marts are not whole"):
        publish(shop_home, PROJECT_ROOT / "dbt_project" / "target" / "manifest.json")


TOO_EARLY = "There is no record on or before 2020-01-31: give a later --as-of, or load older records."


def test_marts_of_a_date_before_the_data_are_not_published(shop_home: Home) -> None:
    """Quick: the run's context is all that publishing asks. The whole run with such a date is a wide test."""
    before = current_release(shop_home)
    with connect_warehouse(shop_home) as warehouse:
        warehouse.execute(
            "update intermediate.int_run__context set as_of_date = date '2020-01-31', data_through_date = null"
        )
    with pytest.raises(UserError, match=TOO_EARLY):
        publish(shop_home, PROJECT_ROOT / "dbt_project" / "target" / "manifest.json")
    assert current_release(shop_home) == before


@pytest.mark.wide
def test_an_as_of_date_before_the_data_is_named(shop_home: Home, shop_run: Run) -> None:
    run = run_pipeline(shop_home.root, shop_run.home.root.parent / "files" / "sources.yml", as_of="2020-01-31")
    assert run.errors == [TOO_EARLY]
