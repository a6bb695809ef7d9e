"""Figures of public sets that others have published, out of a release by SQL."""

import os
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest

from ingestion.home import PROJECT_ROOT, Home
from tests.conftest import Run, run_pipeline
from tests.marts import ask, contents, made

pytestmark = pytest.mark.whole_run
EXAMPLES = PROJECT_ROOT / "ingestion" / "examples"
CDNOW_MARTS = ("fct_orders", "rpt_repeat_purchase", "rpt_order_cohorts")


@pytest.fixture(scope="module")
def online_retail(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    os.environ["TENURE_DATA"] = str(data)
    run = run_pipeline(tmp_path_factory.mktemp("online_retail"), EXAMPLES / "online_retail.yml")
    assert run.succeeded, run.errors
    return run


@pytest.fixture(scope="module")
def cdnow(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    os.environ["TENURE_DATA"] = str(data)
    run = run_pipeline(tmp_path_factory.mktemp("cdnow"), EXAMPLES / "cdnow.yml")
    assert run.succeeded, run.errors
    return run


@pytest.fixture(scope="module")
def cdnow_marts(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The marts that the suite asks alone, of no release: that a release holds the same is a wide test."""
    os.environ["TENURE_DATA"] = str(data)
    return made(tmp_path_factory.mktemp("cdnow_marts"), EXAMPLES / "cdnow.yml", *CDNOW_MARTS)


@pytest.fixture(scope="module")
def telco(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    os.environ["TENURE_DATA"] = str(data)
    run = run_pipeline(tmp_path_factory.mktemp("telco"), EXAMPLES / "telco.yml")
    assert run.succeeded, run.errors
    return run


@pytest.mark.wide
def test_telco_churn(telco: Run) -> None:
    (figures,) = telco.sql(
        """select
            count(*) filter (where movement = 'new'), count(*) filter (where movement = 'churn'),
            sum(amount) filter (where movement = 'new'), -sum(amount) filter (where movement = 'churn')
        from marts.fct_mrr_movements"""
    )
    assert figures == (7043, 1869, Decimal("456116.60"), Decimal("139130.85"))
    assert round(100 * figures[1] / figures[0], 2) == 26.54


@pytest.mark.wide
def test_telco_churn_by_contract(telco: Run) -> None:
    rates = telco.sql(
        """select segment, round(100 * count_if(movement = 'churn') / count_if(movement = 'new'), 2)
        from marts.fct_mrr_movements
        join marts.map_customer_segments using (followed_id)
        where dimension = 'plan' group by segment order by 2 desc"""
    )
    assert rates == [("Month-to-month", 42.71), ("One year", 11.27), ("Two year", 2.83)]


@pytest.mark.wide
def test_telco_blanks_are_reported(telco: Run) -> None:
    assert telco.sql(
        "select sum(quarantined_count), max(open_quarantine_count) from marts.rpt_source_health "
        "where source = 'files' and table_name = 'invoices'"
    ) == [(11, 11)]


@pytest.mark.wide
def test_online_retail_orders(online_retail: Run) -> None:
    figures = online_retail.sql(
        """select round(sum(gross_amount), 2), count(*), count(distinct customer_id)
        from marts.fct_orders where has_customer"""
    )
    assert figures == [(Decimal("8832003.27"), 19213, 4312)]


@pytest.mark.wide
def test_online_retail_repeat_customers(online_retail: Run) -> None:
    two_orders = online_retail.sql(
        """select round(100.0 * count(*) filter (where order_count >= 2) / count(*), 2)
        from marts.dim_customers where order_count > 0"""
    )
    assert two_orders == [(67.09,)]
    two_days = online_retail.sql(
        """select round(100 * rate, 2), den, is_complete from marts.rpt_repeat_purchase
        where segment_by = 'all' and window_days is null"""
    )
    assert two_days == [(65.35, 4312, True)]


@pytest.mark.wide
def test_online_retail_december_cohort(online_retail: Run) -> None:
    cells = online_retail.sql(
        """select active_customer_count, is_complete from marts.rpt_order_cohorts
        where cohort_month = date '2009-12-01' order by months_since_first"""
    )
    counts = [955, 337, 319, 406, 363, 343, 360, 327, 321, 346, 403, 473]
    assert cells == [*((count, True) for count in counts), (237, False)]


@pytest.mark.wide
def test_online_retail_every_line_is_accounted_for(online_retail: Run) -> None:
    balance = online_retail.sql(
        """select
            sum(line_count),
            sum(line_count) filter (where not has_customer),
            sum(line_count) filter (where disposition like 'cancellation%'),
            sum(line_count) filter (where disposition = 'sale' and has_customer)
        from marts.rpt_order_line_balance"""
    )
    # The three quarantined lines have no customer either: 107,924 + 3 = 107,927.
    assert balance == [(525461, 107924, 10206, 407664)]
    quarantined = online_retail.sql(
        "select reason, line_count from marts.rpt_order_line_balance where disposition = 'quarantined'"
    )
    assert quarantined == [("unit_price is below 0", 3)]


@pytest.mark.wide
def test_online_retail_as_of_is_the_newest_order(online_retail: Run) -> None:
    assert str(online_retail.sql("select as_of_date, data_through from marts.release_info")) == (
        "[(datetime.date(2010, 12, 9), datetime.date(2010, 12, 9))]"
    )


@pytest.mark.wide
def test_cdnow_repeat_purchase(cdnow_marts: Home) -> None:
    rates = ask(
        cdnow_marts,
        """select window_days, round(100 * rate, 2) from marts.rpt_repeat_purchase
        where segment_by = 'all' order by window_days nulls last""",
    )
    assert rates == [(30, 17.39), (60, 25.50), (90, 29.15), (180, 37.63), (365, 45.57), (None, 48.32)]


@pytest.mark.wide
def test_cdnow_orders_and_january_cohort(cdnow_marts: Home) -> None:
    sums = "count(*), count(distinct customer_id), sum(gross_amount)"
    orders = ask(cdnow_marts, f"select {sums} from marts.fct_orders")
    assert orders == [(6919, 2357, Decimal("244091.9400"))]
    cells = ask(
        cdnow_marts,
        """select active_customer_count from marts.rpt_order_cohorts
        where cohort_month = date '1997-01-01' and months_since_first <= 6 order by months_since_first""",
    )
    assert [count for (count,) in cells] == [781, 124, 95, 70, 65, 77, 65]


@pytest.mark.wide
def test_cdnow_s_release_says_what_its_marts_say(cdnow: Run, cdnow_marts: Home) -> None:
    published, found = contents(cdnow.home.current / "tenure.duckdb"), contents(cdnow_marts.warehouse)
    assert {mart: published[mart] for mart in CDNOW_MARTS} == {mart: found[mart] for mart in CDNOW_MARTS}


@pytest.mark.wide
def test_ten_overlapping_pieces_give_the_same_release(data: Path, cdnow: Run, tmp_path: Path) -> None:
    """Whole customers' days stay together, as orders do in an export; each piece overlaps two others."""
    lines = pl.read_csv(data / "cdnow" / "cdnow_sample.csv", infer_schema=False).with_row_index("position")
    lines = lines.with_columns(piece=pl.struct("master_id", "date").hash(seed=3) % 10)
    order = list(range(10))
    Random(3).shuffle(order)
    for name, piece in enumerate(order):
        held = lines.filter(pl.col("piece").is_in([piece, (piece + 1) % 10]))
        held.sort("position").drop("position", "piece").write_csv(tmp_path / f"piece_{name}.csv")
    text = (EXAMPLES / "cdnow.yml").read_text().replace("${TENURE_DATA}/cdnow/cdnow_sample.csv", "piece_*.csv")
    (tmp_path / "sources.yml").write_text(text)
    run = run_pipeline(tmp_path / "home", tmp_path / "sources.yml")
    assert run.succeeded, run.errors
    # What came, and how, is another story; what it says is the same.
    deliveries = {"rpt_source_health"}
    assert {name: found for name, found in _hashes(run).items() if name not in deliveries} == {
        name: found for name, found in _hashes(cdnow).items() if name not in deliveries
    }


@pytest.mark.wide
def test_a_run_without_news_changes_nothing(data: Path, cdnow: Run) -> None:
    before = _manifest(cdnow)
    again = run_pipeline(cdnow.home.root, EXAMPLES / "cdnow.yml")
    assert again.succeeded, again.errors
    after = _manifest(again)
    assert after["loads"]["new"] == 0
    assert after["content_hash"] == before["content_hash"]
    assert after["is_changed"] is False
    assert after["previous_release_id"] == before["release_id"]


def _manifest(run: Run) -> dict:
    from publishing.release import current_release

    release = current_release(run.home)
    assert release
    return release.manifest


def _hashes(run: Run) -> dict[str, str]:
    return {name: figures["content_hash"] for name, figures in _manifest(run)["tables"].items()}
