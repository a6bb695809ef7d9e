"""What a release told is told otherwise by the next only where `rpt_restatements` says so, and can be told again."""

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
import yaml

from ingestion.home import Home, connect_warehouse, open_home
from ingestion.tables import set_as_of
from orchestration.dbt_project import dbt_manifest
from publishing.release import Release, current_release, lend_last_release
from tests.conftest import run_pipeline
from tests.marts import ask as ask_warehouse
from tests.marts import build, contents, published

pytestmark = pytest.mark.whole_run

HEADER = "id,customer,plan,price,currency,every,status,since,changed,until\n"
COLUMNS = {
    "subscription_id": "id", "customer_id": "customer", "plan": "plan", "unit_amount": "price", "currency": "currency",
    "interval": "every", "status": "status", "started_at": "since", "updated_at": "changed",
    "current_period_ends_at": "until",
}  # fmt: skip
# ed's year ends in April and is begun anew in June, late; jo asked to leave, or so it seems.
FIRST = """s1,ann,gold,100,EUR,month,active,2024-01-10,2024-01-10,
s2,bo,iron,50,EUR,month,active,2024-02-01,2024-02-01,
s3,cy,lead,70,EUR,month,active,2024-02-05,2024-02-05,
s4,di,tin,30,EUR,month,active,2024-03-01,2024-03-01,
s5,ed,zinc,1200,EUR,year,active,2023-04-10,2023-04-10,2024-04-10
s5,ed,zinc,1200,EUR,year,canceled,2023-04-10,2024-04-10,2024-04-10
s7,fay,ore,480,EUR,year,active,2024-02-01,2024-02-01,2025-02-01
s8,gil,fir,20,GBP,month,active,2024-01-15,2024-01-15,
s9,hal,ash,90,EUR,month,active,2024-01-20,2024-01-20,
s10,ike,elm,25,EUR,month,active,2024-02-20,2024-02-20,
s11,jo,oak,35,EUR,month,active,2024-01-05,2024-01-05,
s11,jo,oak,35,EUR,month,canceled,2024-01-05,2024-04-15,
"""
# gil has paid in euros, too; jo's payments had failed for 21 days.
LATER = """s1,ann,gold,140,EUR,month,active,2024-01-10,2024-03-20,
s3,cy,lead,80,EUR,month,active,2024-02-05,2024-02-05,
s4,di,tin,45,EUR,month,active,2024-03-01,2024-06-02,
s6,ed,zinc,1200,EUR,year,active,2024-06-15,2024-06-15,2025-06-15
s12,gil,fir,60,EUR,month,active,2024-03-05,2024-03-05,
s11,jo,oak,35,EUR,month,past_due,2024-01-05,2024-03-25,
s11,jo,oak,35,EUR,month,past_due,2024-01-05,2024-04-15,
"""
BILLED = "invoice_id,customer_id,subscription_id,amount,currency,issued_at\n"
BILL_COLUMNS = {name: name for name in BILLED.strip().split(",")}
FIRST_BILLS = "A,bo,,50,EUR,2024-04-05\nB,bo,,50,EUR,2024-05-30\n"
# E pays for fay's year, F for a month of gil's.
LATER_BILLS = (
    "C,bo,,30,EUR,2024-04-06\nD,bo,,50,EUR,2024-06-28\nE,fay,s7,480,EUR,2024-02-01\nF,gil,s8,20,GBP,2024-02-15\n"
)
KNOWN = "customer_id,customer_name,tax_id\n"
KNOWN_COLUMNS = {name: name for name in KNOWN.strip().split(",")}
# One company under two numbers.
FIRST_KNOWN = "hal,Hal GmbH,\nike,Hal GmbH & Co. KG,DE811569869\n"
LATER_KNOWN = "hal,Hal GmbH,DE811569869\n"
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
SHARES = {
    "rpt_nrr_monthly": ("kept_customer_count", "start_customer_count", "logo_ci"),
    "rpt_customer_retention_rate": ("kept_customer_count", "start_customer_count", "ci"),
    "rpt_cohort_retention": ("active_customer_count", "cohort_size", "ci"),
    "rpt_renewal_rates": ("renewed_customer_count", "due_customer_count", "logo_ci"),
    "rpt_failed_payments": ("recovered_invoice_count", "failed_invoice_count", "ci"),
}
"""Of which two counts the bounds of a share follow, that are not listed."""
KNOWN_LATER = {"rpt_source_health", "rpt_identity_quality"}
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
                        "customers": {"path": "customers_*.csv", "columns": KNOWN_COLUMNS},
                    }
                }
            }
        )
    )
    home = open_home(folder / "home")
    (folder / "subscriptions_1.csv").write_text(HEADER + FIRST)
    (folder / "invoices_1.csv").write_text(BILLED + FIRST_BILLS)
    (folder / "customers_1.csv").write_text(KNOWN + FIRST_KNOWN)
    first = published(home, sources, date(2024, 5, 31))
    (folder / "subscriptions_2.csv").write_text(HEADER + LATER)
    (folder / "invoices_2.csv").write_text(BILLED + LATER_BILLS)
    (folder / "customers_2.csv").write_text(KNOWN + LATER_KNOWN)
    return [first, published(home, sources, date(2024, 6, 30))]


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
                and name not in [f"{SHARES[table][-1]}_{side}" for side in ("low", "high") if table in SHARES]
            ]
            age = "age + (age_basis = 'rolling')::integer" if "age" in columns else "0"
            past = f"{key[0]} + to_months(({age} + 1)::integer) <= date '2024-06-01'"
            was, now = (
                f"select {', '.join(f'{part} as key_{number}' for number, part in enumerate(key))}, "
                f"{', '.join(f'{name}::decimal(28, 8) as {name}' for name in figures)}, "
                f"{over} as is_over from '{file}'"
                for file, over in ((old, "is_complete" if "is_complete" in columns else "true"), (new, past))
            )
            keys = [f"key_{number}" for number in range(len(key))]
            values = ", ".join(f"old.{name}, new.{name}" for name in figures)
            rows = connection.sql(
                f"select {', '.join(keys)}, {values} from ({was}) as old full join ({now}) as new "
                f"using ({', '.join(keys)}) where coalesce(old.is_over, new.is_over)"
            ).fetchall()
            for row in rows:
                cell, changes = row[: len(key)], row[len(key) :]
                for figure, *change in zip(figures, changes[::2], changes[1::2], strict=True):
                    if change[0] != change[1]:
                        expected[table, figure, *cell] = tuple(change)
    assert listed == expected
    assert {cell[0] for cell in listed} == set(CELLS), "each table has a cell that changed"


