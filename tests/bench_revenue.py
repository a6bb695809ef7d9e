"""What the revenue ledger and all its rates cost: customers with five years of subscription changes, from billing's
versions to the published tables, in plain DuckDB with two threads; and what the next day costs. Nothing here is an
assertion, but that the other ways to the same table give the same figures.

    python -m tests.bench_revenue [--customers 10000 100000 1000000] [--beside 100000]
"""

import argparse
import importlib.util
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from tests.bench_events import measured
from tests.identity import PROJECT, VARS
from tests.revenue import INPUTS, keep_ledger, make_model

AS_OF = date(2025, 12, 15)
NEXT_DAY = date(2025, 12, 16)
NEXT_DAY_SHARE = 500
"""One subscription in so many changes on the next day, beside what falls due on it."""

# Months are counted from January 2020.
LAST_MONTH = 12 * (AS_OF.year - 2020) + AS_OF.month - 1
FIGURES = ("start_customer_count", "kept_customer_count", "start_amount", "end_amount", "kept_amount")
SEEDS = ("revenue_policies", "fx_rates", "business_units", "company_tiers", "regions")
LEDGER = (
    "int_revenue__policies",
    "int_revenue__usage_levels",
    "int_revenue__subscription_inputs",
    "int_revenue__last_subscriptions",
    "int_revenue__ledger_version",
    "int_revenue__changed_subscriptions",
    "int_revenue__changed_customers",
    "int_revenue__item_states",
    "int_revenue__item_days",
    "int_revenue__subscription_days",
    "int_revenue__customer_days",
    "int_revenue__fx_rates",
    "fct_mrr_movements",
    "fct_subscription_changes",
    "fct_customer_months",
)
RATES = (
    "int_revenue__level_spans",
    "int_revenue__customer_levels",
    "int_revenue__customer_segments",
    "int_revenue__presences",
    "int_revenue__watched_presences",
    "fct_retention_windows",
    "int_revenue__survival_curves",
    "rpt_mrr_months",
    "rpt_nrr_monthly",
    "rpt_cohort_retention",
    "rpt_customer_retention_rate",
    "rpt_survival",
)
# From levels by day to the published table.
RETENTION = ("int_revenue__customer_levels", "fct_retention_windows", "rpt_nrr_monthly")
OTHERS = {"by_pandas": "pandas", "by_months": "SQL, a query a month"}
SCRIPT = """
import sys
from pathlib import Path
from tests.bench_revenue import *
path = Path(sys.argv[1])
{call}
"""
CUSTOMERS = """
    create table int_customers__profiles (
        customer_id varchar, segment varchar, plan varchar, country_code varchar, employee_count bigint
    );
    create table int_customers__source_authority as
    select 'customer' as entity, 'identity' as field_group, 'hubspot' as source, 1 as authority_rank;
"""
# Each customer starts on a day of the five years and changes some times after it; two in five leave, and some of them
# come back. One in a hundred is taken for another after a while, one in five pays in another currency than the rest.
MADE = """
    create temp table customers as
    select
        i,
        'c_' || i as source_customer_id,
        'cus_' || md5(i::varchar)[:20] as customer_id,
        timestamp '2021-01-01' + to_seconds((hash(i, 1) % (1700 * 86400))::bigint) as started_at,
        case hash(i, 2) % 10 when 8 then 'USD' when 9 then 'GBP' else 'EUR' end as currency,
        case when hash(i, 3) % 10 < 4 then started_at + to_days((30 + hash(i, 4) % 1200)::integer) end as left_at,
        case when hash(i, 5) % 10 < 4 then left_at + to_days((30 + hash(i, 6) % 300)::integer) end as returned_at
    from range({customers}) as t(i);

    create temp table subscriptions as
    select *, 'sub_' || i as source_subscription_id, started_at as begun_at, left_at as ended_at from customers
    union all by name
    select *, 'sub_' || i || '_2' as source_subscription_id, returned_at as begun_at, null as ended_at
    from customers where returned_at is not null
    union all by name
    select * replace ('USD' as currency), 'sub_' || i || '_3' as source_subscription_id, started_at as begun_at
    from customers where hash(i, 7) % 200 = 0;

    insert into int_billing__subscriptions by name
    with versions as (
        select
            'stripe' as source, source_subscription_id, source_customer_id, currency, false as is_collection_paused,
            'load-1' as load_id,
            if(hash(i, 8) % 20 = 0, 'repeating', null) as discount_duration,
            if(hash(i, 8) % 20 = 0, 0.1, null) as discount_rate,
            if(hash(i, 8) % 20 = 0, begun_at + interval 90 day, null) as discount_ends_at,
            if(hash(i, 9) % 20 = 0, begun_at + interval 14 day, null) as trial_ends_at,
            if(hash(i, 9) % 20 = 0, 'trialing', 'active') as status,
            begun_at as valid_from_at, null::timestamp as canceled_at, null::timestamp as ended_at,
            null as cancellation_reason
        from subscriptions
        union all by name
        select
            'stripe' as source, source_subscription_id, source_customer_id, currency, false as is_collection_paused,
            'load-1' as load_id, 'canceled' as status, ended_at as valid_from_at, ended_at as canceled_at, ended_at,
            if(hash(i, 10) % 4 = 0, 'payment_failed', 'cancellation_requested') as cancellation_reason
        from subscriptions
        where ended_at is not null
    )
    select * from versions where valid_from_at < date '{as_of}';

    insert into int_billing__subscription_items by name
    with versions as (
        select
            'stripe' as source, source_subscription_id, 'si_' || source_subscription_id as source_subscription_item_id,
            if(hash(i, k, 11) % 3 = 0, 'business', 'team') as plan, currency,
            if(hash(i, 12) % 4 = 0, 'year', 'month') as billing_interval, 1 as interval_count,
            'licensed' as usage_type,
            cast(((10 + hash(i, k, 13) % 3) * if(hash(i, 12) % 4 = 0, 10, 1)) as decimal(18, 4)) as unit_amount,
            cast(1 + hash(i, k, 14) % 20 as decimal(18, 4)) as quantity,
            begun_at + to_days((k * (20 + hash(i, 15) % 300))::integer) as valid_from_at, 'load-1' as load_id, ended_at
        from subscriptions
        cross join range(3) as t(k)
    )
    select * exclude (ended_at) from versions
    where valid_from_at < date '{as_of}' and coalesce(valid_from_at < ended_at, true);

    insert into int_customers__id_spells by name
    select 'customer' as entity, 'stripe' as source, 'customer' as list_kind, source_customer_id as source_record_id,
        customer_id as durable_id, date '2021-01-01' as valid_from_date
    from customers
    union all by name
    select 'customer' as entity, 'stripe' as source, 'customer' as list_kind, source_customer_id as source_record_id,
        'cus_' || md5((i - 1)::varchar)[:20] as durable_id, cast(started_at as date) + 200 as valid_from_date
    from customers where i % 100 = 99 and started_at + interval 200 day < date '{as_of}';

    insert into int_customers__record_ids by name
    select entity, if(hash(source_record_id) % 3 = 0, 'salesforce', 'hubspot') as source, source_record_id,
        arg_max(durable_id, valid_from_date) as durable_id
    from int_customers__id_spells group by all;

    insert into int_customers__profiles
    select distinct durable_id, ['Retail', 'Software', 'Health'][1 + (hash(durable_id, 1) % 3)::integer],
        ['team', 'business', 'enterprise'][1 + (hash(durable_id, 2) % 3)::integer],
        ['DE', 'FR', 'US', 'IN', 'BR'][1 + (hash(durable_id, 3) % 5)::integer], 1 + hash(durable_id, 4) % 2000
    from int_customers__record_ids;
"""


