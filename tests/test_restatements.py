"""What a release told is told otherwise by the next only where `rpt_restatements` says so, and can be told again."""

from datetime import date

import duckdb
import pytest
import yaml

from publishing.release import Release, current_release
from tests.conftest import run_pipeline

pytestmark = pytest.mark.whole_run

HEADER = "id,customer,plan,price,currency,every,status,since,changed\n"
COLUMNS = {
    "subscription_id": "id", "customer_id": "customer", "plan": "plan", "unit_amount": "price", "currency": "currency",
    "interval": "every", "status": "status", "started_at": "since", "updated_at": "changed",
}  # fmt: skip
FIRST = """s1,ann,gold,100,EUR,month,active,2024-01-10,2024-01-10
s2,bo,iron,50,EUR,month,active,2024-02-01,2024-02-01
s3,cy,lead,70,EUR,month,active,2024-02-05,2024-02-05
s4,di,tin,30,EUR,month,active,2024-03-01,2024-03-01
"""
LATER = """s1,ann,gold,140,EUR,month,active,2024-01-10,2024-03-20
s3,cy,lead,80,EUR,month,active,2024-02-05,2024-02-05
s4,di,tin,45,EUR,month,active,2024-03-01,2024-06-02
"""
KEYS = {
    "rpt_mrr_months": ("month", "month", "dimension", "segment"),
    "rpt_nrr_monthly": ("month", "month", "window_months", "dimension", "segment"),
    "rpt_customer_retention_rate": ("month", "month", "window_months", "dimension", "segment"),
    "rpt_cohort_retention": ("cohort_month", "age_basis", "cohort_month", "age", "dimension", "segment"),
}
KNOWN_LATER = {"rpt_source_health", "rpt_restatements", "rpt_identity_quality"}
"""Tables that tell of loads and of the run itself."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Release]:
    """A first release of 31 May; one of 30 June with what came late; and 31 May again, as it was known then."""
    folder = tmp_path_factory.mktemp("restated")
    sources = folder / "sources.yml"
    sources.write_text(
        yaml.safe_dump({"sources": {"files": {"subscriptions": {"path": "subscriptions_*.csv", "columns": COLUMNS}}}})
    )
    releases = []

    def run(as_of: str, known_at: str = "") -> None:
        ended = run_pipeline(folder / "home", sources, as_of=as_of, known_at=known_at)
        assert ended.succeeded, ended.errors
        release = current_release(ended.home)
        assert release
        releases.append(release)

    (folder / "subscriptions_1.csv").write_text(HEADER + FIRST)
    run("2024-05-31")
    first_load = releases[0].manifest["last_load_id"]
    (folder / "subscriptions_2.csv").write_text(HEADER + LATER)
    run("2024-06-30")
    run("2024-05-31", f"{first_load[:4]}-{first_load[4:6]}-{first_load[6:11]}:{first_load[11:13]}:{first_load[13:15]}")
    return releases


def ask(release: Release, query: str) -> list[tuple[object, ...]]:
    """Not the current release: the last of the three is that."""
    with duckdb.connect(str(release.path / "tenure.duckdb"), read_only=True) as connection:
        return connection.sql(query).fetchall()


def test_exactly_the_cells_that_changed_are_listed(releases: list[Release]) -> None:
    before, release, _ = releases
    listed = {
        row[:-2]: row[-2:]
        for row in ask(
            release,
            "select table_name, figure, month, basis, span_months, dimension, segment, previous_value, value "
            "from marts.rpt_restatements",
        )
    }
    expected = {}
    with duckdb.connect() as connection:
        for table, (month, *key) in KEYS.items():
            old, new = (str(part.path / "parquet" / f"{table}.parquet") for part in (before, release))
            figures = [
                name
                for name, kind, *_ in connection.sql(f"describe from '{new}'").fetchall()
                if kind not in ("VARCHAR", "BOOLEAN", "DATE") and name not in key and "ci_" not in name
            ]
            columns = ", ".join(f"{side}.{name}::decimal(28, 8)" for name in figures for side in ("old", "new"))
            keys = " and ".join(f"old.{name} = new.{name}" for name in dict.fromkeys(key))
            rows = connection.sql(
                f"select {', '.join(f'old.{name}' for name in key)}, {columns} from '{old}' as old "
                f"join '{new}' as new on {keys} where old.is_complete"
            ).fetchall()
            for row in rows:
                values = dict(zip([month, *key], [None, *row], strict=False))
                for place, figure in enumerate(figures):
                    was, now = row[len(key) + 2 * place : len(key) + 2 * place + 2]
                    if was != now:
                        cell = (
                            table, figure, values[month], values.get("age_basis", "window" if "window_months" in key
                            else "month"), values.get("window_months", values.get("age", 0)),
                            values["dimension"], values["segment"],
                        )  # fmt: skip
                        expected[cell] = (was, now)
    said = {cell: change for cell, change in expected.items() if cell[1] in {name[1] for name in listed}}
    assert listed == said
    # Nobody came or went: how many customers stayed is told as before.
    assert {cell[0] for cell in listed} == set(KEYS) - {"rpt_customer_retention_rate"}
    unlisted = {cell[1] for cell in expected} - {cell[1] for cell in listed}
    assert unlisted <= {"arr_amount", "logo_churn_rate"}, "another way to write a figure that is listed"


def test_each_has_its_cause_and_nobody_else_is_told_otherwise(releases: list[Release]) -> None:
    _, release, _ = releases
    plans = "select distinct segment, cause from marts.rpt_restatements where dimension = 'plan' order by all"
    assert ask(release, plans) == [("gold", "late_data"), ("lead", "correction")]
    closing = """from marts.rpt_restatements
        where table_name = 'rpt_mrr_months' and figure = 'closing_amount' and dimension = 'all'"""
    assert ask(release, f"select month, previous_value, value, cause {closing} order by month") == [
        (date(2024, 2, 1), 220, 230, "correction"),
        (date(2024, 3, 1), 250, 300, "correction, late_data"),
        (date(2024, 4, 1), 250, 300, "correction, late_data"),
        (date(2024, 5, 1), 250, 300, "correction, late_data"),
    ]


def test_a_day_as_it_was_known_then_is_told_again(releases: list[Release]) -> None:
    before, _, again = releases
    told, retold = (
        {name: figures["content_hash"] for name, figures in release.manifest["tables"].items()}
        for release in (before, again)
    )
    assert {name for name in told if told[name] != retold[name]} <= KNOWN_LATER
    assert again.manifest["last_load_id"] == before.manifest["last_load_id"]
