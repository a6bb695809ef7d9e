"""Every row of the demo's exports is accounted for: against the files, and against the truth of what was damaged."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.contracts import Contract, Contracts, read_contracts
from ingestion.demo import success, write_demo
from ingestion.demo.event_damage import KEY_TIME_FORMAT
from ingestion.home import PROJECT_ROOT, connect_warehouse
from ingestion.text import ident
from tests.conftest import Run, run_pipeline

pytestmark = pytest.mark.whole_run

COUNTS = ("received_count", "loaded_count", "quarantined_count", "superseded_count")
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    ".parquet": lambda path: pl.read_parquet(path),
}


class Books:
    """What the files held, what became of it in the warehouse, and what the truth says of it."""

    def __init__(self, demo: Path, warehouse: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
        self.exports = demo.parent / "exports"
        self.damaged = pl.read_parquet(demo.parent / "truth" / "damaged.parquet")
        self.warehouse = warehouse
        loaded = warehouse.sql("select distinct source, table_name from ingestion.loads order by all").fetchall()
        self.contracts = [contracts[table] for table in loaded]

    def planted(self, contract: Contract, *expected: str) -> pl.DataFrame:
        """What the truth lists for a table; columns that were added are no records."""
        return self.damaged.filter(
            (pl.col("source") == contract.source)
            & (pl.col("table") == contract.table)
            & pl.col("expected").is_in(list(expected))
            & (pl.col("damage") != "added_column")
        )

    def files(self, contract: Contract) -> list[pl.DataFrame]:
        """The rows of a table's files, with their ids; a table's name followed by a letter is another's."""
        paths = sorted((self.exports / contract.source).glob(f"{contract.table}*"))
        paths = [path for path in paths if not path.stem.removeprefix(contract.table)[:2].strip("_").isalpha()]
        return [
            READERS[path.suffix](path).with_columns(
                record_id=pl.concat_str([_as_text(name) for name in key_in_file(contract)], separator="/")
            )
            for path in paths
        ]

    def good_rows(self, contract: Contract) -> list[pl.DataFrame]:
        """The rows that fulfil the contract, in its columns, file by file."""
        broken = self.planted(contract, "quarantined")["record_id"].implode()
        columns = {*columns_in_file(contract), "record_id"}
        return [
            frame.filter(~pl.col("record_id").is_in(broken)).select(name for name in frame.columns if name in columns)
            for frame in self.files(contract)
        ]

    def raw(self, contract: Contract, condition: str = "true") -> pl.DataFrame:
        """The rows of the raw table: id, version."""
        key = ", ".join(_sql_text(contract, name) for name in contract.meta.key)
        return self.warehouse.sql(
            f"select concat_ws('/', {key}) as record_id, _version from {contract.raw_table} where {condition}"
        ).pl()

    def counts(self, contract: Contract) -> tuple[int, ...]:
        """Received, loaded, quarantined and superseded over all loads of a table."""
        sums = ", ".join(f"sum({name})::bigint" for name in COUNTS)
        where = f"source = '{contract.source}' and table_name = '{contract.table}'"
        return self.warehouse.sql(f"select {sums} from ingestion.loads where {where}").fetchall()[0]


def key_in_file(contract: Contract) -> tuple[str, ...]:
    """The names that a table's key has in its files."""
    return success.SHAPES[contract.table].key if contract.source == "files" else contract.meta.key


def columns_in_file(contract: Contract) -> tuple[str, ...]:
    """The columns of a table's files that its contract takes something from."""
    if contract.source != "files":
        return contract.column_names
    return ("decided_by", "cost_eur", *success.COLUMNS[contract.table].values())


def _as_text(name: str) -> pl.Expr:
    column = pl.col(name)
    text = column.dt.strftime(KEY_TIME_FORMAT) if name == "original_timestamp" else column.cast(pl.String)
    return text.fill_null("")


def _sql_text(contract: Contract, name: str) -> str:
    data_type = next(column.data_type for column in contract.columns if column.name == name)
    if data_type != "timestamp":
        return f"coalesce({ident(name)}::varchar, '')"
    form = "%Y-%m-%dT%H:%M:%S.%gZ" if name == "original_timestamp" else "%Y-%m-%dT%H:%M:%SZ"
    return f"strftime({ident(name)}, '{form}')"


@cache
def _contracts() -> Contracts:
    return read_contracts(PROJECT_ROOT / "dbt_project")


@pytest.fixture(scope="module")
def books(demo: Path, demo_run: Run) -> Iterator[Books]:
    with connect_warehouse(demo_run.home, read_only=True) as warehouse:
        yield Books(demo, warehouse, _contracts())


def test_each_load_accounts_for_every_row_it_received(books: Books) -> None:
    for contract in books.contracts:
        where = f"source = '{contract.source}' and table_name = '{contract.table}'"
        unequal = books.warehouse.sql(f"""
            select load_id, received_count, loaded_count, quarantined_count, superseded_count
            from ingestion.loads
            where {where} and not (
                received_count = loaded_count + quarantined_count + superseded_count
                and loaded_count = (
                    select count(*) from {contract.raw_table} where _load_id = load_id and not _is_deleted
                )
                and deleted_count = (
                    select count(*) from {contract.raw_table} where _load_id = load_id and _is_deleted
                )
                and quarantined_count = (select count(*) from {contract.quarantine_table} where _load_id = load_id)
            )
        """).fetchall()
        assert unequal == [], contract.raw_table