def write_warehouse(path: Path, customers: int) -> None:
    """What the ledger reads of so many customers."""
    with _connect(path) as con:
        con.execute(INPUTS + CUSTOMERS)
        con.execute("insert into int_run__context values (?)", [AS_OF])
        for seed in SEEDS:
            rows = f"read_csv('{PROJECT}/seeds/config/{seed}.csv', all_varchar = true)"
            con.execute(f"create or replace table {seed} as from {rows}")
        con.execute(MADE.format(customers=customers, as_of=AS_OF))


def build(path: Path, *models: str) -> None:
    """Make the models' tables, and print each one's seconds and rows."""
    with _connect(path) as con:
        for model in models:
            start, used = time.monotonic(), time.process_time()
            if (PROJECT / f"models/intermediate/revenue/{model}.py").exists():
                made = _python_model(model).model(SimpleNamespace(ref=con.table, config=lambda **_: None), None)
                con.register("made", made)
                con.execute(f"create or replace table {model} as from made")
            else:
                make_model(con, model)
            seconds, used = time.monotonic() - start, time.process_time() - used
            [(rows,)] = con.execute(f"select count(*) from {model}").fetchall()
            print(f"{model} {seconds:.2f} {used:.2f} {rows}", flush=True)


def keep(path: Path) -> None:
    """What the end of a run does: the next one makes anew what is another then."""
    with _connect(path) as con:
        keep_ledger(con)
        con.execute("checkpoint")


def write_next_day(path: Path) -> None:
    """A day later, with its changes."""
    with _connect(path) as con:
        con.execute("update int_run__context set as_of_date = ?", [NEXT_DAY])
        con.execute(f"""
            insert into int_billing__subscription_items
            select * replace (
                timestamp '{NEXT_DAY}' + to_seconds((hash(source_subscription_id) % 86400)::bigint) as valid_from_at,
                quantity + 1 as quantity, 'load-2' as load_id
            )
            from int_billing__subscription_items
            where hash(source_subscription_id, 16) % {NEXT_DAY_SHARE} = 0
            qualify row_number() over (partition by source_subscription_item_id order by valid_from_at desc) = 1
        """)


