"""Laws of the dbt project, read from its manifest, and its unit tests."""

import json
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.impl import DuckDBAdapter

from expectations.suites import SUITES
from ingestion.contracts import read_contracts
from ingestion.home import connect_warehouse as connect
from ingestion.home import open_home
from ingestion.tables import prepare_warehouse
from tests.marts import PROJECT, invoke_dbt


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run dbt in this process against a warehouse whose relations are all there, and empty."""
    home = open_home(tmp_path_factory.mktemp("dbt"))
    with connect(home) as warehouse:
        prepare_warehouse(warehouse, read_contracts(PROJECT))
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("DBT_ENV_SECRET_WAREHOUSE", str(home.warehouse))
    monkeypatch.setenv("DBT_ENV_SECRET_TEMP", str(home.temp))
    _lighten_unit_tests(monkeypatch)
    # To write the project's graph anew, as a run does, takes longer than most of what is tested here.
    invoke = partial(invoke_dbt, home, "--no-write-json")
    assert invoke("seed").success
    assert invoke("run", "--empty").success
    yield invoke
    monkeypatch.undo()


def _lighten_unit_tests(patch: pytest.MonkeyPatch) -> None:
    """dbt asks for a table's columns for each test that reads it, and reads all of a query to put its inputs before it:
    of the three hundred unit tests that is a third of the time. Here no table changes its columns."""
    ask = DuckDBAdapter.get_columns_in_relation
    known: dict[str, Any] = {}

    def ask_once(self: DuckDBAdapter, relation: Any) -> Any:
        if (name := str(relation)) not in known:
            known[name] = ask(self, relation)
        return known[name]

    patch.setattr(DuckDBAdapter, "get_columns_in_relation", ask_once)
    patch.setattr("sqlparse.engine.grouping.group", lambda statement: statement)


@pytest.fixture(scope="module")
def manifest(dbt: Any) -> dict[str, Any]:
    return dbt("parse").result.to_dict()


def _models(manifest: dict[str, Any], schema: str | None = None) -> list[dict[str, Any]]:
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return [node for node in nodes if schema is None or node["schema"] == schema]


def _tests_of(manifest: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        test
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test" and test.get("attached_node") == node["unique_id"]
    ]


def test_unit_tests_pass(dbt: Any) -> None:
    result = dbt("test", "--select", "test_type:unit").result
    told = [outcome for outcome in result if outcome.node.resource_type == "unit_test"]
    assert told
    assert not {outcome.node.name: outcome.message for outcome in told if outcome.status != "pass"}
    assert len(result) >= 16


def test_every_model_that_decides_has_a_unit_test(manifest: dict[str, Any]) -> None:
    """A staging model that only renames what is known needs none; what a Python model calls is tested without dbt."""
    words = r"\b(case|coalesce|if|nullif|where|qualify|union|join|group\s+by|over)\b"
    macros = r"\{\{\s*(?!known_rows|known_versions|source|ref)\w+\("
    decides = re.compile(f"{words}|{macros}", re.IGNORECASE)
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    for model in _models(manifest):
        if model["language"] == "python":
            continue
        code = re.sub(r"--.*", "", model["raw_code"])
        if model["schema"] != "staging" or decides.search(code):
            assert model["name"] in tested, model["name"]


def test_unit_and_singular_tests_are_named_for_what_they_claim(manifest: dict[str, Any]) -> None:
    for test in manifest["unit_tests"].values():
        assert test["name"].startswith(f"{test['model']}__"), test["name"]
    for path in (PROJECT / "tests").glob("*.sql"):
        assert path.name.startswith("assert_")


def test_every_table_has_a_grain_test(manifest: dict[str, Any]) -> None:
    one_row = {"int_run__context"}
    for model in _models(manifest):
        if model["config"]["materialized"] == "view" or model["name"] in one_row:
            continue
        kinds = {test["test_metadata"]["name"] for test in _tests_of(manifest, model) if test.get("test_metadata")}
        assert kinds & {"unique", "unique_combination"}, model["name"]


def test_every_foreign_key_has_a_relationships_test(manifest: dict[str, Any]) -> None:
    dimensions = {"customer_id": "dim_customers", "person_id": "dim_people"}
    for model in _models(manifest, "marts"):
        for key, dimension in dimensions.items():
            if key not in model["columns"] or model["name"] == dimension:
                continue
            checked = [
                test["test_metadata"]["kwargs"]["to"]
                for test in _tests_of(manifest, model)
                if test["test_metadata"]["name"] == "relationships" and test["column_name"] == key
            ]
            assert checked == [f"ref('{dimension}')"], (model["name"], key)


def test_every_mart_is_a_table_with_an_enforced_contract_and_a_suite(manifest: dict[str, Any]) -> None:
    marts = _models(manifest, "marts")
    for model in marts:
        assert model["config"]["materialized"] in ("table", "incremental"), model["name"]
        assert model["config"]["contract"]["enforced"], model["name"]
    assert {model["name"] for model in marts} == set(SUITES)


def test_everything_is_described(manifest: dict[str, Any]) -> None:
    nodes = [*_models(manifest), *manifest["sources"].values()]
    nodes += [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    for node in nodes:
        assert node["description"], node["name"]
        for name, column in node["columns"].items():
            assert column["description"], (node["name"], name)
    for model in _models(manifest):
        assert model["columns"], model["name"]
        assert model["description"].startswith(("One row per", "One row:")), model["name"]


def test_rates_of_revenue_say_which_policy_and_definition_they_follow(manifest: dict[str, Any]) -> None:
    for model in _models(manifest, "marts"):
        name = model["name"]
        if (
            name.startswith("rpt_")
            and model["fqn"][2] == "revenue"
            and name not in ("rpt_benchmarks", "rpt_restatements")
        ):
            assert {"policy", "policy_version", "metric_version"} <= model["columns"].keys(), name


def test_personal_columns_of_marts_are_marked(manifest: dict[str, Any]) -> None:
    personal = {
        "customer_name", "email", "source_customer_id", "source_record_id", "owner_name", "owner_email",
        "winning_value", "winning_source_record_id",
        "losing_value", "losing_source_record_id", "full_name", "first_name", "last_name", "phone", "job_title",
        "birth_date", "address", "authority_number", "record_id", "record_id_l", "record_id_r", "id_value", "raw_value",
        "override_row",
    }  # fmt: skip
    for model in _models(manifest, "marts"):
        for name, column in model["columns"].items():
            assert (column["config"]["meta"].get("data_class") == "personal") == (name in personal), (
                model["name"],
                name,
            )


def test_layers_only_look_up(manifest: dict[str, Any]) -> None:
    """Staging reads sources, intermediate staging, intermediate and seeds, marts intermediate, marts and seeds.

    What is beside what the last release said may be a mart.
    """
    allowed = {"stg": {"source"}, "int": {"seed", "stg", "int"}, "mart": {"seed", "stg", "int", "mart"}}
    for model in _models(manifest):
        parents = model["depends_on"]["nodes"]
        layer = "mart" if any("__last_" in parent for parent in parents) else _layer(model["name"])
        for parent in parents:
            resource = parent.split(".")[0]
            kind = resource if resource in ("source", "seed") else _layer(parent.split(".")[-1])
            assert kind in allowed[layer], f"{model['name']} reads {parent}"


def test_labels_measure_identity_and_nothing_else_reads_them(manifest: dict[str, Any]) -> None:
    """What is told by labels would be no measure any more if identity, or anything else, knew of them."""
    measures = {
        "stg_files__identity_labels",
        "int_customers__labelled_records",
        "int_customers__label_quality",
        "rpt_identity_quality",
    }
    reached = {"source.tenure.files.identity_labels"}
    while (
        more := {model["unique_id"] for model in _models(manifest) if reached & set(model["depends_on"]["nodes"])}
        - reached
    ):
        reached |= more
    assert {name.split(".")[-1] for name in reached} - {"identity_labels"} == measures


def _layer(name: str) -> str:
    prefix = name.split("_")[0]
    return prefix if prefix in ("stg", "int") else "mart"


def test_no_yaml_key_is_misspelt() -> None:
    """dbt takes an unknown key of a column or model in silence, and the test it stood for never runs."""
    known = {
        "models": {"name", "description", "columns", "data_tests", "config"},
        "columns": {"name", "data_type", "description", "constraints", "config", "data_tests"},
    }
    import yaml

    for path in (PROJECT / "models").rglob("*.yml"):
        content = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        assert set(content) <= {"version", "models", "sources", "unit_tests"}, path
        for model in content.get("models", []):
            assert set(model) <= known["models"], path
            for column in model["columns"]:
                assert set(column) <= known["columns"], (path, column["name"])


def test_no_model_asks_the_clock(manifest: dict[str, Any]) -> None:
    clock = re.compile(r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|get_current)", re.IGNORECASE)
    for model in _models(manifest):
        assert not clock.search(model["raw_code"]), model["name"]


def test_schemas_are_the_ones_promised(manifest: dict[str, Any]) -> None:
    assert {model["schema"] for model in _models(manifest)} == {"staging", "intermediate", "marts", "state"}


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ("customer,status,zendesk,1", "the same rank as another source of this group"),
        ("customer,status,stripe,9", "its source twice in this group"),
        ("customer,colour,stripe,1", "an unknown field group"),
        ("customer,status,hubspott,9", "an unknown source"),
        ("customer,status,zendesk,first", "no rank"),
        ("customer,status,zendesk,7.5", "no rank"),
        ("person,status,zendesk,9", "an unknown entity"),
    ],
)
def test_a_wrong_authority_stops_the_build_and_is_named(authority: str, row: str, mistake: str) -> None:
    values = ", ".join(f"'{value}'" for value in row.split(","))
    with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
        warehouse.execute("begin")
        warehouse.execute(f"insert into config.source_authority values ({values})")
        with pytest.raises(duckdb.Error, match=re.escape(f'source_authority.csv: the row "{row}" has {mistake}')):
            warehouse.execute(authority).fetchall()
        warehouse.execute("rollback")


@pytest.fixture(scope="module")
def authority(dbt: Any) -> Iterator[str]:
    """The query that checks the authority, in a warehouse that knows all sources."""
    known = ("hubspot", "salesforce", "files", "stripe", "zendesk", "shopify", "smile", "segment")
    sources = ", ".join(f"('{source}')" for source in known)
    with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
        warehouse.execute(f"insert into ingestion.tables (source) values {sources}")
    outcome = dbt("run", "--select", "stg_ingestion__tables", "int_customers__source_authority")
    assert outcome.success
    [compiled] = [
        made.node.compiled_code for made in outcome.result if made.node.name == "int_customers__source_authority"
    ]
    yield compiled
    with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
        warehouse.execute("delete from ingestion.tables")


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ("r,person,emial,,strong,0.9", "an unknown identifier, emial; identity_identifiers.csv lists them by entity."),
        ("r,company,birth_date,,strong,0.9", "an unknown identifier, birth_date"),
        ("r,person,phone+name+address,,strong,0.9", "more than two identifiers"),
        ("r,human,phone,,strong,0.9", "an unknown entity; there are person and company."),
        ("r,person,phone,name+nmae,strong,0.9", "an unknown word in unless_differs, nmae; there are name, birth_date,"),
        ("r,person,phone,,sure,0.9", "an unknown tier"),
        ("r,person,phone,,strong,high", "no confidence"),
        ("person phone,person,phone,,weak,0.9", "the name of another rule"),
    ],
)
def test_a_wrong_rule_of_identity_stops_the_build_and_is_named(
    dbt: Any, tmp_path: Path, row: str, mistake: str
) -> None:
    values = [value or None for value in row.split(",")]
    with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
        warehouse.execute("insert into config.identity_rules values (?, ?, ?, ?, ?, ?, 'of this test')", values)
    try:
        outcome = dbt("run", "--select", "int_customers__identity_rules")
    finally:
        with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
            warehouse.execute("delete from config.identity_rules where description = 'of this test'")
    assert not outcome.success
    (line,) = _told(tmp_path, outcome)
    assert re.match(r'- identity_rules\.csv: the row ".*" has ', line)
    assert mistake in line


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("sme,person,a,b", "identity_overrides.csv, row 1: its decision is sme; write same or different."),
        ("same,human,a,b", "identity_overrides.csv, row 1: its entity is human; write company or person."),
        ("same,company,s/customer/a,s/customer/b", "identity_overrides.csv, row 1: there is no company record s/"),
    ],
)
def test_a_wrong_override_stops_the_build_and_is_named(dbt: Any, tmp_path: Path, row: str, sentence: str) -> None:
    with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
        warehouse.execute("insert into config.identity_overrides values (?, ?, ?, ?, 'r', 'd', null)", row.split(","))
    try:
        outcome = dbt("run", "--select", "int_customers__company_edges")
    finally:
        with duckdb.connect(os.environ["DBT_ENV_SECRET_WAREHOUSE"]) as warehouse:
            warehouse.execute("delete from config.identity_overrides")
    assert not outcome.success
    (line,) = _told(tmp_path, outcome)
    assert line.startswith(f"- {sentence}")


def _told(tmp_path: Path, outcome: Any) -> list[str]:
    """The lines about what failed that a run prints."""
    from orchestration.transform import _failure

    home = open_home(tmp_path)
    results = [
        {"unique_id": r.node.unique_id, "status": str(r.status), "message": r.message, "failures": None}
        for r in outcome.result
    ]
    home.dbt_results.parent.mkdir(parents=True, exist_ok=True)
    home.dbt_results.write_text(json.dumps({"results": results}))
    return _failure(home).splitlines()[1:]


def test_an_unknown_threshold_is_named(tmp_path: Path) -> None:
    from datetime import date

    from expectations.evidence import Evidence

    evidence = Evidence(date(2024, 1, 1), {}, {}, [], [], [], None)
    with pytest.raises(KeyError, match=re.escape("gate_thresholds.csv lacks the row 'max_row_loss_rate'")):
        evidence.threshold("max_row_loss_rate")
