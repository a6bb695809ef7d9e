"""One small world's exports of a system, written and loaded: what the tests of the B2B systems share."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import yaml

from ingestion.contracts import Contracts
from ingestion.demo.damage import DEFAULT, NONE, Damage, Shape, record_id
from ingestion.demo.world import World, build_world
from ingestion.demo.write import Exports, write_exports
from ingestion.load import LoadReport, load_sources
from ingestion.sources import read_sources

RECEIVED_AT = datetime(2026, 6, 18, 6, 0, tzinfo=UTC)
Exporter = Callable[[World, Damage], Exports]


@cache
def small_world() -> World:
    return build_world(customers=120, months=12, rng=7)


@dataclass(frozen=True)
class System:
    """A system under test. `columns`: the mapping of its files, for those that teams keep themselves."""

    source: str
    exporter: Exporter
    shapes: Mapping[str, Shape]
    columns: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Loaded:
    """A system's exports, and the warehouse that they were loaded into."""

    system: System
    exports: Exports
    con: duckdb.DuckDBPyConnection
    report: LoadReport

    @property
    def damaged(self) -> pl.DataFrame:
        return self.exports.truth["damaged"]

    def listed(self, table: str, *expected: str) -> pl.DataFrame:
        return self.damaged.filter((pl.col("table") == table) & pl.col("expected").is_in(list(expected)))

    def newest(self, table: str) -> pl.DataFrame:
        """Every record as the newest file that has it says it, by record id."""
        key = self.system.shapes[table].key
        files = [frame for _, frame in self.exports.tables[table]]
        rows = pl.concat(files[-1:] if self.system.shapes[table].is_full else files, how="diagonal")
        return rows.with_columns(record_id=record_id(key)).unique("record_id", keep="last", maintain_order=True)

    def current(self, table: str) -> pl.DataFrame:
        """The current rows of the raw table."""
        return self.con.execute(
            f"select columns(c -> c not like '\\_%' escape '\\') from raw_{self.system.source}.{table} "
            "where _superseded_by is null and not _is_deleted"
        ).pl()


def load(folder: Path, system: System, damage: Damage, contracts: Contracts) -> Loaded:
    """Export the small world's system and load it into a warehouse of its own."""
    exports = system.exporter(small_world(), damage)
    write_exports(folder / system.source, exports.tables)
    spec: object = {"exports": system.source}
    if system.columns is not None:
        spec = {
            table: {"path": f"{system.source}/{table}*.csv", "columns": dict(system.columns[table])}
            for table in exports.tables
        }
    path = folder / "sources.yml"
    path.write_text(yaml.safe_dump({"sources": {system.source: spec}}))
    con = duckdb.connect(config={"threads": 2})
    landing = folder / "landing"
    report = load_sources(
        con, read_sources(path), contracts, landing=landing, accept_shrink=False, received_at=RECEIVED_AT
    )
    return Loaded(system, exports, con, report)


def check_shapes(system: System, contracts: Contracts) -> None:
    """What the exports take for a table's key, version, date and delivery is what its contract says."""
    columns = system.columns or {}
    for table, shape in system.shapes.items():
        meta = contracts[system.source, table].meta
        own = columns.get(table, {})
        assert shape.key == tuple(own.get(name, name) for name in meta.key)
        assert shape.version == (own.get(meta.version, meta.version) if meta.version else None)
        assert shape.dated_by == (own.get(meta.dated_by, meta.dated_by) if meta.dated_by else None)
        assert shape.is_full == (meta.delivery == "full")


def check_clean(loaded: Loaded, contracts: Contracts) -> None:
    """Every row fulfils its contract, comes once, and leads to what it refers to."""
    assert loaded.damaged.is_empty()
    assert not loaded.report.refusals
    assert {each.table_name for each in loaded.report.loads} == set(loaded.exports.tables)
    for each in loaded.report.loads:
        assert each.received_count == each.loaded_count > 0
    assert loaded.con.execute("select coalesce(sum(orphan_count), 0) from ingestion.orphans").fetchall() == [(0,)]
    for table, files in loaded.exports.tables.items():
        known = set(contracts[loaded.system.source, table].column_names)
        given = set(loaded.system.columns[table]) if loaded.system.columns else set(files[0][1].columns)
        assert given <= known


