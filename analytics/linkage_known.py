"""What is known of earlier scores: which records and blocking keys are fresh, and which scored pairs still hold.

A pair's weight depends on its two records and the model alone. Whether it is a candidate at all depends on the others
too: a key value that more records share than `max_shared` gives no pairs. So two things are remembered of each record:
a hash of all that its weights depend on, and by which rules its keys gave pairs. Of two unchanged records that share a
key, this says whether it was within the bound before, since then at least these two had it.
"""

import hashlib
from dataclasses import dataclass

import duckdb
import polars as pl

from analytics.linkage_model import Model
from analytics.linkage_records import key_column, pairs_sql
from analytics.linkage_specification import Specification


@dataclass(frozen=True)
class Scores:
    """`pairs` as `linkage.score` returns them. `records`: one row per record, with record_id, state (of the record, the
    model and the floor, as a number) and found_by (a bit per blocking rule whose key gave pairs); by record_id.
    """

    pairs: pl.DataFrame
    records: pl.DataFrame


def write_states(
    database: duckdb.DuckDBPyConnection, specification: Specification, model: Model, weight_floor: float
) -> None:
    """Write the table `states`: the records of `Scores`.

    The model, the floor and this release's comparisons are part of each state: where one of them is another, every
    record is a changed one.
    """
    made_by = f"{model.to_json()}{specification!r}{weight_floor!r}{duckdb.__version__}"
    fingerprint = hashlib.sha256(made_by.encode()).hexdigest()
    columns = ", ".join(name for name, _ in specification.derived)
    found_by = " + ".join(
        f"{1 << index} * ({key_column(index)} is not null)::integer"
        for index in range(len(specification.blocking_rules))
    )
    database.execute(
        f"""create table states as
        select record_id, hash('{fingerprint}', apart, {columns}) as state, ({found_by})::integer as found_by
        from prepared"""
    )


def fresh_rules(database: duckdb.DuckDBPyConnection, specification: Specification, known: Scores) -> list[str]:
    """Write `touched`, the records that a fresh key is on, and return the conditions of the pairs to score in it.

    A key is fresh on a new or changed record, and on one by whose key this rule gave no pairs before. Also writes
    `changes`: one row per record, with is_unchanged, is_moved (other rules give pairs of it than before) and fresh_by
    (a bit per rule whose key is fresh).
    """
    database.register("known_records", known.records.to_arrow())
    database.execute(
        """create table changes as
        select
            states.record_id,
            coalesce(states.state = before.state, false) as is_unchanged,
            states.found_by is distinct from before.found_by as is_moved,
            case
                when states.state = before.state then states.found_by & ~before.found_by
                else states.found_by
            end as fresh_by
        from states
        left join known_records as before on states.record_id = before.record_id"""
    )
    database.unregister("known_records")
    database.execute(
        """create table fresh as
        select prepared.*, changes.fresh_by
        from prepared inner join changes using (record_id) where changes.fresh_by > 0"""
    )
    keys = [key_column(index) for index in range(len(specification.blocking_rules))]
    is_fresh = [f"({{}} & {1 << index}) > 0" for index in range(len(keys))]
    kept = ", ".join(
        f"case when {key} in (select {key} from fresh where {condition.format('fresh_by')}) then {key} end as {key}"
        for key, condition in zip(keys, is_fresh, strict=True)
    )
    database.execute(
        f"""create table touched as
        select prepared.* replace ({kept}), changes.fresh_by
        from prepared inner join changes using (record_id)
        where coalesce({", ".join(keys)}) is not null"""
    )
    return [
        f"{pairs_sql(key)} and {condition.format('(l.fresh_by | r.fresh_by)')}"
        for key, condition in zip(keys, is_fresh, strict=True)
    ]


def write_carried(database: duckdb.DuckDBPyConnection, specification: Specification, known: Scores) -> None:
    """Write `carried`: the known pairs of two unchanged records that a rule still gives, with the first such rule."""
    database.register("known_pairs", known.pairs.to_arrow())
    database.execute(
        """create table kept as
        select known_pairs.*, l.is_moved or r.is_moved as is_moved
        from known_pairs
        inner join changes as l on known_pairs.record_id_l = l.record_id
        inner join changes as r on known_pairs.record_id_r = r.record_id
        where l.is_unchanged and r.is_unchanged"""
    )
    database.unregister("known_pairs")
    rules = " ".join(
        f"when l.{key_column(index)} = r.{key_column(index)} then '{rule.name}'"
        for index, rule in enumerate(specification.blocking_rules)
    )
    database.execute(
        f"""create table carried as
        select * exclude (is_moved) from kept where not is_moved
        union all
        select kept.* exclude (is_moved) replace (case {rules} end as blocking_rule)
        from kept
        inner join prepared as l on kept.record_id_l = l.record_id
        inner join prepared as r on kept.record_id_r = r.record_id
        where kept.is_moved and case {rules} end is not null"""
    )
