"""The demo shop: the same from the same seed, believable, and with a few faults to show the quarantine."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import write_demo
from ingestion.errors import UserError
from ingestion.load import load_sources
from ingestion.sources import read_sources


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    seeds = {"a": 1, "b": 1, "c": 2}
    first, second, other = (
        write_demo(tmp_path / name, customers=60, months=8, rng=rng).parent for name, rng in seeds.items()
    )
    files = sorted(path.relative_to(first) for path in first.rglob("*.*"))
    assert [(first / name).read_bytes() for name in files] == [(second / name).read_bytes() for name in files]
    assert any((first / name).read_bytes() != (other / name).read_bytes() for name in files)


def test_a_believable_shop(tmp_path: Path, contracts: Contracts) -> None:
    sources = read_sources(write_demo(tmp_path))
    con = duckdb.connect(config={"threads": 2})
    loads = load_sources(con, sources, contracts, accept_shrink=False, received_at=datetime(2026, 7, 1, tzinfo=UTC))
    assert [load.table_name for load in loads] == ["order_lines"] * 3 + ["customers"]
    assert {load.table_name: load.superseded_count for load in loads} == {"order_lines": 0, "customers": 0}
    assert sum(load.quarantined_count for load in loads) == 5
    ((customers, repeaters, guests, returns, gifts, countries, last),) = con.execute("""
        with buyers as (
            select customer_id, count(distinct ordered_at::date) as days from raw_files.order_lines
            where not is_cancellation and customer_id is not null group by all
        )
        select
            (select count(*) from raw_files.customers), (select avg((days > 1)::int) from buyers),
            avg((customer_id is null)::int), avg(is_cancellation::int), avg((unit_price = 0)::int),
            count(distinct country), max(ordered_at)::date::varchar
        from raw_files.order_lines
    """).fetchall()
    assert customers == 2000
    assert 0.4 < repeaters < 0.7
    assert 0.02 < guests < 0.04
    assert 0.03 < returns < 0.07
    assert 0 < gifts < 0.02
    assert countries == 6
    assert last == "2026-06-17"
    assert con.execute("""
        select count(*) from raw_files.order_lines anti join raw_files.customers using (customer_id)
        where order_lines.customer_id is not null
    """).fetchall() == [(0,)]
    # Every return takes back a line that was sold to the same customer, earlier and at the same price.
    assert con.execute("""
        select count(*) from raw_files.order_lines back
        anti join raw_files.order_lines sale on sale.customer_id is not distinct from back.customer_id
            and sale.product_id = back.product_id and sale.unit_price = back.unit_price
            and sale.quantity = -back.quantity and sale.ordered_at < back.ordered_at and not sale.is_cancellation
        where back.is_cancellation
    """).fetchall() == [(0,)]


def test_the_smallest_demo(tmp_path: Path) -> None:
    assert write_demo(tmp_path, customers=1, months=1).exists()
    with pytest.raises(UserError, match="at least 1 customer and 1 month"):
        write_demo(tmp_path, customers=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="the demo can't be written to"):
        write_demo(tmp_path / "file")


def test_the_demo_never_overwrites_anothers_sources(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("sources: {}\n")
    with pytest.raises(UserError, match=r"sources.yml is not the demo's"):
        write_demo(tmp_path, customers=10, months=2)
    assert (tmp_path / "sources.yml").read_text() == "sources: {}\n"
