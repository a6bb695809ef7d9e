"""Makes Superset's import bundle of the dashboards here and the release that they read."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

import duckdb
import yaml

from ingestion.errors import UserError

FOLDER = Path(__file__).resolve().parent
DASHBOARDS = ("retention", "cohorts")
SCHEMA = "marts"
ROW_LIMIT = 10_000
WIDTH = 12
# Ids of all that is imported follow from their names, so that importing twice changes what is there.
NAMES = UUID("6f0a55a5-1b6c-4f0c-8d52-6a1f35d2b7f4")
MONTHS = ("month", "cohort_month", "due_month")
WITH_ONE_METRIC = ("big_number", "heatmap_v2", "waterfall")
# The release and no other file, whatever is asked.
READ_ONLY = {"read_only": True, "config": {"enable_external_access": False, "lock_configuration": True, "threads": 2}}
COLOURS = {
    "new_mrr": "#1FA8C9",
    "expansion_mrr": "#8FD3E4",
    "reactivation_mrr": "#454E7C",
    "contraction_mrr": "#FF7F44",
    "churn_mrr": "#E04355",
    "scope_change_mrr": "#A868B7",
    "fx_mrr": "#B2B2B2",
}

Made = TypeVar("Made")


@dataclass(frozen=True)
class Dataset:
    """A published mart, or a query over some, with what charts call and sum up of it."""

    name: str
    table: str | None = None
    sql: str | None = None
    time: str | None = None
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    metrics: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """What a query of it reads from."""
        return f"({self.sql})" if self.sql else f"{SCHEMA}.{self.table}"

    def expression(self, column: str) -> str:
        """A column in SQL."""
        return self.columns.get(column, {}).get("sql", column)


@dataclass(frozen=True)
class Chart:
    """A chart: `x`, `by` and `columns` are columns of its dataset, `options` Superset's own controls."""

    name: str
    dataset: str
    viz: str
    width: int
    about: str = ""
    x: str | None = None
    by: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    where: str = ""
    order: tuple[tuple[str, str], ...] = ()
    n_in: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Every column that it shows, in Superset's order."""
        return (*((self.x,) if self.x else ()), *self.by, *self.columns)


@dataclass(frozen=True)
class Dashboard:
    """Rows of charts by their names, each with its height."""

    slug: str
    title: str
    about: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    filters: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Assets:
    """All that stands in this folder."""

    datasets: dict[str, Dataset]
    charts: dict[str, Chart]
    dashboards: dict[str, Dashboard]


def read_assets(folder: Path = FOLDER) -> Assets:
    """Read datasets, and dashboards with their charts; a chart may stand on several, by its name.

    Raises:
        UserError: a file isn't YAML, has a word that means nothing here, or names a chart that isn't there.
    """
    datasets = {
        name: _make(Dataset, {"name": name, **written}, f"datasets.yaml, {name}")
        for name, written in _read(folder / "datasets.yaml").items()
    }
    charts: dict[str, Chart] = {}
    dashboards = {}
    for slug in DASHBOARDS:
        written = _read(folder / f"{slug}.yaml")
        rows = []
        for row in written["rows"]:
            names = []
            for given in row["charts"]:
                if isinstance(given, dict):
                    chart = _chart(given, f"{slug}.yaml, {given.get('name')}")
                    if chart.name in charts or chart.dataset not in datasets:
                        fault = "is there twice" if chart.name in charts else f"reads {chart.dataset}, no dataset"
                        raise UserError(f"{slug}.yaml: the chart {chart.name} {fault}.")
                    charts[chart.name] = chart
                names.append(given["name"] if isinstance(given, dict) else given)
            rows.append((row["height"], tuple(names)))
        unknown = [name for _, names in rows for name in names if name not in charts]
        if unknown:
            raise UserError(f"{slug}.yaml names the chart {unknown[0]}, which no dashboard up to it describes.")
        filters = tuple(written.get("filters", ()))
        dashboards[slug] = Dashboard(slug, written["title"], written["about"], tuple(rows), filters)
    return Assets(datasets, charts, dashboards)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(path.read_text()))
    except yaml.YAMLError as error:
        raise UserError(f"{path.name} can't be read: {' '.join(str(error).split())}.") from error


def _chart(written: dict[str, Any], place: str) -> Chart:
    lists = {name: tuple(written[name]) for name in ("by", "columns", "metrics") if name in written}
    order = tuple((column, direction) for column, direction in written.get("order", ()))
    return _make(Chart, {**written, **lists, "order": order}, place)


def _make(kind: type[Made], written: dict[str, Any], place: str) -> Made:
    try:
        return kind(**written)
    except TypeError as error:
        raise UserError(f"{place}: {str(error).removeprefix(f'{kind.__name__}.__init__() ')}.") from error