def test_every_table_balances_against_its_files_and_the_truth(books: Books) -> None:
    assert len(books.contracts) > 40
    for contract in books.contracts:
        files, good = books.files(contract), books.good_rows(contract)
        rows = pl.concat(good, how="diagonal_relaxed")
        seen_again = 0
        if contract.meta.delivery == "full" and len(good) > 1:
            seen_again = len(good[1].unique().join(good[0].unique(), on=good[0].columns, how="semi", nulls_equal=True))
        quarantined, superseded = (len(books.planted(contract, kind)) for kind in ("quarantined", "superseded"))
        received = sum(len(frame) for frame in files)
        loaded = len(rows.unique())
        assert books.counts(contract) == (received, loaded, quarantined, superseded + seen_again), contract.raw_table
        assert received == loaded + quarantined + superseded + seen_again, contract.raw_table


def test_what_is_quarantined_is_what_was_broken_for_the_planted_reason(books: Books) -> None:
    for contract in books.contracts:
        rest = Counter(books.planted(contract, "quarantined").select("record_id", "reason").iter_rows())
        for record, reason in books.warehouse.sql(f"select record, reason from {contract.quarantine_table}").fetchall():
            name = _named(contract, json.loads(record))
            planted = next((one for one in rest if one[0] == name and one[1] in reason and rest[one]), None)
            assert planted, (contract.quarantine_table, reason)
            rest[planted] -= 1
        assert not +rest, contract.quarantine_table


def _named(contract: Contract, record: dict[str, str | None]) -> str:
    values = [record[column] or "" for column in key_in_file(contract)]
    if contract.source == "segment":
        values[0] = values[0] and values[0].replace(" ", "T")[:23].ljust(23, "0") + "Z"
    return "/".join(values)


def test_each_record_ends_as_the_truth_expects(books: Books) -> None:
    for contract in books.contracts:
        ids = pl.concat([frame["record_id"] for frame in books.good_rows(contract)]).unique()
        gone = set(books.planted(contract, "deleted")["record_id"])
        current = books.raw(contract, "_superseded_by is null and not _is_deleted")
        assert current["record_id"].is_unique().all(), contract.raw_table
        assert set(current["record_id"]) == set(ids) - gone, contract.raw_table
        buried = books.raw(contract, "_superseded_by is null and _is_deleted")
        assert sorted(buried["record_id"]) == sorted(gone), contract.raw_table
        known = books.raw(contract)
        missing = set(books.planted(contract, "missing", "quarantined")["record_id"])
        assert missing.isdisjoint(known["record_id"]), contract.raw_table
        kept = set(books.planted(contract, "kept", "corrected", "superseded")["record_id"])
        assert kept - gone <= set(current["record_id"]) | missing, contract.raw_table

        corrected = books.planted(contract, "corrected")["record_id"]
        before = books.raw(contract, "_superseded_by is not null").filter(
            pl.col("record_id").is_in(corrected.implode())
        )
        both = before.join(current, on="record_id", suffix="_now")
        assert sorted(both["record_id"]) == sorted(set(corrected) - gone), contract.raw_table
        assert (both["_version"] < both["_version_now"]).all(), contract.raw_table


def test_the_release_says_the_same(demo_run: Run, books: Books) -> None:
    sums = ", ".join(f"sum({name})::bigint" for name in COUNTS)
    health = demo_run.sql(
        f"select source, table_name, {sums} from marts.rpt_source_health where is_connected group by all order by all"
    )
    assert health == [(one.source, one.table, *books.counts(one)) for one in books.contracts]
    added = books.damaged.filter(pl.col("damage") == "added_column").select("source", "table", "record_id").rows()
    changes = demo_run.sql("select source, table_name, schema_change from marts.rpt_source_health where is_as_of_date")
    assert {(source, table, change) for source, table, change in changes if change} == {
        (source, table, f"added {column}") for source, table, column in added
    }


@pytest.mark.wide
def test_the_missing_days_are_named(tmp_path: Path) -> None:
    """At a size at which the tables have rows every day."""
    demo = write_demo(tmp_path / "demo", customers=1_000, months=12, events=400_000)
    run = run_pipeline(tmp_path / "home", demo)
    assert run.succeeded, run.errors
    lost = pl.read_parquet(demo.parent / "truth" / "damaged.parquet").filter(pl.col("damage") == "missing_day")
    tables = set(lost.select("source", "table").unique().iter_rows())
    gaps = run.sql("select source, table_name, record_date::varchar from marts.rpt_source_health where is_gap")
    assert {(source, table) for source, table, day in gaps if day == "2026-03-11"} == tables
    # On New Year's Day nobody is asked how they were served.
    assert {gap for gap in gaps if gap[-1] != "2026-03-11"} <= {("delighted", "survey_requests", "2026-01-01")}
