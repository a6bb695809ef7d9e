"""The demo company's revenue against its truth: every month and every movement of every customer, to the cent."""

from pathlib import Path

import pytest

from ingestion.demo import write_demo
from tests.conftest import Run, run_pipeline

pytestmark = pytest.mark.whole_run

# Each company by the customer that billing's records of it are. Two companies that are taken for one have one row each.
OWNERS = """
    with owners as (
        select distinct cast(replace(records.entity_id, 'company-', '') as integer) as company, map.durable_id
        from '{truth}/records.parquet' as records
        inner join marts.map_source_records as map
            on map.source = records.source and map.source_record_id = records.record_id
            and map.entity = 'customer' and map.list_kind = 'customer' and map.is_current
        where records.source = 'stripe' and records.table = 'customers' and not records.is_test
    ),
    alone as (
        select * from owners
        qualify count(*) over (partition by company) = 1 and count(*) over (partition by durable_id) = 1
    )
"""
MONTHS = """
    , told as (
        select company, month, currency, closing_amount from marts.fct_customer_months
        inner join alone on customer_id = durable_id
        where is_complete and closing_amount > 0
    ),
    truth as (
        select company, month, currency, cast(mrr_minor / 100 as decimal(18, 4)) as closing_amount
        from '{truth}/customer_months.parquet' semi join alone using (company)
        where mrr_minor > 0 and month <= (select max(month) from marts.fct_customer_months where is_complete)
    )
    select 'told' as side, * from (from told except all from truth)
    union all select 'truth', * from (from truth except all from told)
"""
# Of several changes of one day the ledger tells the sum, by what the day was in the whole.
MOVEMENTS = """
    , told as (
        select company, movement_date, currency, sum(amount) as amount, string_agg(movement) as movement
        from marts.fct_mrr_movements inner join alone on customer_id = durable_id
        where movement <> 'fx' group by all
    ),
    truth as (
        select
            company, cast("at" as date) as movement_date, currency, cast(sum(amount_minor) / 100 as decimal(18, 4)),
            if(count(*) = 1, any_value(movement), case when arg_max(mrr_after, "at") = 0 then 'churn' end)
        from '{truth}/mrr_movements.parquet' semi join alone using (company)
        where cast("at" as date) <= (select as_of_date from marts.release_info)
        group by all having sum(amount_minor) <> 0
    )
    select 'told' as side, * from (from told except all from truth)
    union all select 'truth', * from (from truth except all from told)
"""
# Anniversaries of yearly contracts: lost where the customer left with the day, or because its payment failed for good.
RENEWALS = """
    , movements as (
        select company, cast("at" as date) as day, movement, mrr_after / 100 as mrr, "at"
        from '{truth}/mrr_movements.parquet' semi join alone using (company)
    ),
    contracts as (
        select
            starts.company, starts.day as started,
            (select min(ends.day) from movements as ends
             where ends.company = starts.company and ends.movement = 'churn' and ends."at" > starts."at") as ended
        from movements as starts
        inner join '{truth}/customer_months.parquet' as months
            on months.company = starts.company and months.month = date_trunc('month', starts.day) and months.is_yearly
        where starts.movement in ('new', 'reactivation')
    ),
    anniversaries as (
        select *, cast(started + to_years(cast(unnest([1, 2]) as integer)) as date) as due_date from contracts
    ),
    truth as (
        select
            due.company, due.due_date, coalesce(due.ended <= due.due_date + 20, false) as is_lost,
            cast(12 * (
                select arg_max(mrr, "at") from movements
                where company = due.company and day < due.due_date and mrr > 0
            ) as decimal(18, 4)) as due_amount,
            cast(if(is_lost, 0, 12 * (
                select arg_max(mrr, "at") from movements where company = due.company and day <= due.due_date
            )) as decimal(18, 4)) as renewed_amount
        from anniversaries as due
        where due.due_date <= (select as_of_date from marts.release_info) and coalesce(due.ended >= due.due_date, true)
    ),
    told as (
        select company, due_date, state = 'lost' as is_lost, due_amount, renewed_amount + upsell_amount
        from marts.fct_renewals inner join alone on customer_id = durable_id
        where due_date <= (select as_of_date from marts.release_info)
    )
    select 'told' as side, * from (from told except all from truth)
    union all select 'truth', * from (from truth except all from told)
"""
# Every invoice line of every month has found its reason.
RECONCILED = """
    select sum(abs(amount)) filter (where reason = 'unexplained'), count(distinct reason) >= 6
    from marts.rpt_billing_reconciliation
"""
ALONE = "select (select count(*) from alone), (select count(distinct company) from owners)"


def check(run: Run, truth: Path) -> None:
    owners = OWNERS.format(truth=truth)
    [(alone, companies)] = run.sql(owners + ALONE)
    assert alone > 0.95 * companies
    assert run.sql(owners + MONTHS.format(truth=truth)) == []
    assert run.sql(owners + MOVEMENTS.format(truth=truth)) == []
    assert run.sql(owners + RENEWALS.format(truth=truth)) == []
    assert run.sql("select 1 from marts.fct_renewals limit 1")
    assert run.sql(RECONCILED) == [(0, True)]


def test_the_small_demo_s_revenue_is_told_to_the_cent(demo_run: Run) -> None:
    check(demo_run, demo_run.home.root / "truth")


@pytest.mark.wide
def test_the_whole_demo_s_revenue_is_told_to_the_cent(tmp_path: Path) -> None:
    run = run_pipeline(tmp_path / "home", write_demo(tmp_path))
    assert run.succeeded, run.errors
    check(run, tmp_path / "truth")
