"""Faults put into a built warehouse, and what the gate says of each."""

import re
from datetime import date
from functools import cache

import duckdb
import pytest

from expectations.gate import Baseline, GateResult, judge
from expectations.suites import SUITES
from ingestion.errors import UserError
from ingestion.home import PROJECT_ROOT, Home, connect_warehouse
from publishing.contract import PublicationContract, read_contract
from publishing.release import current_release

pytestmark = pytest.mark.whole_run
AS_OF = date(2024, 6, 20)
FILLED = re.compile("fct_orders|dim_customers|rpt_(order|repeat|source)_.*")
"""The marts that a shop fills: what is told once is told by none of the others."""


@cache
def _contract() -> PublicationContract:
    return read_contract(PROJECT_ROOT / "dbt_project" / "target" / "manifest.json")


def _judge(home: Home, *statements: str, baseline: bool = True, marts: re.Pattern[str] | None = None) -> GateResult:
    """What the gate says of `marts`, or else of those that the statements change: all take a quarter of a minute."""
    with connect_warehouse(home) as warehouse:
        for statement in statements:
            warehouse.execute(statement)
    marts = marts or re.compile("|".join(re.findall(r"marts\.(\w+)", " ".join(statements))))
    columns = {name: list(table.columns) for name, table in _contract().marts.items() if marts.fullmatch(name)}
    release = current_release(home)
    assert release
    last = Baseline(release.release_id, release.path / "tenure.duckdb") if baseline else None
    suites = {name: suite for name, suite in SUITES.items() if marts.fullmatch(name)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("expectations.suites.SUITES", suites)
        return judge(home.warehouse, columns, AS_OF, last)


def test_a_sound_warehouse_passes_and_is_left_unlocked(shop_home: Home) -> None:
    result = _judge(shop_home, marts=re.compile(".*"))
    assert result.passed, result.errors
    assert {check.table for check in result.checks} >= {"dim_customers", "fct_orders", "rpt_order_cohorts"}
    with connect_warehouse(shop_home) as warehouse:
        warehouse.execute("create table written as select 1 as one")


FAULTS = {
    "half of the customers gone": (
        "delete from marts.dim_customers where hash(customer_id) % 2 = 0",
        "marts.dim_customers has",
        "are gone",
    ),
    "empty mart": ("delete from marts.rpt_order_months", "marts.rpt_order_months has 0 rows", "are gone"),
    "currency times a hundred": (
        "update marts.fct_orders set gross_amount = gross_amount * 100",
        "The mean order amount is",
        "a currency or unit may have changed",
    ),
    "negative amounts": (
        "update marts.fct_orders set gross_amount = -gross_amount where order_id = 'o99999'",
        "marts.fct_orders.gross_amount should be at least 0",
        "it is not in 1 rows",
    ),
    "orders after the as-of date": (
        "update marts.fct_orders set order_date = date '2024-06-21' where order_id = 'o99999'",
        "marts.fct_orders has 1 orders after 2024-06-20",
        "",
    ),
    "no policy": ("delete from marts.dim_revenue_policies", "revenue_policies.csv has no active policy", ""),
    "a column more": (
        "alter table marts.fct_orders add column surprise integer",
        "marts.fct_orders has other columns",
        "",
    ),
    "a column less": ("alter table marts.rpt_repeat_purchase drop column rate", "rpt_repeat_purchase", ""),
    "a rate above one": (
        "update marts.rpt_order_cohorts set retention_rate = 1.2 where months_since_first = 1",
        "marts.rpt_order_cohorts.retention_rate should be between 0 and 1",
        "",
    ),
    "more returning than there are": (
        "update marts.rpt_repeat_purchase set num = den + 1 where window_days = 30 and segment = 'all'",
        "marts.rpt_repeat_purchase has 1 rates outside their own interval",
        "",
    ),
    "dates out of order": (
        "update marts.dim_customers set second_order_date = first_order_date where second_order_date is not null",
        "customers whose order dates are out of order",
        "",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_blocks_and_says_so_in_one_sentence(shop_home: Home, fault: str) -> None:
    statement, *words = FAULTS[fault]
    result = _judge(shop_home, statement)
    assert not result.passed
    findings = [str(check.finding) for check in result.errors]
    assert any(all(word in finding for word in words) for finding in findings), findings
    assert all("\n" not in finding and finding.endswith(".") for finding in findings)


@pytest.mark.parametrize(("status", "days", "said"), [("late", 4, "target 3"), ("stale", 15, "limit 14")])
def test_a_stopped_source_warns_and_then_blocks(shop_home: Home, status: str, days: int, said: str) -> None:
    of_lines = "where source = 'files' and table_name = 'order_lines'"
    result = _judge(
        shop_home,
        f"update intermediate.int_run__source_tables set status = '{status}', days_behind = {days} {of_lines}; "
        f"update marts.rpt_source_health set status = '{status}' {of_lines}",
    )
    assert result.passed == (status == "late")
    found = result.warnings if status == "late" else result.errors
    sentence = f"the newest record is of 2024-06-20, {days} days before 2024-06-20 ({said})"
    assert any("order_lines" in str(one.finding) and sentence in str(one.finding) for one in found), found


@pytest.mark.parametrize(("table", "blocks"), [("order_lines", True), ("customers", False)])
def test_a_table_that_holds_less_than_before_has_shrunk(shop_home: Home, table: str, blocks: bool) -> None:
    """However many rows were loaded: what is deleted, or delivered again, only adds to them."""
    of_table = f"where source = 'files' and table_name = '{table}'"
    result = _judge(
        shop_home,
        f"update intermediate.int_run__source_tables set current_count = 10 {of_table}",
        f"update marts.rpt_source_health set current_count = 10, loaded_count = 2 * loaded_count, "
        f"received_count = quarantined_count + superseded_count + 2 * loaded_count {of_table}",
    )
    assert result.passed != blocks
    found = [str(check.finding) for check in (result.errors if blocks else result.warnings)]
    assert any(f"{table} holds 10 records where the last release had " in one for one in found), found
    assert any("more than 20% are gone" in one for one in found)


def _last_week(rate: float, status: str = "ok", table: str = "order_lines") -> str:
    """The table brought that share of 700 records, which are expected of its last week."""
    of_table = f"where source = 'files' and table_name = '{table}'"
    return (
        f"update marts.rpt_source_health set recent_new_count = {700 * rate:.0f}, recent_expected_count = 700, "
        f"status = '{status}' {of_table}; "
        f"update intermediate.int_run__source_tables set status = '{status}', days_behind = 15 {of_table}"
    )


@pytest.mark.parametrize(
    ("table", "rate", "severity"),
    [
        ("order_lines", 0.05, "error"),
        ("order_lines", 0.3, "warning"),
        ("order_lines", 0.5, None),
        ("customers", 0.05, "warning"),
    ],
)
def test_a_collapse_of_new_records_is_told_once(shop_home: Home, table: str, rate: float, severity: str | None) -> None:
    result = _judge(shop_home, _last_week(rate, table=table), marts=FILLED)
    found = [check for check in (*result.errors, *result.warnings) if "7 days before" in str(check.finding)]
    assert [check.severity for check in found] == ([severity] if severity else [])
    sentence = (
        f"Of the 700 new records of {table} that are expected of the 7 days before 2024-06-20, {700 * rate:.0f} came"
    )
    assert all(str(check.finding).startswith(sentence) for check in found)


def test_a_source_that_has_stopped_is_not_told_as_a_collapse(shop_home: Home) -> None:
    result = _judge(shop_home, _last_week(0, "stale"), marts=FILLED)
    assert ["may have stopped" in str(check.finding) for check in result.errors] == [True]


def test_what_has_stopped_is_told_once_for_all_its_tables(shop_home: Home) -> None:
    result = _judge(
        shop_home,
        *(
            f"update {relation} set status = 'stale', is_connected = true, newest_record_date = date '2024-06-0{day}', "
            f"days_behind = {20 - day} where source = 'files' and table_name = '{table}'"
            for relation in ("marts.rpt_source_health", "intermediate.int_run__source_tables")
            for day, table in enumerate(("order_lines", "orders"), start=1)
        ),
        marts=FILLED,
    )
    (told,) = [str(check.finding) for check in result.errors if "stopped" in str(check.finding)]
    assert told.startswith("order_lines, orders may have stopped: the newest record is of 2024-06-02, 18 days before")


def test_tables_with_much_in_quarantine_are_named(shop_home: Home) -> None:
    of_lines = "where table_name = 'order_lines' and source = 'files'"
    counts = "set current_count = 940, open_quarantine_count = {}, quarantined_count = 500, received_count = 500 + "
    counts += "loaded_count + superseded_count"

    def warnings(waiting: int) -> list[str]:
        result = _judge(
            shop_home,
            f"update marts.rpt_source_health {counts.format(waiting)} {of_lines}",
            f"update intermediate.int_run__source_tables set current_count = 940, open_quarantine_count = {waiting} "
            + of_lines,
        )
        return [str(check.finding) for check in result.warnings if check.check == "quarantine"]

    (told,) = warnings(60)
    assert told.startswith("More than 5% of their rows are in quarantine: order_lines 60 of 1,000 (6.0%);")
    # What was mended counts in the account, and not here.
    assert warnings(40) == []


def test_what_belongs_to_no_table_is_told_under_its_system(shop_home: Home) -> None:
    reasons = [*(f"file_{number}.csv is named for no table." for number in range(6)), "{x} is a folder."]
    values = ", ".join(f"('hubspot', 'HubSpot', null, null, '{reason}')" for reason in reasons)
    result = _judge(shop_home, f"insert into marts.rpt_source_refusals values {values}")
    assert result.passed, result.errors
    (told,) = [str(check.finding) for check in result.warnings if check.table == "rpt_source_refusals"]
    assert told.startswith("HubSpot: file_0.csv is named for no table. file_1.csv is")
    assert told.endswith("And 2 more: tenure status names them.")


def test_a_release_that_did_not_count_what_its_tables_hold_is_no_measure_for_it(shop_home: Home) -> None:
    release = current_release(shop_home)
    assert release
    with duckdb.connect(str(release.path / "tenure.duckdb")) as older:
        older.execute("alter table marts.rpt_source_health drop column current_count")
    result = _judge(shop_home, "update marts.rpt_source_health set current_count = 10")
    assert result.passed, result.errors


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "update marts.fct_orders set country = 'Atlantis' where order_id = 'o99999'",
            "countries that the last release",
        ),
        (
            "update marts.rpt_order_cohorts set min_cell_ok = false where cohort_month = '2024-01-01'",
            "cohorts are too small",
        ),
        ("update marts.fct_orders set has_customer = false where hash(order_id) % 3 = 0", "orders without a customer"),
        ("update marts.rpt_order_months set currency = null", "Orders have several currencies"),
        (
            "insert into marts.rpt_order_line_balance values ('files', 'quarantined', 'bad', null, null, 900000, null)",
            "More than 5% of the order lines are in quarantine",
        ),
        (
            # c has two alike, d had in January; e went from one to another.
            "insert into marts.fct_subscription_changes by name select 'files' as source, id as customer_id, "
            "id as followed_id, id as past_customer_id, item as source_subscription_id, "
            "item as source_subscription_item_id, "
            "'item' as cause, 'team' as plan, quantity, 50 as unit_amount, 100 as amount, 'EUR' as currency, "
            "day as movement_date, day as effective_date, 'load-1' as load_id from (values "
            "('c', 's', 2, date '2024-01-01'), ('c', 't', 2, date '2024-01-01'), ('d', 'u', 2, date '2024-01-01'), "
            "('d', 'v', 2, date '2024-01-10'), ('d', 'v', 0, date '2024-02-01'), ('e', 'w', 2, date '2024-01-01'), "
            "('e', 'w', 0, date '2024-03-01'), ('e', 'x', 2, date '2024-03-01')) as t(id, item, quantity, day)",
            "Customers who have, or had, items of the same plan, price and quantity at a time, in one subscription or "
            "two: 2;",
        ),
    ],
)
def test_a_warning_is_shown_and_stops_nothing(shop_home: Home, statement: str, finding: str) -> None:
    result = _judge(shop_home, statement)
    assert result.passed, result.errors
    assert any(finding in str(check.finding) for check in result.warnings), result.warnings


