"""What a release told is told otherwise by the next only where `rpt_restatements` says so, and can be told again."""

from datetime import date, datetime

import duckdb
import pytest
import yaml

from ingestion.home import Home, connect_warehouse
from ingestion.tables import set_as_of
from orchestration.dbt_project import dbt_manifest
from publishing.release import Release, current_release, lend_last_release
from tests.conftest import run_pipeline
from tests.marts import ask as ask_warehouse
from tests.marts import build, contents

pytestmark = pytest.mark.whole_run

HEADER = "id,customer,plan,price,currency,every,status,since,changed,until\n"
COLUMNS = {
    "subscription_id": "id", "customer_id": "customer", "plan": "plan", "unit_amount": "price", "currency": "currency",
    "interval": "every", "status": "status", "started_at": "since", "updated_at": "changed",
    "current_period_ends_at": "until",
}  # fmt: skip
# The last one's year ends in April and is begun anew in June, late.
FIRST = """s1,ann,gold,100,EUR,month,active,2024-01-10,2024-01-10,
s2,bo,iron,50,EUR,month,active,2024-02-01,2024-02-01,
s3,cy,lead,70,EUR,month,active,2024-02-05,2024-02-05,
s4,di,tin,30,EUR,month,active,2024-03-01,2024-03-01,
s5,ed,zinc,1200,EUR,year,active,2023-04-10,2023-04-10,2024-04-10
s5,ed,zinc,1200,EUR,year,canceled,2023-04-10,2024-04-10,2024-04-10
"""
LATER = """s1,ann,gold,140,EUR,month,active,2024-01-10,2024-03-20,
s3,cy,lead,80,EUR,month,active,2024-02-05,2024-02-05,
s4,di,tin,45,EUR,month,active,2024-03-01,2024-06-02,
s6,ed,zinc,1200,EUR,year,active,2024-06-15,2024-06-15,2025-06-15
"""
BILLED = "invoice_id,customer_id,amount,currency,issued_at\n"
BILL_COLUMNS = {name: name for name in BILLED.strip().split(",")}
FIRST_BILLS = "A,bo,50,EUR,2024-04-05\nB,bo,50,EUR,2024-05-30\n"
LATER_BILLS = "C,bo,30,EUR,2024-04-06\nD,bo,50,EUR,2024-06-28\n"
CELLS = {
    "rpt_mrr_months": ("month", "dimension", "segment", "'month'", "0"),
    "rpt_nrr_monthly": ("month", "dimension", "segment", "'window'", "window_months"),
    "rpt_customer_retention_rate": ("month", "dimension", "segment", "'window'", "window_months"),
    "rpt_cohort_retention": ("cohort_month", "dimension", "segment", "age_basis", "age"),
    "rpt_renewal_rates": ("due_month", "dimension", "segment", "'window'", "window_months"),
    "rpt_billing_reconciliation": ("month", "'currency'", "currency", "reason", "0"),
    "rpt_definition_reconciliation": ("month", "'all'", "'all'", "policy", "0"),
}
"""What tells a table's cells apart, as `rpt_restatements` names it: month, dimension, segment, basis and span."""
KNOWN_LATER = {"rpt_source_health", "rpt_restatements", "rpt_identity_quality"}
"""Tables that tell of loads and of the run itself."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Release]:
    """A first release of 31 May; and one of 30 June with what came late."""
    folder = tmp_path_factory.mktemp("restated")
    sources = folder / "sources.yml"
    sources.write_text(
        yaml.safe_dump(
            {
                "sources": {
                    "files": {
                        "subscriptions": {"path": "subscriptions_*.csv", "columns": COLUMNS},
                        "invoices": {"path": "invoices_*.csv", "columns": BILL_COLUMNS},
                    }
                }
            }
        )
    )
    releases = []

    def run(as_of: str) -> None:
        ended = run_pipeline(folder / "home", sources, as_of=as_of)
        assert ended.succeeded, ended.errors
        release = current_release(ended.home)
        assert release
        releases.append(release)

    (folder / "subscriptions_1.csv").write_text(HEADER + FIRST)
    (folder / "invoices_1.csv").write_text(BILLED + FIRST_BILLS)
    run("2024-05-31")
    (folder / "subscriptions_2.csv").write_text(HEADER + LATER)
    (folder / "invoices_2.csv").write_text(BILLED + LATER_BILLS)
    run("2024-06-30")
    return releases


def ask(release: Release, query: str) -> list[tuple[object, ...]]:
    """Either release, the current one or not."""
    with duckdb.connect(str(release.path / "tenure.duckdb"), read_only=True) as connection:
        return connection.sql(query).fetchall()


def test_exactly_the_cells_that_changed_are_listed(releases: list[Release]) -> None:
    before, release = releases
    listed = {
        row[:-2]: row[-2:]
        for row in ask(
            release,
            "select table_name, figure, month, dimension, segment, basis, span_months, previous_value, value "
            "from marts.rpt_restatements",
        )
    }
    expected = {}
    with duckdb.connect() as connection:
        for table, key in CELLS.items():
            old, new = (str(part.path / "parquet" / f"{table}.parquet") for part in (before, release))
            columns = {name: kind for name, kind, *_ in connection.sql(f"describe from '{new}'").fetchall()}
            figures = [
                name
                for name, kind in columns.items()
                if kind not in ("VARCHAR", "BOOLEAN", "DATE")
                and name not in (*key, "metric_version")
                and "ci_" not in name
            ]
            was, now = (
                f"select {', '.join(f'{part} as key_{number}' for number, part in enumerate(key))}, "
                f"{', '.join(f'{name}::decimal(28, 8) as {name}' for name in figures)}, "
                f"{'is_complete' if 'is_complete' in columns else 'true'} as is_over from '{file}'"
                for file in (old, new)
            )
            keys = [f"key_{number}" for number in range(len(key))]
            values = ", ".join(f"old.{name}, new.{name}" for name in figures)
            rows = connection.sql(
                f"select {', '.join(keys)}, {values} from ({was}) as old join ({now}) as new using ({', '.join(keys)}) "
                "where old.is_over"
            ).fetchall()
            for row in rows:
                cell, changes = row[: len(key)], row[len(key) :]
                for figure, *change in zip(figures, changes[::2], changes[1::2], strict=True):
                    if change[0] != change[1]:
                        expected[table, figure, *cell] = tuple(change)
    assert listed == expected
    assert {cell[0] for cell in listed} == set(CELLS), "each table has a cell that changed"


def test_each_has_its_cause_and_nobody_else_is_told_otherwise(releases: list[Release]) -> None:
    _, release = releases
    plans = "select distinct segment, cause from marts.rpt_restatements where dimension = 'plan' order by all"
    assert ask(release, plans) == [("gold", "late_data"), ("lead", "correction"), ("zinc", "late_renewal")]
    closing = """from marts.rpt_restatements
        where table_name = 'rpt_mrr_months' and figure = 'closing_amount' and dimension = 'all'"""
    assert ask(release, f"select month, previous_value, value, cause {closing} order by month") == [
        (date(2024, 2, 1), 320, 330, "correction"),
        (date(2024, 3, 1), 350, 400, "correction, late_data"),
        (date(2024, 4, 1), 250, 300, "correction, late_data"),
        (date(2024, 5, 1), 250, 300, "correction, late_data"),
    ]


def test_what_comes_late_is_told_of_renewals_and_invoices(releases: list[Release]) -> None:
    _, release = releases
    changed = "select distinct month, cause from marts.rpt_restatements where"
    lost = f"{changed} table_name = 'rpt_renewal_rates' and figure = 'lost_count' and segment = 'zinc'"
    assert ask(release, f"{lost} and span_months = 1") == [(date(2024, 4, 1), "late_renewal")]
    invoiced = f"{changed} table_name = 'rpt_billing_reconciliation' and figure = 'invoiced_amount'"
    assert ask(release, invoiced) == [(date(2024, 4, 1), "correction, invoices, late_data")]


def test_a_day_as_it_was_known_then_is_told_again(releases: list[Release]) -> None:
    """By the marts, from which a run publishes: this comes last, for it leaves the warehouse as of that day."""
    before, _ = releases
    first_load = before.manifest["last_load_id"]
    home = Home(before.path.parents[2])
    with connect_warehouse(home) as warehouse:
        set_as_of(warehouse, date(2024, 5, 31), datetime.strptime(first_load[:15], "%Y%m%dT%H%M%S"))  # noqa: DTZ007
    lend_last_release(home, dbt_manifest(), until=date(2024, 5, 31))
    build(home)
    told, retold = contents(before.path / "tenure.duckdb"), contents(home.warehouse)
    del told["release_info"]
    assert {name for name in told if told[name] != retold[name]} <= KNOWN_LATER
    assert ask_warehouse(home, "select last_load_id from intermediate.int_run__context") == [(first_load,)]


@pytest.mark.wide
def test_a_run_that_knows_no_more_than_then_tells_it_again(releases: list[Release]) -> None:
    before, _ = releases
    home, first_load = Home(before.path.parents[2]), before.manifest["last_load_id"]
    known_at = f"{first_load[:4]}-{first_load[4:6]}-{first_load[6:11]}:{first_load[11:13]}:{first_load[13:15]}"
    ended = run_pipeline(home.root, home.root.parent / "sources.yml", as_of="2024-05-31", known_at=known_at)
    assert ended.succeeded, ended.errors
    again = current_release(home)
    assert again
    told, retold = (
        {name: figures["content_hash"] for name, figures in release.manifest["tables"].items()}
        for release in (before, again)
    )
    assert {name for name in told if told[name] != retold[name]} <= KNOWN_LATER
    assert again.manifest["last_load_id"] == first_load
