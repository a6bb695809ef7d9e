"""What is known of earlier scores: which records and blocking keys are fresh, and which scored pairs still hold.

A pair's weight depends on its two records and the model alone. Whether it is a candidate at all depends on the others
too: a key that more records share than `max_shared` gives no pairs. So remembered are, of each record, a hash of all
that its weights depend on, its keys, and which of them gave pairs. Then only the keys of records that are new, changed
or gone can have crossed the bound, and nothing else has to be read again.
"""

import hashlib
from dataclasses import dataclass

import duckdb
import polars as pl

from analytics.linkage_model import Model
from analytics.linkage_records import derive, key_column, pairs_sql
from analytics.linkage_specification import Specification


@dataclass(frozen=True)
class Scores:
    """`pairs` as `linkage.score` returns them. `records`: one row per record, by record_id, with state (of the record,
    the model and the parameters, as a number), found_by (a bit per blocking rule whose key gave pairs), and the hashes
    of its keys, block_00 and so on.
    """

    pairs: pl.DataFrame
    records: pl.DataFrame

    def fits(self, specification: Specification) -> bool:
        """Whether these are scores of the comparisons and rules of this release."""
        pairs, records = set(pair_columns(specification)), {"record_id", "state", "found_by", *_keys(specification)}
        return set(self.pairs.columns) == pairs and set(self.records.columns) == records


def pair_columns(specification: Specification) -> list[str]:
    """The columns of scored pairs."""
    levels = [f"level_{comparison.name}" for comparison in specification.weighed]
    return ["record_id_l", "record_id_r", "match_weight", "match_probability", "blocking_rule", *levels]


def _keys(specification: Specification) -> list[str]:
    return [key_column(index) for index in range(len(specification.blocking_rules))]


def write_current(
    database: duckdb.DuckDBPyConnection,
    specification: Specification,
    model: Model,
    max_shared: int,
    weight_floor: float,
) -> None:
    """Write `current`: record_id and state of the given records.

    The model, the parameters and this release's comparisons are part of each state: where one of them is another, every
    record is a changed one.
    """
    made_by = f"{model.to_json()}{specification!r}{max_shared!r}{weight_floor!r}{duckdb.__version__}"
    fingerprint = hashlib.sha256(made_by.encode()).hexdigest()
    columns = ", ".join(specification.columns)
    database.execute(
        f"create table current as select record_id, hash('{fingerprint}', apart, {columns}) as state from given"
    )


def write_first_states(database: duckdb.DuckDBPyConnection, specification: Specification) -> None:
    """Write `states`, the records of `Scores`, from `prepared`."""
    keys = _keys(specification)
    found_by = " + ".join(f"{1 << index} * (prepared.{key} is not null)::integer" for index, key in enumerate(keys))
    database.execute(
        f"""create table states as
        select current.*, ({found_by})::integer as found_by, {", ".join(f"keys.{key}" for key in keys)}
        from current inner join keys using (record_id) inner join prepared using (record_id)"""
    )


def write_next_states(
    database: duckdb.DuckDBPyConnection, specification: Specification, known: Scores, max_shared: int
) -> None:
    """Write `states`, the records of `Scores`, from what is known; with is_unchanged, and found_before (as found_by).

    Of a new or a changed record, no key gave pairs before.
    """
    keys = _keys(specification)
    named = ", ".join(keys)
    database.register("known_records", known.records.to_arrow())
    database.execute(
        f"""create table kept as
        select record_id, state, found_by as found_before, {named}
        from known_records semi join current using (record_id, state)"""
    )
    database.execute(f"create table gone as select {named} from known_records anti join kept using (record_id)")
    database.unregister("known_records")
    derive(database, specification, "changed", "record_id not in (select record_id from kept)")
    database.execute(
        f"""create table remembered as
        select *, true as is_unchanged from kept
        union all by name
        select record_id, state, 0 as found_before, {named}, false as is_unchanged
        from changed inner join current using (record_id)"""
    )
    counted = "\nunion all\n".join(
        f"""select record_id, {1 << index} as bit, count(*) over (partition by {key}) as record_count
        from remembered
        where {key} in (select {key} from changed union all select {key} from gone where {key} is not null)"""
        for index, key in enumerate(keys)
    )
    database.execute(
        f"""create table recounted as
        select
            record_id,
            bit_or(bit) as counted,
            coalesce(bit_or(bit) filter (where record_count between 2 and {max_shared}), 0) as within
        from ({counted}) group by record_id"""
    )
    database.execute(
        """create table states as
        select
            remembered.*,
            (found_before & ~coalesce(counted, 0) | coalesce(within, 0))::integer as found_by
        from remembered left join recounted using (record_id)"""
    )


def fresh_rules(database: duckdb.DuckDBPyConnection, specification: Specification) -> list[str]:
    """Write `touched`, the records that share a fresh key, and return the conditions of the pairs to score in it.

    A key is fresh on a record of which it gives pairs and gave none before.
    """
    keys = _keys(specification)
    bits = [1 << index for index in range(len(keys))]
    database.execute("create table fresh as from states where found_by & ~found_before > 0")
    is_shared = [
        f"{key} in (select {key} from fresh where (found_by & ~found_before & {bit}) > 0)"
        for key, bit in zip(keys, bits, strict=True)
    ]
    shared = ", ".join(
        f"case when {condition} then {key} end as {key}" for key, condition in zip(keys, is_shared, strict=True)
    )
    database.execute(
        f"""create table sharing as
        select * from (select record_id, found_by & ~found_before as fresh_by, {shared} from states)
        where coalesce({", ".join(keys)}) is not null"""
    )
    derive(database, specification, "derived", "record_id in (select record_id from sharing)")
    exclude = ", ".join(key_column(index) for index in range(len(specification.keyed_rules)))
    database.execute(
        f"""create table touched as
        select derived.* exclude ({exclude}), sharing.* exclude (record_id)
        from derived inner join sharing using (record_id)"""
    )
    return [
        f"{pairs_sql(key)} and ((l.fresh_by | r.fresh_by) & {bit}) > 0" for key, bit in zip(keys, bits, strict=True)
    ]


def write_carried(database: duckdb.DuckDBPyConnection, specification: Specification, known: Scores) -> None:
    """Write `carried`: the known pairs of two unchanged records that a rule still gives, with the first such rule."""
    database.register("known_pairs", known.pairs.to_arrow())
    database.execute(
        """create table unchanged as
        select known_pairs.*, l.found_by <> l.found_before or r.found_by <> r.found_before as is_moved
        from known_pairs
        inner join states as l on known_pairs.record_id_l = l.record_id
        inner join states as r on known_pairs.record_id_r = r.record_id
        where l.is_unchanged and r.is_unchanged"""
    )
    database.unregister("known_pairs")
    rules = " ".join(
        f"when l.{key} = r.{key} and (l.found_by & {1 << index}) > 0 then '{rule.name}'"
        for index, (key, rule) in enumerate(zip(_keys(specification), specification.blocking_rules, strict=True))
    )
    database.execute(
        f"""create table carried as
        select * exclude (is_moved) from unchanged where not is_moved
        union all
        select unchanged.* exclude (is_moved) replace (case {rules} end as blocking_rule)
        from unchanged
        inner join states as l on unchanged.record_id_l = l.record_id
        inner join states as r on unchanged.record_id_r = r.record_id
        where unchanged.is_moved and case {rules} end is not null"""
    )
