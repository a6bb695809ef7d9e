"""The rates over made customers, with currencies, trials, discounts and merged ids, against slower ways to the same."""

from collections.abc import Iterator
from datetime import date
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
            count(distinct months.followed_id) filter (where opening_amount > 0),
            count(distinct months.followed_id) filter (where closing_amount > 0)
        from fct_customer_months as months
        join int_revenue__customer_segments as segments
            on segments.customer_id = months.followed_id
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


def test_intervals_of_sums_are_those_of_their_rows(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Squares and products that are carried from month to month are those of each month's customers."""
    units = """
        with units as (
            select month, dimension, segment, followed_id, sum(reporting_opening_amount)::double as x,
                -sum(reporting_churn_amount + reporting_contraction_amount)::double as y,
                sum(reporting_closing_amount)::double as z
            from fct_customer_months as months join int_revenue__customer_segments as segments
                on segments.customer_id = months.followed_id
            where reporting_currency is not null and segment is not null
            group by all
        ), sums as (
            select month, dimension, segment, count_if(x > 0) as n, sum(y) / nullif(sum(x), 0) as r,
                sqrt(greatest(sum(y * y) - 2 * r * sum(x * y) + r * r * sum(x * x), 0) * n / nullif(n - 1, 0))
                / nullif(sum(x), 0) as error,
                count_if(z > 0) as paying, stddev_samp(z) filter (where z > 0) / sqrt(paying) as mean_error
            from units group by all
        )
    """
    [(count, high, low, means, mean)] = warehouse.sql(f"""
        {units} select count(gross_mrr_churn_ci_high),
            max(abs(gross_mrr_churn_ci_high - r - 1.959963984540054 * error)),
            max(abs(gross_mrr_churn_ci_low - greatest(r - 1.959963984540054 * error, 0))),
            count(arpa_ci_high_amount), max(abs(arpa_ci_high_amount - arpa_amount - 1.959963984540054 * mean_error))
        from sums join rpt_mrr_months using (month, dimension, segment)
    """).fetchall()
    assert count > 300
    assert max(high, low) < 1e-9
    assert means > 500
    assert mean < 0.0002, "amounts have four digits"
    several = "select followed_id from fct_customer_months group by 1 having count(distinct currency) > 1"
    assert warehouse.sql(several).fetchall()
    cells = """
        with spans as (
            select customer_id, cohort_month, (mrr_amount * start_rate)::decimal(18, 4)::double as amount,
                from_date = start_date as is_first,
                date_diff('month', cohort_month, from_date) as from_age,
                date_diff('month', cohort_month, coalesce(to_date, as_of_date + interval 1 month)) as to_age
            from int_revenue__level_spans, int_run__context where mrr_amount > 0
        ), firsts as (
            select customer_id, cohort_month, sum(amount) as x from spans where is_first group by all
        ), bases as (
            select cohort_month, sum(x * x) as xx, sum(x) as sum_x from firsts group by all
        ), units as (
            select customer_id, cohort_month, age, sum(amount) as amount
            from spans join range(0, 60) as ages (age) on age >= from_age and age < to_age group by all
        ), sums as (
            select cohort_month, age, sum(amount) as y, sum(amount * amount) as yy, sum(amount * coalesce(x, 0)) as xy
            from units left join firsts using (customer_id, cohort_month) group by all
        ), errors as (
            select cohort_month, age, y / sum_x as r, greatest(yy - 2 * r * xy + r * r * xx, 0) as squares, sum_x
            from sums join bases using (cohort_month)
        )
        select count(*), max(abs(
            revenue_ci_high - r - 1.959963984540054 * sqrt(squares * cohort_size / (cohort_size - 1)) / sum_x
        ))
        from errors join rpt_cohort_retention using (cohort_month, age)
        where age_basis = 'calendar' and dimension = 'all' and cohort_size > 1
    """
    [(count, high)] = warehouse.sql(cells).fetchall()
    assert count > 500
    assert high < 1e-6


def test_a_customer_who_pays_millions_overflows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    bench_revenue.write_warehouse(path, 20)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update int_billing__subscription_items set unit_amount = 2000000 * unit_amount")
    bench_revenue.build(path, *bench_revenue.LEDGER, *bench_revenue.RATES)
    with duckdb.connect(str(path)) as connection:
        assert connection.sql("select max(start_amount) > 100000000 from rpt_nrr_monthly").fetchall() == [(True,)]


HANDED_OVER = """
    with days (customer, from_date, to_customer, handed_date, ended_date) as (
        values
            ('a', date '2022-01-10', 'd', date '2023-05-20', null),
            ('b', date '2022-01-10', 'c', date '2023-05-20', null),
            ('c', date '2022-01-10', null, null, null),
            ('e', date '2022-01-10', null, null, date '2023-06-10'),
            ('f', date '2023-06-01', null, null, null)
    ), versions as (
        select customer, customer as owner, 'active' as status, from_date as valid_from_at, null as ended_at from days
        union all
        select customer, to_customer, 'active', handed_date, null from days where handed_date is not null
        union all
        select customer, coalesce(to_customer, customer), 'canceled', ended_date, ended_date
        from days where ended_date is not null
    )
    insert into int_billing__subscriptions by name
    select 'files' as source, customer as source_subscription_id, owner as source_customer_id, 'EUR' as currency,
        false as is_collection_paused, status, valid_from_at, ended_at, 'load-1' as load_id
    from versions;

    insert into int_billing__subscription_items by name
    select 'files' as source, source_subscription_id, source_subscription_id as source_subscription_item_id,
        'team' as plan, 'EUR' as currency, 'month' as billing_interval, 1 as interval_count,
        'licensed' as usage_type, 100 as unit_amount, quantity, valid_from_at, 'load-1' as load_id
    from (
        select source_subscription_id, 2 as quantity, min(valid_from_at) as valid_from_at
        from int_billing__subscriptions group by source_subscription_id
        union all
        select 'b', 1, date '2023-07-05'
    );

    insert into int_customers__id_spells by name
    select 'customer' as entity, 'files' as source, 'customer' as list_kind, letter as source_record_id,
        letter as durable_id, date '2021-01-01' as valid_from_date
    from (select unnest(['a', 'b', 'c', 'd', 'e', 'f']) as letter);
"""


def test_a_subscription_that_goes_to_another_customer_is_neither_lost_nor_new(tmp_path: Path) -> None:
    """Of a, b, c and e only e leaves, and half of what b had; a goes on as d, and b within c. f alone is new."""
    path = tmp_path / "warehouse.duckdb"
    bench_revenue.write_warehouse(path, 0)
    with duckdb.connect(str(path)) as connection:
        connection.execute(HANDED_OVER)
    bench_revenue.build(path, *bench_revenue.LEDGER, *bench_revenue.RATES)
    with duckdb.connect(str(path)) as connection:
        moves = (
            "select past_customer_id, movement from fct_mrr_movements where movement_date > '2023-01-01' order by all"
        )
        assert connection.sql(moves).fetchall() == [
            *(
                ("a", "scope_change"),
                ("b", "scope_change"),
                ("c", "contraction"),
                ("c", "scope_change"),
                ("d", "scope_change"),
            ),
            *(("e", "churn"), ("f", "new")),
        ]
        # What a paid is d's from the beginning, and what b paid is c's.
        spans = "select customer_id, from_date, end_cause from int_revenue__presences order by 1"
        first = date(2022, 1, 10)
        assert connection.sql(spans).fetchall() == [
            *(("c", first, None), ("d", first, None), ("e", first, "unknown"), ("f", date(2023, 6, 1), None)),
        ]
        at = "window_months = 3 and dimension = 'all' and month = date '2023-07-01'"
        rates = f"select nrr, grr, strict_grr, logo_retention_rate from rpt_nrr_monthly where {at}"
        assert connection.sql(rates).fetchall() == [(0.625, 0.625, 0.625, 2 / 3)]
        counts = f"""
            select start_customer_count, end_customer_count, new_customer_count, kept_customer_count
            from rpt_customer_retention_rate where {at}
        """
        assert connection.sql(counts).fetchall() == [(3, 3, 1, 2)]
        survival = "select min(survival) from rpt_survival where dimension = 'all' and segment = 'all'"
        assert connection.sql(survival).fetchall() == [(0.75,)]


def test_whoever_comes_and_leaves_in_a_month_alone_in_their_currency_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    bench_revenue.write_warehouse(path, 0)
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            insert into int_billing__subscriptions by name
            select 'files' as source, name as source_subscription_id, name as source_customer_id, currency,
                false as is_collection_paused, 'active' as status, valid_from_at, ended_at, 'load-1' as load_id
            from (
                values ('a', 'EUR', date '2022-01-10', null), ('b', 'GBP', date '2023-06-03', date '2023-06-20')
            ) as t(name, currency, valid_from_at, ended_at);
            insert into int_billing__subscription_items by name
            select source, source_subscription_id, source_subscription_id as source_subscription_item_id,
                'team' as plan, currency, 'month' as billing_interval,
                1 as interval_count, 'licensed' as usage_type, 100 as unit_amount, 1 as quantity, valid_from_at, load_id
            from int_billing__subscriptions;
            insert into int_customers__id_spells by name
            select 'customer' as entity, source, 'customer' as list_kind, source_customer_id as source_record_id,
                source_customer_id as durable_id, date '2021-01-01' as valid_from_date
            from int_billing__subscriptions;
        """)
    bench_revenue.build(path, *bench_revenue.LEDGER, *bench_revenue.RATES)
    with duckdb.connect(str(path)) as connection:
        found = "new_amount > 0, new_amount + churn_amount, closing_customer_count, min_cell_ok from rpt_mrr_months"
        alone = f"select {found} where dimension = 'currency' and segment = 'GBP' and month = '2023-06-01'"
        assert connection.sql(alone).fetchall() == [(True, 0, 0, False)]
        assert connection.sql("from rpt_mrr_months where min_cell_ok is null").fetchall() == []
