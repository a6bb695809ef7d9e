"""The rates over made customers, with currencies, trials, discounts and merged ids, against slower ways to the same."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests import bench_revenue

AMOUNTS = ("opening", "new", "expansion", "contraction", "churn", "reactivation", "scope_change", "fx", "closing")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rates") / "warehouse.duckdb"
    bench_revenue.write_warehouse(path, 400)
    bench_revenue.build(path, *bench_revenue.LEDGER, *bench_revenue.RATES)
    return path


@pytest.fixture
def warehouse(made: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(made)) as connection:
        yield connection


def test_retention_is_that_of_joined_months(made: Path) -> None:
    bench_revenue.retention_by_pandas(made)
    bench_revenue.check(made, "by_pandas")


@pytest.mark.wide
def test_retention_is_that_of_a_query_for_each_month(made: Path) -> None:
    bench_revenue.retention_by_months(made)
    bench_revenue.check(made, "by_months")


def test_months_are_sums_over_customers_months(warehouse: duckdb.DuckDBPyConnection) -> None:
    sums = ", ".join(f"sum(reporting_{name}_amount)::decimal(18, 4)" for name in AMOUNTS)
    summed = f"""
        select month, dimension, segment, {sums},
            count(distinct coalesce(months.customer_id, past_customer_id)) filter (where opening_amount > 0),
            count(distinct coalesce(months.customer_id, past_customer_id)) filter (where closing_amount > 0)
        from fct_customer_months as months
        join int_revenue__customer_segments as segments
            on segments.customer_id = coalesce(months.customer_id, past_customer_id)
        where segment is not null
        group by all
    """
    told = f"""
        select month, dimension, segment, {", ".join(f"{name}_amount" for name in AMOUNTS)}, opening_customer_count,
            closing_customer_count
        from rpt_mrr_months
    """
    assert warehouse.sql(f"({told}) except all ({summed})").fetchall() == []
    assert warehouse.sql(f"({summed}) except all ({told})").fetchall() == []
    assert warehouse.sql("select count(distinct movement) from fct_mrr_movements").fetchall() == [(7,)]


def test_a_customer_who_pays_millions_overflows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    bench_revenue.write_warehouse(path, 20)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update int_billing__subscription_items set unit_amount = 2000000 * unit_amount")
    bench_revenue.build(path, *bench_revenue.LEDGER, *bench_revenue.RATES)
    with duckdb.connect(str(path)) as connection:
        assert connection.sql("select max(start_amount) > 100000000 from rpt_nrr_monthly").fetchall() == [(True,)]
