"""The shop's exports written, loaded and asked: what the tests of its three systems share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import yaml

from ingestion.contracts import Contracts
from ingestion.demo.clock import Seeds, months_until_end
from ingestion.demo.damage import Damage
from ingestion.demo.shop import Shop, simulate_shop
from ingestion.demo.story import ReorderCoefficients
from ingestion.demo.write import Exports, write_exports
from ingestion.load import load_sources
from ingestion.manifest import Load
from ingestion.sources import read_sources

RECEIVED_AT = datetime(2026, 6, 18, 6, 0, tzinfo=UTC)
Exporter = Callable[[Shop, Damage], Exports]


@dataclass
class Loaded:
    """One system's exports, and the warehouse that they were loaded into."""

    source: str
    exports: Exports
    con: duckdb.DuckDBPyConnection
    loads: list[Load]

    def query(self, sql: str) -> pl.DataFrame:
        return self.con.execute(sql).pl()

    def current(self, table: str) -> pl.DataFrame:
        """The current rows of a raw table, in the contract's columns, by id."""
        return self.query(
            f"select columns(c -> c not like '\\_%' escape '\\') from raw_{self.source}.{table} "
            "where _superseded_by is null order by id"
        )

    def damaged(self, expected: str) -> pl.DataFrame:
        return self.exports.truth["damaged"].filter(pl.col("expected") == expected)


def shop_of(shoppers: int, *, people: bool = False) -> Shop:
    """A shop with two years of history; with `people`, its last shoppers' namesakes work for companies."""
    months, story = months_until_end(24), ReorderCoefficients()
    if not people:
        return simulate_shop(Seeds(7), months, shoppers=shoppers, reorder=story)
    others = simulate_shop(Seeds(2), months_until_end(1), shoppers=shoppers, reorder=story).shoppers
    named = others.drop("person").rename({"shopper": "person", "email": "private_email"})
    named = named.with_columns(pl.col("person").cast(pl.Int32))
    return simulate_shop(Seeds(7), months, shoppers=shoppers, reorder=story, people=named)


def load_shop(
    folder: Path, source: str, exporter: Exporter, shop: Shop, damage: Damage, contracts: Contracts
) -> Loaded:
    """Export one system and load it into a warehouse of its own."""
    exports = exporter(shop, damage)
    write_exports(folder / source, exports.tables)
    sources = folder / "sources.yml"
    sources.write_text(yaml.safe_dump({"sources": {source: {"exports": source}}}))
    con = duckdb.connect(config={"threads": 2})
    landing = folder / "landing"
    report = load_sources(
        con, read_sources(sources), contracts, landing=landing, accept_shrink=False, received_at=RECEIVED_AT
    )
    assert not report.refusals
    return Loaded(source, exports, con, report.loads)


def check_clean(loaded: Loaded) -> None:
    """Every row fulfils its contract, comes once, and leads somewhere."""
    assert loaded.exports.truth["damaged"].is_empty()
    assert {load.table_name for load in loaded.loads} == set(loaded.exports.tables)
    for load in loaded.loads:
        assert load.received_count == load.loaded_count > 0
        assert load.quarantined_count == load.superseded_count == load.replaced_count == 0
    orphans = loaded.query("select * from ingestion.orphans")
    assert len(orphans) > 0
    assert orphans["orphan_count"].sum() == 0


def check_damage(loaded: Loaded, clean: Loaded) -> None:
    """What the loader refused, knew already and replaced is what the truth lists; all else is as without damage."""
    quarantined = loaded.damaged("quarantined")
    for table in loaded.exports.tables:
        refused = loaded.query(
            f"select json_extract_string(record, '$.id') as record_id, reason from quarantine.{loaded.source}__{table}"
        )
        listed = quarantined.filter(pl.col("table") == table).join(refused, on="record_id", how="full", suffix="_given")
        assert listed["record_id"].null_count() == listed["record_id_given"].null_count() == 0
        for expected, given in listed.select("reason", "reason_given").iter_rows():
            assert expected in given
        loads = [load for load in loaded.loads if load.table_name == table]
        assert sum(load.superseded_count for load in loads) == _size(loaded.damaged("superseded"), table)
        assert sum(load.replaced_count for load in loads) == _size(loaded.damaged("corrected"), table)
        corrected = loaded.damaged("corrected").filter(pl.col("table") == table)["record_id"]
        versions = loaded.query(
            f"select id, count(*) as count from raw_{loaded.source}.{table} group by all having count(*) > 1"
        )
        assert versions["id"].sort().equals(corrected.sort(), check_names=False)
        all_damaged = loaded.exports.truth["damaged"].filter(pl.col("table") == table)["record_id"]
        undamaged = clean.current(table).filter(~pl.col("id").is_in(all_damaged.implode()))
        same = loaded.current(table).filter(~pl.col("id").is_in(all_damaged.implode()))
        assert same.equals(undamaged), table


def _size(damaged: pl.DataFrame, table: str) -> int:
    return len(damaged.filter(pl.col("table") == table))