def test_bounds_of_shares_are_others_only_where_listed_counts_are(releases: list[Release]) -> None:
    before, release = releases
    with duckdb.connect() as connection:
        for table, (part, whole, name) in SHARES.items():
            files = (f"from '{run.path / 'parquet' / f'{table}.parquet'}'" for run in (before, release))
            bounds = " union all ".join(f"select {part}, {whole}, {name}_low, {name}_high {file}" for file in files)
            rows = f"select {part} from ({bounds}) group by {part}, {whole}"
            many = f"{rows} having count(distinct {name}_low) > 1 or count(distinct {name}_high) > 1"
            assert connection.sql(many).fetchall() == [], table


def test_each_has_its_cause_and_nobody_else_is_told_otherwise(releases: list[Release]) -> None:
    _, release = releases
    plans = "select distinct segment, cause from marts.rpt_restatements where dimension = 'plan' order by all"
    assert ask(release, plans) == [
        ("ash", "identity"),
        ("elm", "identity"),
        ("fir", "late_data"),
        ("gold", "late_data"),
        ("lead", "correction"),
        ("oak", "correction, late_data"),
        ("zinc", "late_renewal"),
    ]
    assert ask(release, "select * from marts.rpt_restatements where contains(cause, 'unknown')") == []
    closing = """from marts.rpt_restatements
        where table_name = 'rpt_mrr_months' and figure = 'closing_amount' and dimension = 'all'"""
    assert ask(release, f"select month, previous_value, value, cause {closing} order by month") == [
        (date(2024, 2, 1), Decimal("533.2"), Decimal("543.2"), "correction"),
        (date(2024, 3, 1), Decimal("563.2"), Decimal("673.2"), "correction, late_data"),
        (date(2024, 4, 1), Decimal("428.2"), Decimal("538.2"), "correction, late_data"),
        (date(2024, 5, 1), Decimal("428.2"), Decimal("538.2"), "correction, late_data"),
    ]


def test_a_reason_told_otherwise_moves_its_amounts_alone(releases: list[Release]) -> None:
    _, release = releases
    oak = "select distinct table_name, month, figure from marts.rpt_restatements where segment = 'oak' order by all"
    figures = ("involuntary_churn_amount", "involuntary_churn_rate")
    assert ask(release, oak) == [
        *(("rpt_mrr_months", date(2024, 4, 1), figure) for figure in figures),
        # A window is still open a month later.
        *(("rpt_nrr_monthly", date(2024, month, 1), figure) for month in (4, 5) for figure in figures),
    ]