def test_a_first_release_has_no_last_one_to_be_compared_with(shop_home: Home) -> None:
    result = _judge(shop_home, "delete from marts.fct_orders where hash(order_id) % 2 = 0", baseline=False)
    assert result.baseline_release_id is None
    assert not [check for check in result.errors if check.check == "volume"]


def test_thresholds_come_from_the_seed(shop_home: Home) -> None:
    gone = "delete from marts.dim_customers where hash(customer_id) % 2 = 0"
    loose = "update config.gate_thresholds set value = 0.9 where threshold = 'max_row_loss_rate'"
    assert _judge(shop_home, gone, loose).passed


def test_a_mart_without_a_suite_is_named(shop_home: Home) -> None:
    columns = {name: list(table.columns) for name, table in _contract().marts.items()} | {"rpt_new": ["a"]}
    with pytest.raises(UserError, match=r"don't match: rpt_new; each mart needs one suite"):
        judge(shop_home.warehouse, columns, AS_OF, None)


def test_findings_hold_no_values_of_records(shop_home: Home) -> None:
    result = _judge(shop_home, "update marts.dim_customers set order_count = -1")
    with duckdb.connect(str(shop_home.warehouse), read_only=True) as warehouse:
        people = warehouse.sql(
            "select email, customer_name from marts.dim_customers where email is not null"
        ).fetchall()
    text = result.to_json()
    assert len(people) > 10
    assert not [value for row in people for value in row if value in text]
