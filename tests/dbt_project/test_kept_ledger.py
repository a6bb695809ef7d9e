"""The ledger that is kept from day to day is, on each, the one that all of it anew would be."""

import random
from datetime import date, timedelta

import duckdb
import pytest

from tests.revenue import MODELS, Revenue, keep_ledger, make_model
from tests.stories import START, feed, make_story

RATES = (
    "int_revenue__level_spans",
    "int_revenue__customer_levels",
    "int_revenue__presences",
    "fct_retention_windows",
)
KEPT = (
    "int_revenue__item_states",
    "int_revenue__item_days",
    "int_revenue__subscription_days",
    "int_revenue__customer_days",
    "fct_mrr_movements",
    "fct_subscription_changes",
    "fct_customer_months",
    *RATES,
)
INPUTS = (
    "int_billing__subscriptions",
    "int_billing__subscription_items",
    "int_billing__invoice_lines",
    "int_customers__id_spells",
    "revenue_policies",
    "fx_rates",
    "int_run__context",
)


def put(con: duckdb.DuckDBPyConnection, table: str, rows: duckdb.DuckDBPyRelation) -> None:
    con.register("rows_put", rows.pl())
    con.execute(f"delete from {table}; insert into {table} by name from rows_put")
    con.unregister("rows_put")


class Days:
    """Random histories that become known bit by bit: late, in another order than they happened, with records of billing
    that are taken for another customer's, and with rows that go again."""

    def __init__(self, count: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.all = Revenue(START.date())
        feed(self.all, [make_story(seed * count + number) for number in range(count)])
        self.kept = Revenue(START.date(), usage_months="2")
        con = self.all.connection
        con.execute(f"select setseed({seed / 1000})")
        for table in INPUTS[:2]:
            con.execute(f"""
                update {table} set currency = 'USD' where hash(source_subscription_id, {seed}) % 4 = 0;
                alter table {table} add column known_date date;
                alter table {table} add column gone_date date;
                update {table} set
                    known_date = greatest(valid_from_at::date, valid_from_at::date + (random() * 90 - 60)::integer),
                    gone_date = case when random() < .05 then valid_from_at::date + (random() * 200)::integer end
            """)
        con.execute("""
            update int_billing__subscription_items set usage_type = 'metered'
            where hash(source_subscription_item_id) % 6 = 0
        """)
        con.execute("""
            insert into int_billing__invoice_lines by name
            select distinct source, source_subscription_item_id, 'metered' as usage_type,
                source_subscription_item_id || m as source_invoice_line_id,
                'month' as billing_interval, 1 as interval_count, 'paid' as invoice_status,
                (hash(source_subscription_item_id, m) % 50)::decimal(18, 4) as line_amount,
                timestamp '2024-01-20' + to_months(m::integer) as period_end_at, period_end_at as issued_at
            from int_billing__subscription_items, range(12) as t(m) where usage_type = 'metered'
        """)
        # One record in three belongs to another's id from a day on; some of them come back, some are gone.
        con.execute("""
            create table moves as
            with records as (select distinct source_record_id as record from int_customers__id_spells)
            select record, record as durable_id, date '2020-01-01' as known_date from records
            union all
            select record, arg_min(other, hash(record, other)), date '2024-01-10' + (hash(record) % 200)::integer
            from records, (select record as other from records)
            where hash(record, 1) % 3 = 0 group by record
            union all
            select record, if(hash(record, 3) % 2 = 0, record, null),
                date '2024-01-10' + (200 + hash(record) % 150)::integer
            from records where hash(record, 1) % 3 = 0 and hash(record, 2) % 3 = 0
        """)
        con.execute("""
            insert into fx_rates values ('EUR', 'USD', '2023-01-01', '0.9'), ('EUR', 'USD', '2024-03-01', '0.8'),
                ('EUR', 'USD', '2024-06-01', '0.85')
        """)

    def know(self, as_of: date) -> None:
        """The inputs of a run on a day."""
        ours, theirs = self.kept.connection, self.all.connection
        day = f"date '{as_of}'"
        queries = {
            "int_billing__subscriptions": f"known_date <= {day} and coalesce(gone_date > {day}, true)",
            "int_billing__subscription_items": f"known_date <= {day} and coalesce(gone_date > {day}, true)",
            "int_billing__invoice_lines": f"issued_at < {day}",
            "fx_rates": "true",
        }
        for table, known in queries.items():
            rows = theirs.sql(f"select {', '.join(ours.table(table).columns)} from {table} where {known}")
            put(ours, table, rows)
        spells = theirs.sql(f"""
            select 'customer' as entity, 'stripe' as source, 'customer' as list_kind, record as source_record_id,
                durable_id, known_date as valid_from_date,
                lead(known_date) over (partition by record order by known_date) as valid_to_date
            from moves where known_date <= {day} qualify durable_id is not null
        """)
        put(ours, "int_customers__id_spells", spells)
        ours.execute(f"update int_run__context set as_of_date = {day}")

    def run(self, until: str | None = None) -> None:
        """A run; one that ends after a model."""
        for model in (*MODELS, *RATES):
            make_model(self.kept.connection, model)
            if model == until:
                return
        keep_ledger(self.kept.connection)

    def differences(self) -> dict[str, list[tuple[object, ...]]]:
        """What a table has that it hasn't where all is made anew, and the other way round."""
        anew = Revenue(START.date())
        for table in INPUTS:
            put(anew.connection, table, self.kept.connection.table(table))
        anew.build(*RATES)
        found = {}
        for table in KEPT:
            rows = anew.connection.table(table).pl()
            self.kept.connection.register("anew", rows)
            query = f"(from {table} except all from anew) union all (from anew except all from {table})"
            found[table] = self.kept.sql(f"select * from ({query}) limit 3")
        return {table: rows for table, rows in found.items() if rows}


def changed_share(days: Days) -> float:
    [(share,)] = days.kept.sql("""
        select (select count(*) from int_revenue__changed_subscriptions)
            / greatest((select count(*) from int_revenue__subscription_inputs), 1)
    """)
    return share


@pytest.mark.parametrize(
    ("count", "seed", "steps"),
    [(40, 1, 8), *(pytest.param(200, seed, 30, marks=pytest.mark.wide) for seed in range(2, 22))],
)
def test_each_day_s_ledger_is_the_one_made_anew(count: int, seed: int, steps: int) -> None:
    days = Days(count, seed)
    as_of = START.date() + timedelta(days=60)
    shares = []
    for step in range(steps):
        days.know(as_of)
        if step % 4 == 2:
            days.run(until=days.chance.choice(("int_revenue__changed_subscriptions", *KEPT)))
            as_of += timedelta(days=days.chance.choice((-7, 0, 2)))
            days.know(as_of)
        if step % 12 == 6:
            days.kept.connection.execute("update revenue_policies set dunning_days = ?", [str(step)])
        days.run()
        shares.append(changed_share(days))
        assert days.differences() == {}, as_of
        as_of += timedelta(days=days.chance.choice((-5, 1, 1, 1, 2, 5, 16)))
    assert min(shares) < 0.2