def check_loads(loaded: Loaded, contracts: Contracts) -> None:
    """What the loader refused, replaced, marked as deleted and knew already is what the truth lists."""
    assert not loaded.report.refusals
    for table, files in loaded.exports.tables.items():
        system = loaded.system
        loads = [each for each in loaded.report.loads if each.table_name == table]
        refused = loaded.con.execute(f"select record, reason from quarantine.{system.source}__{table}").fetchall()
        named = [(_named(json.loads(record), system.shapes[table].key), reason) for record, reason in refused]
        planted = loaded.listed(table, "quarantined").select("record_id", "reason").rows()
        assert _matched(planted, named), (table, planted, named)
        assert sum(each.replaced_count for each in loads) == len(loaded.listed(table, "corrected"))
        again = 0
        if len(files) > 1 and system.shapes[table].is_full:
            (_, first), (_, second) = files
            again = len(second.unique().join(first, on=first.columns, how="semi", nulls_equal=True))
        assert sum(each.superseded_count for each in loads) == again + len(loaded.listed(table, "superseded"))
        assert sum(each.deleted_count for each in loads) == len(loaded.listed(table, "deleted"))
        current = loaded.current(table).select(record_id(contracts[system.source, table].meta.key)).to_series()
        assert current.is_unique().all()
        absent = loaded.listed(table, "missing", "deleted")["record_id"]
        assert not current.is_in(absent.implode()).any()


def check_list(loaded: Loaded, clean: Loaded) -> None:
    """Each record on the truth's list is damaged, and every other is as it is without damage."""
    for table in loaded.exports.tables:
        before = clean.newest(table)
        after = loaded.newest(table).select(before.columns)
        listed = loaded.damaged.filter((pl.col("table") == table) & ~pl.col("damage").is_in(["added_column"]))
        is_listed = pl.col("record_id").is_in(listed["record_id"].implode())
        same = {"on": before.columns, "nulls_equal": True}
        assert after.filter(~is_listed).join(before, how="anti", **same).is_empty(), table
        assert before.filter(~is_listed).join(after, how="anti", **same).is_empty(), table
        kept = loaded.listed(table, "kept").filter(pl.col("damage") != "added_column")["record_id"]
        damaged = after.filter(pl.col("record_id").is_in(kept.implode()))
        gone = loaded.listed(table, "deleted")["record_id"]
        assert set(damaged["record_id"]) == set(kept) - set(gone), table
        # Whatever was done to a record can be seen in it.
        unlike = damaged.join(before, how="anti", **same)
        assert len(unlike) == len(damaged), table


def check_records(loaded: Loaded, column: str = "id") -> None:
    """The truth names the party behind each record once, and no record that isn't there."""
    records = loaded.exports.truth["records"]
    assert records.select("table", "record_id").is_unique().all()
    for (table,), rows in records.group_by("table"):
        exported = {value for _, frame in loaded.exports.tables[str(table)] for value in frame[column]}
        assert set(rows["record_id"]) <= exported
    assert records.filter("is_test")["damage"].unique().to_list() == ["test_account"]


def check_repeatable(system: System) -> None:
    """The same world gives the same exports and the same truth."""
    one, two = (system.exporter(small_world(), DEFAULT) for _ in range(2))
    for table, files in one.tables.items():
        for (suffix, frame), (other_suffix, other) in zip(files, two.tables[table], strict=True):
            assert suffix == other_suffix
            assert frame.equals(other), table
    assert all(frame.equals(two.truth[name]) for name, frame in one.truth.items())
    assert all(len(files) == 1 for files in system.exporter(small_world(), NONE).tables.values())


def _named(record: dict[str, str | None], key: Iterable[str]) -> str:
    return "/".join(record[column] or "" for column in key)


def _matched(planted: list[tuple[str, str]], refused: list[tuple[str, str]]) -> bool:
    """Each refused row has one planted fault of its name, which its reason tells of."""
    rest = Counter(planted)
    for name, reason in refused:
        fitting = next((fault for fault in rest if fault[0] == name and fault[1] in reason and rest[fault]), None)
        if fitting is None:
            return False
        rest[fitting] -= 1
    return not rest.total()
