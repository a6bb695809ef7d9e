"""Each cell of a table is the count or sum of rows of facts that dbt_project/DRILL_DOWN.md gives."""

import re

import pytest

from ingestion.home import PROJECT_ROOT
from tests.conftest import Run

pytestmark = pytest.mark.whole_run

DOCUMENT = (PROJECT_ROOT / "dbt_project" / "DRILL_DOWN.md").read_text()
QUERIES = dict(re.findall(r"^## (\w+)\n.*?```sql\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL))
SHOWN = {
    "rpt_cohort_retention": "active_customer_count > 0",
    "rpt_lifetime_value": "formula = 'clv_simple'",
    "rpt_definition_reconciliation": "subscription_count > 0",
    "rpt_billing_reconciliation": "row_count > 0",
}
"""Cells that have rows."""
NO_CELLS = {"rpt_metric_trends", "rpt_benchmarks", "rpt_restatements"}
"""Cells of other tables again."""


def test_every_table_of_revenue_is_looked_into() -> None:
    folder = PROJECT_ROOT / "dbt_project/models/marts/revenue"
    assert set(QUERIES) == {path.stem for path in folder.glob("rpt_*.sql")} - NO_CELLS


@pytest.mark.parametrize("table", sorted(QUERIES))
def test_cells_are_what_their_rows_say(demo_run: Run, table: str) -> None:
    columns = [name for name, *_ in demo_run.sql(f"use marts; describe {QUERIES[table]}")]
    told = ", ".join("round(survival, 9) as survival" if name == "survival" else name for name in columns)
    shown = f"select {told} from {table} where {SHOWN.get(table, 'true')}"
    rows = f"select {', '.join(columns)} from ({QUERIES[table]})"
    assert demo_run.sql(f"use marts; select count(*) from ({shown})") > [(6,)]
    assert demo_run.sql(f"use marts; ({shown}) except all ({rows})") == []
    assert demo_run.sql(f"use marts; ({rows}) except all ({shown})") == []


def test_a_movement_leads_to_an_invoice_line(demo_run: Run) -> None:
    [query] = re.findall(r"^## From a movement.*?```sql\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL)
    found = demo_run.sql(f"""
        use marts;
        with found as ({query}), items as (from found where source_subscription_item_id is not null and amount > 0)
        select
            (select sum(amount) from found) = (
                select sum(amount) from fct_mrr_movements where movement not in ('scope_change', 'fx')
            ),
            count(invoice_lines) / count(*) > .9
        from items
    """)
    assert found == [(True, True)]