def retention_by_pandas(path: Path) -> tuple[float, float]:
    """What the table of NRR and GRR takes in pandas, in seconds and seconds of processor time: levels by month, joined
    with themselves a window later. Amounts are whole ten-thousandths, so that sums are exact."""
    with _connect(path) as con:
        spans = con.sql(f"""
            select customer_id, currency, cast(mrr_amount * 10000 as bigint) as amount,
                date_diff('month', date '2020-01-01', from_date) as from_month,
                coalesce(date_diff('month', date '2020-01-01', to_date), {LAST_MONTH + 1}) as to_month
            from int_revenue__level_spans where mrr_amount > 0
        """).df()
        rates = con.sql("""
            select currency, date_diff('month', date '2020-01-01', rate_month) as month,
                cast(rate * 100000000 as bigint) as rate
            from int_revenue__fx_rates
        """).df()
        segments = con.sql("select * from int_revenue__customer_segments where segment is not null").df()
        start, used = time.monotonic(), time.process_time()
        spans = spans[spans.to_month > spans.from_month]
        lengths = (spans.to_month - spans.from_month).to_numpy()
        levels = spans.loc[spans.index.repeat(lengths), ["customer_id", "currency", "amount"]]
        levels["month"] = spans.from_month.repeat(lengths).to_numpy() + levels.groupby(level=0).cumcount().to_numpy()
        wide = segments.pivot(index="customer_id", columns="dimension", values="segment").astype("category")
        tables = []
        for window in VARS["retention_window_months"]:
            starts = levels[levels.month + window <= LAST_MONTH]
            later = levels.assign(month=levels.month - window)
            starts, later = (
                part.merge(rates, on=["currency", "month"])
                .assign(amount=lambda found: found.amount * found.rate)
                .groupby(["customer_id", "month"], as_index=False)
                .amount.sum()
                .assign(amount=lambda found: _rounded(found.amount))
                for part in (starts, later)
            )
            pairs = starts.merge(later, on=["customer_id", "month"], how="left", suffixes=("", "_end"))
            ends = pairs.amount_end.fillna(0).astype("int64")
            rows = (
                pairs[["customer_id"]]
                .assign(
                    month=pairs.month + window,
                    start_customer_count=1,
                    kept_customer_count=(ends > 0).astype("int64"),
                    start_amount=pairs.amount,
                    end_amount=ends,
                    kept_amount=np.minimum(ends, pairs.amount),
                )
                .join(wide, on="customer_id")
            )
            for dimension in wide.columns:
                sums = rows.groupby(["month", dimension], observed=True)[list(FIGURES)].sum().reset_index()
                sums = sums.rename(columns={dimension: "segment"}).astype({"segment": "str"})
                tables.append(sums.assign(window_months=window, dimension=dimension))
        found = pd.concat(tables)
        costs = time.monotonic() - start, time.process_time() - used
        amounts = ", ".join(f"cast({name} / 10000 as decimal(18, 4)) as {name}" for name in FIGURES[2:])
        con.register("found", found)
        con.execute(f"""
            create or replace table by_pandas as
            select date '2020-01-01' + to_months(month::integer) as month, window_months, dimension, segment,
                start_customer_count, kept_customer_count, {amounts}
            from found
        """)
    return costs


def retention_by_months(path: Path) -> tuple[float, float]:
    """The same for the table as textbooks have it: for each month and window a query of who paid then, and what the
    same customers pay at the end."""
    with _connect(path) as con:
        start, used = time.monotonic(), time.process_time()
        con.execute("""
            create or replace table by_months as
            from (select month, window_months, dimension, segment, start_customer_count, kept_customer_count,
                start_amount, end_amount, kept_amount from rpt_nrr_monthly) limit 0
        """)
        for window in VARS["retention_window_months"]:
            for month in range(12 + window, LAST_MONTH + 1):
                begin, end = (f"date '2020-01-01' + interval {at + 1} month" for at in (month - window, month))
                con.execute(
                    f"""
                    insert into by_months
                    with rates as (
                        select currency, rate from int_revenue__fx_rates where rate_month = {begin} - interval 1 month
                    ),
                    starts as (
                        select customer_id, sum(mrr_amount * rate)::decimal(18, 4) as start_amount
                        from int_revenue__level_spans join rates using (currency)
                        where from_date < {begin} and coalesce(to_date >= {begin}, true) and mrr_amount > 0
                        group by customer_id
                    ),
                    ends as (
                        select customer_id, sum(mrr_amount * rate)::decimal(18, 4) as end_amount
                        from int_revenue__level_spans join rates using (currency)
                        where from_date < {end} and coalesce(to_date >= {end}, true) and mrr_amount > 0
                        group by customer_id
                    ),
                    both_ends as (
                        select customer_id, start_amount, coalesce(end_amount, 0) as end_amount,
                            least(coalesce(end_amount, 0), start_amount) as kept_amount
                        from starts left join ends using (customer_id)
                    )
                    select {end} - interval 1 month, {window}, dimension, segment, count(*),
                        count(*) filter (where end_amount > 0), sum(start_amount), sum(end_amount), sum(kept_amount)
                    from both_ends join int_revenue__customer_segments using (customer_id)
                    where segment is not null
                    group by dimension, segment
                """
                )
        return time.monotonic() - start, time.process_time() - used


