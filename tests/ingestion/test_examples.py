"""The mappings that ship for public sets, against figures that are known of these sets."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.contracts import Contracts
from ingestion.load import load_sources
from ingestion.manifest import Load
from ingestion.sources import read_sources
from tests.conftest import public_data

EXAMPLES = Path(__file__).resolve().parents[2] / "ingestion" / "examples"


def load_example(
    con: duckdb.DuckDBPyConnection, contracts: Contracts, name: str, monkeypatch: pytest.MonkeyPatch, landing: Path
) -> Load:
    folder = public_data()
    if not (folder / name).is_dir():
        pytest.skip(f"needs the public set {name}: set TENURE_DATA to the folder that holds it")
    monkeypatch.setenv("TENURE_DATA", str(folder))
    sources = read_sources(EXAMPLES / f"{name}.yml")
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    report = load_sources(con, sources, contracts, landing=landing, accept_shrink=False, received_at=moment)
    assert not report.refusals
    (load,) = report.loads
    return load


def test_online_retail(contracts: Contracts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    con = duckdb.connect(config={"threads": 2})
    load = load_example(con, contracts, "online_retail", monkeypatch, tmp_path)
    assert (load.received_count, load.loaded_count, load.quarantined_count) == (525_461, 525_458, 3)
    assert con.execute("select row_number, reason from quarantine.files__order_lines order by all").fetchall() == [
        (179404, "unit_price is below 0"),
        (276275, "unit_price is below 0"),
        (403473, "unit_price is below 0"),
    ]
    # The three quarantined rows have no customer either; the set counts 107,927 rows without one.
    assert con.execute("""
        select count(*) filter (customer_id is null), count(distinct customer_id), count(*) filter (is_cancellation),
            min(ordered_at)::date::varchar, max(ordered_at)::date::varchar
        from raw_files.order_lines
    """).fetchall() == [(107_924, 4383, 10_206, "2009-12-01", "2010-12-09")]
    assert con.execute("""
        select count(*), sum(quantity * unit_price)::decimal(18, 2)::varchar, count(distinct order_id),
            count(distinct customer_id)
        from raw_files.order_lines
        where customer_id is not null and not is_cancellation and quantity > 0 and unit_price > 0
    """).fetchall() == [(407_664, "8832003.27", 19_213, 4312)]


def test_cdnow(contracts: Contracts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    con = duckdb.connect(config={"threads": 2})
    load = load_example(con, contracts, "cdnow", monkeypatch, tmp_path)
    assert (load.received_count, load.loaded_count) == (6919, 6919)
    assert con.execute("""
        select count(distinct order_id), count(distinct customer_id), sum(line_amount)::varchar,
            count(*) filter (line_amount = 0) > 0
        from raw_files.order_lines
    """).fetchall() == [(6919, 2357, "244091.9400", True)]