def query(assets: Assets, chart: Chart) -> str:
    """A chart's query in SQL, for a database that has the marts."""
    dataset = assets.datasets[chart.dataset]
    shown = [f'{dataset.expression(column)} as "{column}"' for column in chart.dimensions]
    shown += [f'{dataset.metrics[metric]["sql"]} as "{metric}"' for metric in chart.metrics]
    calculated = [f'{column["sql"]} as "{name}"' for name, column in dataset.columns.items() if "sql" in column]
    source = f"(select {', '.join(['*', *calculated])} from {dataset.source})" if calculated else dataset.source
    where = f" where {chart.where}" if chart.where else ""
    group = " group by all" if chart.metrics else ""
    return f"select {', '.join(shown)} from {source} as dataset{where}{group}"


def bundle(assets: Assets, release: duckdb.DuckDBPyConnection, database: str) -> dict[str, str]:
    """File → its content, as Superset imports it. `database`: SQLAlchemy's address of the release.

    Columns, types and descriptions come from the release itself.

    Raises:
        duckdb.Error: the release hasn't a table or column that a dataset reads.
    """
    files: dict[str, Any] = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2000-01-01T00:00:00+00:00"},
        "databases/tenure.yaml": {
            "database_name": "Tenure",
            "sqlalchemy_uri": database,
            "expose_in_sqllab": True,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_run_async": False,
            "extra": {"metadata_params": {}, "engine_params": {"connect_args": READ_ONLY}},
            **_identity("database", "tenure"),
        },
    }
    for dataset in assets.datasets.values():
        files[f"datasets/Tenure/{dataset.name}.yaml"] = _dataset_file(dataset, release)
    for chart in assets.charts.values():
        files[f"charts/{_file_name(chart.name)}.yaml"] = _chart_file(chart, assets.datasets[chart.dataset])
    for dashboard in assets.dashboards.values():
        files[f"dashboards/{dashboard.slug}.yaml"] = _dashboard_file(dashboard, assets)
    return {name: yaml.safe_dump(content, sort_keys=False) for name, content in files.items()}


def _identity(kind: str, name: str) -> dict[str, Any]:
    return {"uuid": uuid_of(kind, name), "version": "1.0.0", "is_managed_externally": True}


