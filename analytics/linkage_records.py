"""Records in a DuckDB of their own: the columns that are compared, and one key column for each blocking rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from analytics.linkage_specification import Specification

MAX_SHARED = 60
"""A key value on more records than this is left out of its rule: it says little, and its pairs grow as its square."""


@dataclass(frozen=True)
class Resources:
    """What a linkage may take of the machine; DuckDB spills into `temp_directory` beyond `memory_limit`."""

    threads: int = 2
    memory_limit: str = "8GB"
    temp_directory: str | None = None

    @classmethod
    def as_of(cls, session: duckdb.DuckDBPyConnection) -> "Resources":
        """What another DuckDB may take."""
        settings = session.execute(
            "select current_setting('threads'), current_setting('memory_limit'), current_setting('temp_directory')"
        ).fetchone()
        assert settings is not None
        return cls(int(settings[0]), str(settings[1]), str(settings[2]) or None)


@contextmanager
def own_database(resources: Resources) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB with the given limits, closed afterwards.

    It spills into a folder of its own, for a DuckDB that closes empties the one that it has.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": resources.threads,
        "memory_limit": resources.memory_limit,
    }
    if resources.temp_directory is not None:
        Path(resources.temp_directory).mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="linkage-", dir=resources.temp_directory) as folder,
        duckdb.connect(":memory:", config=config | {"temp_directory": folder}) as database,
    ):
        database.execute("set enable_progress_bar = false")
        yield database


def key_column(index: int) -> str:
    """The name of the column that holds the key of the blocking rule at `index`."""
    return f"block_{index:02}"


def register_records(
    database: duckdb.DuckDBPyConnection,
    records: pl.DataFrame,
    specification: Specification,
) -> None:
    """Register `given`, one row per record: record_id, apart and the specification's columns as text.

    A column that the frame lacks is null throughout. Two records with one duplicate_free_list, that in which no two
    records are one entity, are never a pair: they share the value of `apart`. Raises ValueError if record_id is
    missing, null or not unique.
    """
    if "record_id" not in records.columns:
        raise ValueError("The records have no column record_id.")
    if records["record_id"].null_count() or not records["record_id"].is_unique().all():
        raise ValueError("The column record_id of the records is not unique or has nulls.")
    database.register("given", _as_text(records, specification).to_arrow())


def derive(database: duckdb.DuckDBPyConnection, specification: Specification, table: str, which: str = "true") -> None:
    """Write a table of the given records for which `which` holds: what is compared, and a key column for each rule.

    A key is the hash of its text: joins and memory are those of numbers.
    """
    derived = ",\n".join(f"{sql} as {name}" for name, sql in specification.derived)
    keys = ",\n".join(
        f"case when {rule.key} is not null then hash({rule.key}) end as {key_column(index)}"
        for index, rule in enumerate(specification.keyed_rules)
    )
    database.execute(
        f"""create table {table} as
        select *, {keys} from (select record_id, apart, {derived} from given where {which} order by record_id)"""
    )


def load_records(
    database: duckdb.DuckDBPyConnection,
    records: pl.DataFrame,
    specification: Specification,
    max_shared: int,
) -> None:
    """Write `keys` and `prepared`, one row per record, and `shared_<key column>`, one row per key on 2+ records.

    `keys` has all keys of a record, `prepared` what is compared and the keys that are within the bound. What is
    registered, and when ValueError is raised, says `register_records`.
    """
    register_records(database, records, specification)
    derive(database, specification, "derived")
    columns = [key_column(index) for index in range(len(specification.keyed_rules))]
    for column in columns:
        database.execute(
            f"""create table shared_{column} as
            select {column} as key, count(*) as record_count from derived
            where {column} is not null group by all having count(*) > 1"""
        )
    within = ", ".join(
        f"case when {column} in (select key from shared_{column} where record_count <= {max_shared}) then {column} end "
        f"as {column}"
        for column in columns
    )
    database.execute(f"create table keys as select record_id, {', '.join(columns)} from derived")
    database.execute(f"create table prepared as select * replace ({within}) from derived")
    database.execute("drop table derived")


def _as_text(records: pl.DataFrame, specification: Specification) -> pl.DataFrame:
    apart = [pl.lit("r") + pl.col("record_id").cast(pl.String)]
    if "duplicate_free_list" in records.columns:
        apart.insert(0, pl.lit("l") + pl.col("duplicate_free_list").cast(pl.String))
    return records.select(
        pl.col("record_id").cast(pl.String),
        pl.coalesce(apart).alias("apart"),
        *(
            pl.col(column).cast(pl.String).replace("", None)
            if column in records.columns
            else pl.lit(None, dtype=pl.String).alias(column)
            for column in specification.columns
        ),
    )


def pairs_sql(column: str) -> str:
    """The condition under which records `l` and `r` are a candidate pair of the rule with this key column."""
    return f"l.{column} = r.{column} and l.apart <> r.apart"


def count_pairs(database: duckdb.DuckDBPyConnection, keys: list[str]) -> list[int]:
    """Candidate pairs of each key column that no earlier one gives."""
    counts = []
    for index, column in enumerate(keys):
        earlier = " or ".join(f"coalesce({pairs_sql(before)}, false)" for before in keys[:index]) or "false"
        counts.append(
            _number(
                database,
                f"""select count(*) from prepared as l inner join prepared as r
                on {pairs_sql(column)} and l.record_id < r.record_id where not ({earlier})""",
            )
        )
    return counts


def count_strict_pairs(database: duckdb.DuckDBPyConnection, strict_keys: tuple[str, ...], max_shared: int) -> int:
    """Distinct pairs that agree on a strict key; key values on more than `max_shared` records are left out."""
    pairs = "\nunion\n".join(
        f"""select l.record_id as left_id, r.record_id as right_id
        from (select record_id, apart, {key} as key from prepared
              where {key} is not null qualify count(*) over (partition by {key}) between 2 and {max_shared}) as l
        inner join (select record_id, apart, {key} as key from prepared) as r
        on l.key = r.key and l.apart <> r.apart and l.record_id < r.record_id"""
        for key in strict_keys
    )
    return _number(database, f"select count(*) from ({pairs})")


def count_possible_pairs(database: duckdb.DuckDBPyConnection) -> int:
    """Pairs of records that are not of one list free of duplicates."""
    return _number(
        database,
        """select coalesce(sum(n), 0)::bigint * (coalesce(sum(n), 0)::bigint - 1) // 2
        - coalesce(sum(n * (n - 1) // 2), 0)::bigint
        from (select apart, count(*) as n from prepared group by apart)""",
    )


def _number(database: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = database.execute(sql).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
