"""Each cell of a table is the count or sum of rows of facts that dbt_project/DRILL_DOWN.md gives."""

import re

import pytest

from ingestion.home import PROJECT_ROOT
from tests.conftest import Run

pytestmark = pytest.mark.whole_run

QUERIES = dict(
    re.findall(
        r"^## (\w+)\n.*?```sql\n(.*?)```",
        (PROJECT_ROOT / "dbt_project" / "DRILL_DOWN.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
)
CELLS = {
    "rpt_mrr_months": "true",
    "rpt_nrr_monthly": "window_months = 3",
    "rpt_customer_retention_rate": "window_months = 3",
    "rpt_cohort_retention": "age_basis = 'calendar' and active_customer_count > 0",
    "rpt_renewal_rates": "window_months = 1",
    "rpt_billing_reconciliation": "row_count > 0",
}


def test_every_documented_table_is_looked_into() -> None:
    assert set(QUERIES) == set(CELLS)


@pytest.mark.parametrize("table", CELLS)
def test_cells_are_what_their_rows_say(demo_run: Run, table: str) -> None:
    columns = ", ".join(name for name, *_ in demo_run.sql(f"use marts; describe {QUERIES[table]}"))
    shown = f"select {columns} from {table} where {CELLS[table]}"
    rows = f"select {columns} from ({QUERIES[table]})"
    assert demo_run.sql(f"use marts; select count(*) from ({shown})") > [(20,)]
    assert demo_run.sql(f"use marts; ({shown}) except all ({rows})") == []
    assert demo_run.sql(f"use marts; ({rows}) except all ({shown})") == []