def check(path: Path, other: str) -> None:
    """That a table has the same cells with the same figures as `rpt_nrr_monthly`, to the last digit."""
    columns = f"month::date, window_months, dimension, segment, {', '.join(FIGURES)}"
    with _connect(path) as con:
        ours, theirs = f"select {columns} from rpt_nrr_monthly", f"select {columns} from {other}"
        wrong = con.sql(
            f"(({ours}) except all ({theirs})) union all (({theirs}) except all ({ours})) limit 5"
        ).fetchall()
        assert not wrong, f"{other} differs: {wrong}"


def _rounded(product: "pd.Series[int]") -> "pd.Series[int]":
    """An amount times a rate, both as whole numbers, as an amount again."""
    return (product + 50_000_000) // 100_000_000


def _python_model(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PROJECT / f"models/intermediate/revenue/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    settings: dict[str, Any] = {
        "threads": 2,
        "memory_limit": "8GB",
        "temp_directory": f"{path}.tmp",
        "preserve_insertion_order": False,
    }
    con = duckdb.connect(str(path), config=settings)
    con.execute("set enable_progress_bar = false; set TimeZone = 'UTC'")
    return con


def bench(customers: int, *, has_others: bool) -> None:
    """Print one size's figures, and where asked those of the other ways to NRR and GRR."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TENURE_BENCH_DIR")) as folder:
        path = Path(folder) / "warehouse.duckdb"
        measured(SCRIPT.format(call="write_warehouse(path, int(sys.argv[2]))"), path, customers)
        print(f"{customers:,} customers", flush=True)
        costs, whole = _build_all(path)
        if has_others:
            _print_others(path, costs)
        measured(SCRIPT.format(call="write_next_day(path)"), path)
        _, next_day = _build_all(path)
        print(
            f"  the next day takes {next_day[0] / whole[0]:.2f} of it, {next_day[1] / whole[1]:.2f} of processor time"
        )


def _build_all(path: Path) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """Print what ledger and rates cost; returns seconds and processor seconds by model, and of all."""
    costs: dict[str, tuple[float, float]] = {}
    total = 0.0
    for name, models, after in (("ledger", LEDGER, ""), ("rates", RATES, "; keep(path)")):
        seconds, peak, printed = measured(SCRIPT.format(call=f"build(path, *sys.argv[2:]){after}"), path, *models)
        for line in printed.splitlines():
            model, model_seconds, cpu, _ = line.split()
            costs[model] = float(model_seconds), float(cpu)
        total += seconds
        print(f"  {name:<30}{seconds:8.1f} s   peak {peak:.1f} GiB", flush=True)
    cpu = sum(used for _, used in costs.values())
    print(f"  {'both':<30}{total:8.1f} s   {cpu:.1f} s of processor time")
    for model, (seconds, used) in sorted(costs.items(), key=lambda item: -item[1][0])[:6]:
        print(f"    {model:<28}{seconds:8.1f} s   {used:.1f} s of processor time")
    return costs, (total, cpu)


def _print_others(path: Path, costs: dict[str, tuple[float, float]]) -> None:
    """Print what the other ways to NRR and GRR cost beside ours."""
    ours, our_cpu = (sum(costs[model][part] for model in RETENTION) for part in (0, 1))
    print(f"  NRR and GRR by month, window and group: {ours:.1f} s, {our_cpu:.1f} s of processor time")
    for other, words in OTHERS.items():
        call = f"print(*retention_{other}(path)); check(path, {other!r})"
        _, peak, printed = measured(SCRIPT.format(call=call), path)
        seconds, cpu = map(float, printed.split())
        ratio = f"{seconds / ours:.1f} x, {cpu / our_cpu:.1f} x of processor time"
        print(f"    {words:<28}{seconds:8.1f} s   peak {peak:.1f} GiB   {ratio}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--beside", type=int, default=100_000, help="customers up to which the other ways run, too")
    options = parser.parse_args()
    for size in options.customers:
        bench(size, has_others=size <= options.beside)
