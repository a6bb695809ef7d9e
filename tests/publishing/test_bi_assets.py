"""The dashboards as code against the contracts of the marts that they read, without Superset."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.errors import UserError
from ingestion.home import PROJECT_ROOT
from publishing.bi.assemble import FOLDER, WIDTH, Chart, bundle, query, read_assets, uuid_of
from publishing.bi.start import prepare_folder

ASSETS = read_assets()
CHARTS = list(ASSETS.charts.values())
BY_NAME = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
CUSTOMER_RATES = {"logo_churn", "logo_churn_rate", "customers_kept", "retention_rate"}
REVENUE_RATES = {"revenue_churn", "revenue_churn_rate", "revenue_kept", "revenue_retention_rate"}

OF_MONTHS_THAT_ARE_OVER = ("marts.rpt_metric_trends",)


def _contracts() -> dict[str, dict[str, str]]:
    """Every mart's columns and their types."""
    marts = {}
    for path in sorted((PROJECT_ROOT / "dbt_project" / "models" / "marts").glob("*/*.yml")):
        for model in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["models"]:
            marts[model["name"]] = {column["name"]: column["data_type"] for column in model["columns"]}
    return marts


MARTS = _contracts()


@pytest.fixture(scope="module")
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    """A release without rows: its marts are empty, and as their contracts declare them."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.release_info (release_id varchar, as_of_date date, data_through date, "
            "created_at timestamp)"
        )
        for name, columns in MARTS.items():
            declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f'create table marts."{name}" ({declared})')
        yield connection


@BY_NAME
def test_every_column_of_a_chart_is_in_its_mart(chart: Chart, release: duckdb.DuckDBPyConnection) -> None:
    release.execute(query(ASSETS, chart))


@pytest.mark.parametrize("name", ASSETS.datasets)
def test_a_dataset_reads_published_marts_and_names_their_columns(name: str, release: duckdb.DuckDBPyConnection) -> None:
    dataset = ASSETS.datasets[name]
    read = release.get_table_names(f"from {dataset.source}", qualified=True)
    assert read
    assert {table.split(" AS ")[0].removeprefix("marts.") for table in read} <= MARTS.keys() | {"release_info"}
    has = {column for column, *_ in release.sql(f"describe from {dataset.source}").fetchall()}
    named = {column for column, written in dataset.columns.items() if "sql" not in written}
    assert named <= has
    assert all(metric.get("n", next(iter(dataset.metrics))) in dataset.metrics for metric in dataset.metrics.values())
    assert all("label" in written for written in (*dataset.columns.values(), *dataset.metrics.values()))


@BY_NAME
def test_a_chart_of_rates_shows_n_and_completeness(chart: Chart, release: duckdb.DuckDBPyConnection) -> None:
    """Itself, or in the chart of the same dashboard that it names."""
    types = {name: kind for name, kind, *_ in release.sql(f"describe {query(ASSETS, chart)}").fetchall()}
    metrics = ASSETS.datasets[chart.dataset].metrics
    assert all("n" in metrics[name] for name in chart.metrics if types[name] == "DOUBLE"), "a rate names its n"
    if "DOUBLE" not in types.values():
        return
    beside = [ASSETS.charts[chart.n_in]] if chart.n_in else []
    assert all(other.dataset == chart.dataset for other in beside)
    shown = [_labels(one) for one in (chart, *beside)]
    assert any("(n)" in label for labels in shown for label in labels), "n"
    assert any(_tells_completeness(one) for one in (chart, *beside)), "is_complete"
    for dashboard in ASSETS.dashboards.values():
        names = {name for _, row in dashboard.rows for name in row}
        assert chart.name not in names or all(other.name in names for other in beside)


def _labels(chart: Chart) -> list[str]:
    dataset = ASSETS.datasets[chart.dataset]
    columns = [dataset.columns.get(name, {}).get("label", name) for name in chart.dimensions]
    return columns + [dataset.metrics[name]["label"] for name in chart.metrics]


def _tells_completeness(chart: Chart) -> bool:
    conditions = chart.where + (ASSETS.datasets[chart.dataset].sql or "")
    is_over = any(mart in conditions for mart in OF_MONTHS_THAT_ARE_OVER)
    return is_over or "is_complete" in chart.dimensions or "and is_complete" in f"and {conditions}"


def test_customers_kept_never_stand_without_revenue_kept() -> None:
    """In the same chart, or in the same row or the one before."""
    told = 0
    for dashboard in ASSETS.dashboards.values():
        before: set[str] = set()
        for _, names in dashboard.rows:
            row = {shown for name in names for shown in (*_chart(name).columns, *_chart(name).metrics)}
            if row & CUSTOMER_RATES:
                told += 1
                assert (row | before) & REVENUE_RATES, names
            before = row
    assert told >= 4


def _chart(name: str) -> Chart:
    return ASSETS.charts[name]


@pytest.mark.parametrize("slug", ASSETS.dashboards)
def test_a_dashboard_opens_with_its_release_and_fits_its_rows(slug: str) -> None:
    dashboard = ASSETS.dashboards[slug]
    (first,) = dashboard.rows[0][1]
    assert {"release_id", "data_through"} <= set(_chart(first).columns)
    assert all(sum(_chart(name).width for name in names) == WIDTH for _, names in dashboard.rows)


def test_the_bundle_says_the_same_each_time_and_refers_to_nothing_that_is_not_in_it(
    release: duckdb.DuckDBPyConnection,
) -> None:
    files = bundle(ASSETS, release, "duckdb:///somewhere")
    assert files == bundle(read_assets(), release, "duckdb:///somewhere")
    contents: dict[str, Any] = {name: yaml.safe_load(text) for name, text in files.items()}
    ids = {content["uuid"] for content in contents.values() if "uuid" in content}
    assert len(ids) == len(files) - 1
    for name, content in contents.items():
        if name.startswith("charts/"):
            assert content["dataset_uuid"] in ids
            json.loads(content["query_context"])
        if name.startswith("dashboards/"):
            charts = [
                part for part in content["position"].values() if isinstance(part, dict) and part["type"] == "CHART"
            ]
            assert {chart["meta"]["uuid"] for chart in charts} <= ids
            assert len({chart["meta"]["chartId"] for chart in charts}) == len(charts)


def test_columns_carry_what_the_release_says_of_them(release: duckdb.DuckDBPyConnection) -> None:
    release.execute("comment on column marts.rpt_nrr_monthly.kept_amount is 'The numerator of grr.'")
    dataset = yaml.safe_load(bundle(ASSETS, release, "duckdb:///x")["datasets/Tenure/nrr_monthly.yaml"])
    (column,) = [column for column in dataset["columns"] if column["column_name"] == "kept_amount"]
    assert (column["type"], column["description"]) == ("DECIMAL(18,4)", "The numerator of grr.")


@pytest.mark.parametrize(
    ("file", "before", "after", "sentence"),
    [
        ("retention.yaml", "viz: waterfall", "vis: waterfall", "retention.yaml, MRR bridge, last 12 months: .*'vis'"),
        (
            "retention.yaml",
            "dataset: mrr_bridge",
            "dataset: bridge",
            "MRR bridge, last 12 months reads bridge, no data",
        ),
        ("retention.yaml", "name: NRR and GRR, 12 months", "name: NRR", "the chart NRR is there twice"),
        (
            "cohorts.yaml",
            "charts: [Release]",
            "charts: [Release 2]",
            "cohorts.yaml names the chart Release 2, which no",
        ),
        ("cohorts.yaml", "title: Cohorts", "title: a: b", r"cohorts.yaml can't be read: mapping values .* line 3"),
        ("datasets.yaml", "table: rpt_cohort_retention", "tabel: x", "datasets.yaml, cohorts: .*'tabel'"),
    ],
)
def test_a_mistake_in_a_file_is_told_in_a_sentence(
    tmp_path: Path, file: str, before: str, after: str, sentence: str
) -> None:
    for path in FOLDER.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    written = (tmp_path / file).read_text()
    assert before in written
    (tmp_path / file).write_text(written.replace(before, after, 1))
    with pytest.raises(UserError, match=sentence):
        read_assets(tmp_path)


def test_secrets_are_made_once_and_for_this_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TENURE_BI_FOLDER", "SUPERSET_HOME", "SUPERSET_CONFIG_PATH"):
        monkeypatch.setenv(name, "")
    password = prepare_folder(tmp_path / "bi")
    assert len(password) >= 16
    assert prepare_folder(tmp_path / "bi") == password != prepare_folder(tmp_path / "other")
    assert (tmp_path / "bi").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "bi").iterdir())


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (FOLDER / "requirements.lock").read_text()
    pinned = [line for line in lock.splitlines() if line[:1].isalnum()]
    for wanted in (FOLDER / "requirements.in").read_text().split():
        assert any(line.startswith(f"{wanted}=" if "=" not in wanted else f"{wanted} ") for line in pinned), wanted
    assert all(line.endswith("\\") for line in pinned)
    assert "://" not in lock
    assert "--index" not in lock


def test_ids_follow_from_names() -> None:
    """So a chart keeps its id, and whoever linked to it finds it."""
    assert uuid_of("chart", "NRR") == "198fcc66-d271-5e20-b5d6-39a9ca941949"
