"""The whole identity stage as a deployment runs it: people from a file, dbt from their records to lasting ids, on the
first day and on the next, with one record in a hundred new. Nothing here is an assertion.

    python -m tests.bench_identity_stage [--records 10000 100000 1000000]
"""

import argparse
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from tests.bench_events import measured
from tests.labelled import synthetic_people

MAPPED = (
    "first_name", "last_name", "birth_date", "national_id", "phone", "address", "city", "postal_code", "email",
)  # fmt: skip
LOAD = """
import sys
from datetime import datetime
from pathlib import Path
from ingestion.contracts import read_contracts
from ingestion.home import connect_warehouse, open_home
from ingestion.load import load_sources
from ingestion.sources import read_sources
from ingestion.tables import prepare_warehouse
home, contracts = open_home(Path(sys.argv[1])), read_contracts(Path("dbt_project"))
with connect_warehouse(home) as con:
    prepare_warehouse(con, contracts)
    report = load_sources(
        con, read_sources(home.root / "sources.yml"), contracts, landing=home.root / "landing", accept_shrink=False,
        received_at=datetime.fromisoformat(sys.argv[2]),
    )
assert not report.refusals, report.refusals
"""
STAGE = """
import sys
from dbt.cli.main import dbtRunner
from ingestion.home import open_home
from pathlib import Path
home = open_home(Path(sys.argv[1]))
paths = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--target-path", str(home.dbt_target)]
quiet = ["--quiet", "--log-path", str(home.dbt_target)]
runner = dbtRunner()
if sys.argv[2] == "before":
    names = ["+int_customers__person_records", "+int_customers__company_records", "config.*"]
    done = runner.invoke([*quiet, "build", "--exclude-resource-type", "unit_test", "test", "--select", *names, *paths])
else:
    done = runner.invoke([*quiet, "run", "--select", "+int_customers__record_ids",
                          "--exclude", "+int_run__context", *paths])
    for node in done.result:
        if node.execution_time > 1:
            print(f"{node.node.name} {node.execution_time:.1f}")
assert done.success, [result.message for result in done.result if result.status not in ("success", "pass")]
"""


def bench(records: int) -> None:
    """Print seconds and peak memory of the first day and of the next."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["DBT_ENV_SECRET_WAREHOUSE"] = str(home / "warehouse.duckdb")
        os.environ["DBT_ENV_SECRET_TEMP"] = str(home / "tmp")
        people = (
            synthetic_people(records + records // 100)
            .records.select("record_id", *MAPPED)
            .sample(fraction=1, shuffle=True, seed=1)
        )
        columns = {
            "person_id": "record_id",
            **{name: name for name in (*MAPPED, "created_at")},
            "country": "upper('gb')",
        }
        columns["birth_date"] = "try_cast(birth_date as date)"
        mapping = "".join(f"        {name}: {value}\n" for name, value in columns.items())
        (home / "sources.yml").write_text(
            f"sources:\n  files:\n    people:\n      path: people_*.parquet\n      columns:\n{mapping}"
        )
        first = 0.0
        for day, at, rows in (
            ("first day", datetime(2026, 1, 1, tzinfo=UTC), people.head(records)),
            ("next day", datetime(2026, 1, 2, tzinfo=UTC), people.tail(records // 100)),
        ):
            rows.with_columns(created_at=pl.lit(at.replace(tzinfo=None))).write_parquet(
                home / f"people_{at.day}.parquet"
            )
            measured(LOAD, home, at.isoformat())
            measured(STAGE, home, "before")
            seconds, peak, printed = measured(STAGE, home, "stage")
            first = first or seconds
            print(f"{records:>9,} people, {day:9}: {seconds:6.1f} s ({seconds / first:.2f}), peak {peak:.1f} GiB")
            print("           " + ", ".join(printed.strip().splitlines()), flush=True)
        _print_ids(home)


def _print_ids(home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        row = con.sql(
            "select count(*), count(distinct durable_id) from intermediate.int_customers__record_ids"
        ).fetchone()
    print(f"           {row[0]:,} records are {row[1]:,} people" if row else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    for size in parser.parse_args().records:
        bench(size)