def uuid_of(kind: str, name: str) -> str:
    """The id in Superset of a database, dataset, chart or dashboard."""
    return str(uuid5(NAMES, f"{kind}/{name}"))


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _dataset_file(dataset: Dataset, release: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    described = dict(
        release.execute(
            """
            select column_name, any_value(comment) from duckdb_columns()
            where
                schema_name = ? and comment is not null
                and (table_name = ? or contains(?, schema_name || '.' || table_name))
            group by all
            """,
            [SCHEMA, dataset.table, dataset.sql or ""],
        ).fetchall()
    )
    types = {name: kind for name, kind, *_ in release.sql(f"describe from {dataset.source}").fetchall()}
    types |= {name: "VARCHAR" for name, column in dataset.columns.items() if "sql" in column}
    columns = []
    for name, kind in types.items():
        written = dataset.columns.get(name, {})
        columns.append(
            {
                "column_name": name,
                "verbose_name": written.get("label"),
                "description": written.get("description") or described.get(name),
                "type": kind,
                "is_dttm": kind in ("DATE", "TIMESTAMP"),
                "expression": written.get("sql"),
                "groupby": True,
                "filterable": True,
            }
        )
    return {
        "table_name": dataset.table or dataset.name,
        "schema": SCHEMA,
        "sql": dataset.sql,
        "main_dttm_col": dataset.time,
        "columns": columns,
        "metrics": [
            {
                "metric_name": name,
                "verbose_name": metric["label"],
                "expression": metric["sql"],
                "d3format": metric.get("format"),
            }
            for name, metric in dataset.metrics.items()
        ],
        "database_uuid": uuid_of("database", "tenure"),
        **_identity("dataset", dataset.name),
    }


def _chart_file(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    params: dict[str, Any] = {"viz_type": chart.viz, "row_limit": ROW_LIMIT, **chart.options}
    params["adhoc_filters"] = _where(chart.where)
    if chart.x:
        params["x_axis"] = chart.x
        if chart.x in MONTHS:
            params["time_grain_sqla"] = "P1M"
    if chart.columns:
        params |= {"query_mode": "raw", "all_columns": list(chart.columns)}
    elif chart.viz == "table":
        params["query_mode"] = "aggregate"
    if chart.by:
        params["groupby"] = chart.by[0] if chart.viz == "heatmap_v2" else list(chart.by)
    if chart.viz in WITH_ONE_METRIC:
        (params["metric"],) = chart.metrics
    elif chart.metrics:
        params["metrics"] = list(chart.metrics)
    if chart.viz == "table":
        formats = {name: dataset.columns.get(name, {}).get("format") for name in chart.dimensions}
        formats |= {name: dataset.metrics[name].get("format") for name in chart.metrics}
        params["column_config"] = {name: {"d3NumberFormat": form} for name, form in formats.items() if form}
        is_by_month = not set(MONTHS).isdisjoint(chart.dimensions)
        params |= {"table_timestamp_format": "%b %Y" if is_by_month else "%Y-%m-%d", "show_cell_bars": False}
        if chart.columns:
            params["order_by_cols"] = [json.dumps(step) for step in _order(chart)]
        elif chart.order:
            ((params["timeseries_limit_metric"], is_ascending),) = _order(chart)
            params["order_desc"] = not is_ascending
    return {
        "slice_name": chart.name,
        "description": chart.about or None,
        "viz_type": chart.viz,
        "params": params,
        "query_context": json.dumps(_query_context(chart)),
        "dataset_uuid": uuid_of("dataset", chart.dataset),
        **_identity("chart", chart.name),
    }


def _where(condition: str) -> list[dict[str, str]]:
    return [{"clause": "WHERE", "expressionType": "SQL", "sqlExpression": condition}] if condition else []


def _order(chart: Chart) -> list[tuple[Any, bool]]:
    """What its rows are sorted by, and whether upwards. Sums can only be sorted by another."""
    return [
        (
            column if chart.columns else {"expressionType": "SQL", "sqlExpression": f"min({column})", "label": column},
            direction == "asc",
        )
        for column, direction in chart.order
    ]


def _query_context(chart: Chart) -> dict[str, Any]:
    """The query that Superset's programming interface runs for the chart, where no browser makes it."""
    columns: list[Any] = list(chart.dimensions)
    if chart.x in MONTHS:
        columns[0] = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "label": chart.x,
            "sqlExpression": chart.x,
            "timeGrain": "P1M",
        }
    ask: dict[str, Any] = {
        "columns": columns,
        "metrics": list(chart.metrics) or None,
        "extras": {"where": f"({chart.where})"} if chart.where else {},
        "filters": [],
        "orderby": _order(chart) or [(name, True) for name in chart.dimensions],
        "row_limit": ROW_LIMIT,
    }
    return {"datasource": {}, "queries": [ask], "result_format": "json", "result_type": "full"}


def _dashboard_file(dashboard: Dashboard, assets: Assets) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": dashboard.title}},
    }
    # The importer puts Superset's own numbers in the place of these.
    numbers: dict[str, int] = {}
    for row_number, (height, names) in enumerate(dashboard.rows, start=1):
        row = f"ROW-{row_number}"
        position["GRID_ID"]["children"].append(row)
        position[row] = {
            "type": "ROW",
            "id": row,
            "children": [f"CHART-{uuid_of('chart', name)}" for name in names],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for name in names:
            numbers[name] = len(numbers) + 1
            position[f"CHART-{uuid_of('chart', name)}"] = {
                "type": "CHART",
                "id": f"CHART-{uuid_of('chart', name)}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row],
                "meta": {
                    "chartId": numbers[name],
                    "uuid": uuid_of("chart", name),
                    "sliceName": name,
                    "width": assets.charts[name].width,
                    "height": height,
                },
            }
    position["GRID_ID"]["children"].append("ROW-about")
    position["ROW-about"] = {
        "type": "ROW",
        "id": "ROW-about",
        "children": ["MARKDOWN-about"],
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }
    abouts = [f"**{name}:** {assets.charts[name].about}" for name in numbers if assets.charts[name].about]
    position["MARKDOWN-about"] = {
        "type": "MARKDOWN",
        "id": "MARKDOWN-about",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID", "ROW-about"],
        "meta": {
            "width": WIDTH,
            "height": 8 + 6 * len(abouts),
            "code": "\n\n".join((f"### How to read it\n\n{dashboard.about}", *abouts)),
        },
    }
    filters = [
        {
            "id": f"NATIVE_FILTER-{uuid_of('filter', written['name'])}",
            "type": "NATIVE_FILTER",
            "filterType": "filter_select",
            "name": written["name"],
            "description": "",
            "targets": [{"datasetUuid": uuid_of("dataset", written["dataset"]), "column": {"name": written["column"]}}],
            "adhoc_filters": _where(written.get("where", "")),
            "controlValues": {"multiSelect": True, "enableEmptyFilter": False},
            "defaultDataMask": {"filterState": {}, "extraFormData": {}},
            "cascadeParentIds": [],
            "scope": {
                "rootPath": ["ROOT_ID"],
                "excluded": [
                    number for name, number in numbers.items() if assets.charts[name].dataset != written["dataset"]
                ],
            },
        }
        for written in dashboard.filters
    ]
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.about,
        "slug": dashboard.slug,
        "position": position,
        "metadata": {
            "native_filter_configuration": filters,
            "filter_bar_orientation": "HORIZONTAL",
            "cross_filters_enabled": False,
            "show_native_filters": bool(filters),
            "label_colors": COLOURS,
            "color_scheme": "supersetColors",
            "refresh_frequency": 0,
        },
        "published": True,
        **_identity("dashboard", dashboard.slug),
    }