def test_a_second_currency_is_told_of_in_both(releases: list[Release]) -> None:
    """gil's group was the pound, and is the euro now; what gil pays in euros since March is told of in euros."""
    _, release = releases
    changed = "select distinct segment, month::varchar, cause from marts.rpt_restatements where dimension = 'currency'"
    grouped = f"{changed} and table_name = 'rpt_mrr_months' and figure = 'closing_amount' order by all"
    assert ask(release, grouped) == [
        ("EUR", "2024-01-01", "regrouping"),
        ("EUR", "2024-02-01", "correction, regrouping"),
        *(("EUR", f"2024-0{month}-01", "correction, late_data, regrouping") for month in (3, 4, 5)),
        *(("GBP", f"2024-0{month}-01", "regrouping") for month in (1, 2, 3, 4, 5)),
    ]
    told = f"{changed} and figure = 'mrr_amount' and basis = 'unexplained' and segment = 'EUR' order by all"
    assert ask(release, told) == [
        ("EUR", "2024-02-01", "correction"),
        *(("EUR", f"2024-0{month}-01", "correction, late_data") for month in (3, 4, 5)),
    ]


def test_a_merger_is_the_cause_where_customers_are_counted_or_in_another_group(releases: list[Release]) -> None:
    """hal and ike are one: in all groups together one customer less, who pays what both did.

    Intervals are the wider, the fewer they are; those of losses and gains begin at nothing here.
    """
    _, release = releases
    moved = "select distinct figure from marts.rpt_restatements where contains(cause, 'identity') and dimension = 'all'"
    assert ask(
        release, f"{moved} and table_name not like '%retention%' and table_name <> 'rpt_nrr_monthly' order by all"
    ) == [
        ("arpa_amount",),
        ("arpa_ci_high_amount",),
        ("arpa_ci_low_amount",),
        ("closing_customer_count",),
        ("expansion_ci_high",),
        ("expansion_ci_low",),
        ("gross_mrr_churn_ci_high",),
        ("involuntary_churn_ci_high",),
        ("involuntary_churn_ci_low",),
        ("net_mrr_churn_ci_high",),
        ("net_mrr_churn_ci_low",),
        ("opening_customer_count",),
    ]


def test_what_comes_late_is_told_of_renewals_and_invoices(releases: list[Release]) -> None:
    _, release = releases
    changed = "select distinct month, cause from marts.rpt_restatements where"
    lost = f"{changed} table_name = 'rpt_renewal_rates' and figure = 'lost_count' and segment = 'zinc'"
    assert ask(release, f"{lost} and span_months = 1") == [(date(2024, 4, 1), "late_renewal")]
    invoiced = f"{changed} figure = 'invoiced_amount' and segment = 'EUR' and basis = 'unexplained' order by month"
    assert ask(release, invoiced) == [(date(2024, 2, 1), "invoices"), (date(2024, 4, 1), "invoices")]
    reached = f"{changed} table_name = 'rpt_billing_reconciliation' and figure = 'amount' and basis = 'prepayment'"
    assert ask(release, f"{reached} order by month") == [(date(2024, month, 1), "invoices") for month in (2, 3, 4, 5)]
    pounds = f"{changed} table_name = 'rpt_billing_reconciliation' and segment = 'GBP' order by month"
    assert ask(release, pounds) == [(date(2024, month, 1), "invoices") for month in (1, 2, 3, 4, 5)]


def test_a_day_as_it_was_known_then_is_told_again(releases: list[Release]) -> None:
    """By the marts, from which a run publishes: this comes last, for it leaves the warehouse as of that day."""
    before, _ = releases
    first_load = before.manifest["last_load_id"]
    home = Home(before.path.parents[2])
    known = datetime.strptime(first_load[:15], "%Y%m%dT%H%M%S")  # noqa: DTZ007
    with connect_warehouse(home) as warehouse:
        set_as_of(warehouse, date(2024, 5, 31), known)
    lend_last_release(home, dbt_manifest(), until=date(2024, 5, 31), known_until=known)
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
    assert ask(again, "select known_until is not null from marts.release_info") == [(True,)]
    # Nothing is compared with a look back.
    ended = run_pipeline(home.root, home.root.parent / "sources.yml", as_of="2024-06-30")
    assert ended.succeeded, ended.errors
    assert ended.sql("from marts.rpt_restatements order by all") == ask(
        releases[1], "from marts.rpt_restatements order by all"
    )
