"""Probabilistic linkage of people and of companies: Fellegi-Sunter, scored by Splink.

The weight of a pair is log2(λ/(1-λ)) + Σ log2(m/u) over the comparisons, with log2(u/f) more where two records agree
on a value of frequency f (Fellegi & Sunter 1969; Winkler 2000 for the frequencies; Linacre et al. 2022 for Splink).

Records are polars frames with the columns of `analytics.linkage_specification`, already normalised: lower case, no
diacritics, null where there is no value. Only record_id (text, unique) must be there; dates may be dates or text.
"""

import math

import duckdb
import numpy as np
import polars as pl

from analytics.linkage_known import (
    Scores,
    fresh_rules,
    pair_columns,
    write_carried,
    write_current,
    write_first_states,
    write_next_states,
)
from analytics.linkage_model import LevelWeights, Model, ModelError, TermFrequencies, prior_model
from analytics.linkage_records import (
    MAX_SHARED,
    Resources,
    count_pairs,
    count_possible_pairs,
    count_strict_pairs,
    key_column,
    load_records,
    own_database,
    pairs_sql,
    register_records,
)
from analytics.linkage_specification import SPECIFICATIONS, Dependence, Kind, Specification
from analytics.linkage_splink import passes_of, predict, sample_u
from analytics.linkage_training import Floats, dependence_weights, expectation_maximisation, monotone

__all__ = [
    "Model",
    "ModelError",
    "Resources",
    "Scores",
    "compared_pairs",
    "count_comparisons",
    "explain",
    "rescore",
    "score",
    "train",
]

WEIGHT_FLOOR = -4.0
"""Pairs below this weight, in bits, are not returned: p < .06."""

STRICT_RECALL = 0.6
"""Share of the true pairs that the strict keys are taken to find."""

MAX_COMMON_TERMS = 3000
MIN_COMMON_COUNT = 5
"""A value on fewer records has the frequency of a rare one, and stays out of the model's document."""


def count_comparisons(
    records: pl.DataFrame,
    kind: Kind,
    *,
    max_shared: int = MAX_SHARED,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> pl.DataFrame:
    """One row per blocking rule: how many pairs it gives, and what was left out of it.

    Columns: rule, comparison_count (pairs that no earlier rule gives), largest_block_count (records that share one
    value within the bound), left_out_value_count and left_out_record_count (key values on more than `max_shared`
    records, and the records that have them).
    """
    specification = SPECIFICATIONS[kind]
    with own_database(resources) as database:
        load_records(database, records, specification, max_shared)
        keys = [key_column(index) for index in range(len(specification.blocking_rules))]
        blocks = [
            database.execute(
                f"""select coalesce(max(record_count) filter (where record_count <= {max_shared}), 0)::bigint,
                count(*) filter (where record_count > {max_shared}),
                coalesce(sum(record_count) filter (where record_count > {max_shared}), 0)::bigint
                from shared_{key}"""
            ).fetchone()
            or (0, 0, 0)
            for key in keys
        ]
        return pl.DataFrame(
            {
                "rule": [rule.name for rule in specification.blocking_rules],
                "comparison_count": count_pairs(database, keys),
                "largest_block_count": [block[0] for block in blocks],
                "left_out_value_count": [block[1] for block in blocks],
                "left_out_record_count": [block[2] for block in blocks],
            }
        )


def compared_pairs(
    records: pl.DataFrame,
    kind: Kind,
    pairs: pl.DataFrame,
    *,
    max_shared: int = MAX_SHARED,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> pl.DataFrame:
    """Those of the pairs (record_id_l, record_id_r) that a blocking rule gives among all the records."""
    specification = SPECIFICATIONS[kind]
    with own_database(resources) as database:
        load_records(database, records, specification, max_shared)
        database.register("asked", pairs.select("record_id_l", "record_id_r").to_arrow())
        given = " or ".join(
            f"coalesce({pairs_sql(key_column(index))}, false)" for index in range(len(specification.blocking_rules))
        )
        return database.sql(
            f"""select asked.record_id_l, asked.record_id_r from asked
            inner join prepared as l on asked.record_id_l = l.record_id
            inner join prepared as r on asked.record_id_r = r.record_id
            where {given} order by all"""
        ).pl()


def train(
    records: pl.DataFrame,
    kind: Kind,
    *,
    max_shared: int = MAX_SHARED,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> Model:
    """Fit a model: λ from the strict keys, u from random pairs, m by EM over the blocking rules that train.

    The same records in any order give the same model. Without records, or where nothing agrees, it is the shipped one.
    """
    specification = SPECIFICATIONS[kind]
    with own_database(resources) as database:
        load_records(database, records, specification, max_shared)
        possible = count_possible_pairs(database)
        shipped = prior_model(kind, records.height)
        if possible == 0:
            return shipped
        strict = count_strict_pairs(database, specification.strict_keys, max_shared)
        prior = min(0.5, max(strict, 0.5) / STRICT_RECALL / possible)
        names = [comparison.name for comparison in specification.comparisons]
        shipped_m = {name: np.array([level.m for level in shipped.levels[name]]) for name in names}
        shipped_u = {name: np.array([level.u for level in shipped.levels[name]]) for name in names}
        for probabilities in (shipped_m, shipped_u):
            for name in names:
                probabilities[name] = probabilities[name] / probabilities[name].sum()
        sampled_u = sample_u(database, specification, shipped)
        passes = passes_of(database, specification, shipped)
        m, u, shares = expectation_maximisation(passes, names, shipped_m, shipped_u, sampled_u, prior)
        levels = {name: _level_weights(shipped.levels[name], *monotone(m[name], u[name])) for name in names}
        if specification.dependence:
            found = {one.rule: one.pairs * (1 - share) for one, share in zip(passes, shares, strict=True)}
            apart = found.get(specification.dependence.name, 0.0)
            levels[specification.dependence.name] = _dependence_levels(
                specification.dependence, levels, apart, records.height, possible
            )
        return Model(
            kind=kind,
            prior=prior,
            levels=levels,
            term_frequencies=_term_frequencies(database, specification, shipped),
            record_count=records.height,
        )


def score(
    records: pl.DataFrame,
    model: Model,
    *,
    max_shared: int = MAX_SHARED,
    weight_floor: float = WEIGHT_FLOOR,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> pl.DataFrame:
    """One row per candidate pair of at least `weight_floor` bits, ordered by record_id_l, record_id_r.

    Columns: record_id_l < record_id_r, match_weight (bits), match_probability, blocking_rule (the first that found the
    pair), and level_<comparison>: 0 = the weakest level, higher = stronger, -1 = nothing to compare. The result doesn't
    depend on the order of the records.
    """
    return rescore(
        records,
        model,
        None,
        max_shared=max_shared,
        weight_floor=weight_floor,
        resources=resources,
    ).pairs


def rescore(
    records: pl.DataFrame,
    model: Model,
    known: Scores | None,
    *,
    max_shared: int = MAX_SHARED,
    weight_floor: float = WEIGHT_FLOOR,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> Scores:
    """The same pairs as `score` gives, and the states of the records, for the next time.

    `known` is what this function returned for other records, such as those of the day before, in whatever order its
    rows are; the pairs in it whose records haven't changed aren't weighed again. It needn't be of this model or of
    these parameters: what they change is scored anew.
    """
    model.check()
    specification = SPECIFICATIONS[model.kind]
    columns = ", ".join(pair_columns(specification))
    with own_database(resources) as database:
        if known is None or not known.fits(specification):
            load_records(database, records, specification, max_shared)
            write_current(database, specification, model, max_shared, weight_floor)
            write_first_states(database, specification)
            rules = [pairs_sql(key_column(index)) for index in range(len(specification.blocking_rules))]
            pairs = _pairs_sql(predict(database, specification, model, rules, weight_floor), specification)
        else:
            register_records(database, records, specification)
            write_current(database, specification, model, max_shared, weight_floor)
            write_next_states(database, specification, known, max_shared)
            rules = fresh_rules(database, specification)
            write_carried(database, specification, known)
            table = predict(database, specification, model, rules, weight_floor, table="touched")
            pairs = f"""select {columns} from carried
            union all
            select * from ({_pairs_sql(table, specification)}) as scored
            anti join carried using (record_id_l, record_id_r)"""
        keys = ", ".join(key_column(index) for index in range(len(specification.blocking_rules)))
        return Scores(
            database.sql(f"from ({pairs}) order by record_id_l, record_id_r").pl(),
            database.sql(f"select record_id, state, found_by, {keys} from states order by record_id").pl(),
        )


def _pairs_sql(table: str, specification: Specification) -> str:
    """The pairs in a table that Splink wrote, under the names of this module."""
    rules = " ".join(f"when '{index}' then '{rule.name}'" for index, rule in enumerate(specification.blocking_rules))
    levels = ", ".join(f"gamma_{c.name}::tinyint as level_{c.name}" for c in specification.weighed)
    return f"""select record_id_l, record_id_r, match_weight, match_probability,
    case match_key {rules} end as blocking_rule, {levels} from {table}"""


def explain(records: pl.DataFrame, model: Model) -> pl.DataFrame:
    """The waterfall of the pair of records given: one row per step, from the prior to the last comparison.

    Columns: step, level (its label), bayes_factor, weight (bits, with the adjustment for the value's frequency) and
    cumulative_weight; the last cumulative weight is the pair's match_weight. Raises ValueError unless there are
    exactly two records.
    """
    if records.height != 2:
        raise ValueError(f"A pair to explain is two records, not {records.height}.")
    model.check()
    specification = SPECIFICATIONS[model.kind]
    with own_database(Resources(threads=1, memory_limit="1GB")) as database:
        load_records(database, records, specification, MAX_SHARED)
        table = predict(database, specification, model, ["l.record_id < r.record_id"], weights_too=True)
        row = database.sql(f"from {table}").pl().row(0, named=True)
    steps = [("prior", "two random records", math.log2(model.prior / (1 - model.prior)))]
    for comparison in specification.weighed:
        level = row[f"gamma_{comparison.name}"]
        label = "nothing to compare" if level < 0 else comparison.levels[len(comparison.levels) - 1 - level].label
        steps.append(
            (comparison.name, label, row[f"mw_{comparison.name}"] + row.get(f"mw_tf_adj_{comparison.name}", 0))
        )
    return pl.DataFrame(
        {
            "step": [step for step, _, _ in steps],
            "level": [label for _, label, _ in steps],
            "bayes_factor": [2.0**weight for _, _, weight in steps],
            "weight": [weight for _, _, weight in steps],
        }
    ).with_columns(cumulative_weight=pl.col("weight").cum_sum())


def _level_weights(shipped: tuple[LevelWeights, ...], m: Floats, u: Floats) -> tuple[LevelWeights, ...]:
    return tuple(
        LevelWeights(level.label, float(np.clip(m_level, 1e-9, 1 - 1e-9)), float(np.clip(u_level, 1e-9, 1 - 1e-9)))
        for level, m_level, u_level in zip(shipped, m, u, strict=True)
    )


def _dependence_levels(
    dependence: Dependence,
    levels: dict[str, tuple[LevelWeights, ...]],
    agreeing_pairs: float,
    record_count: int,
    possible_pairs: int,
) -> tuple[LevelWeights, ...]:
    """The levels of the comparison that corrects for dependence.

    Its u is that of the first comparison, so that Splink's adjustment for the value's frequency, taken back with the
    weight -1, is exactly the one that the first comparison gave: among pairs of a rare name at one home, families are
    as frequent, against matches, as among those of a common one.
    """
    u_first = levels[dependence.first][0].u
    by_label = {level.label: level for level in levels[dependence.other]}
    places = [by_label[label] for label, _ in dependence.places]
    weights = dependence_weights(
        agreeing_pairs,
        record_count,
        possible_pairs,
        u_first,
        [place.m for place in places],
        [place.u for place in places],
    )
    return tuple(
        LevelWeights(level.label, max(u_first * 2.0**weight, 1e-12), u_first)
        for level, weight in zip(dependence.comparison.levels, weights, strict=True)
    )


def _term_frequencies(
    database: duckdb.DuckDBPyConnection, specification: Specification, shipped: Model
) -> dict[str, TermFrequencies]:
    """Frequencies of the values on at least MIN_COMMON_COUNT records, and one for all the rarer ones.

    Rare values stay out of the document: their counts are mostly duplicates, and they could name a person.
    """
    columns = [level.frequency_of for c in specification.comparisons for level in c.levels if level.frequency_of]
    frequencies = {}
    for column in columns:
        rows = database.execute(
            f"select {column}, count(*) from prepared where {column} is not null group by all order by 2 desc, 1"
        ).fetchall()
        total = sum(count for _, count in rows)
        common = {value: count / total for value, count in rows[:MAX_COMMON_TERMS] if count >= MIN_COMMON_COUNT}
        rest = [count for _, count in rows[len(common) :]]
        rare = (
            sum(count * count for count in rest) / sum(rest) / total if rest else shipped.term_frequencies[column].rare
        )
        frequencies[column] = TermFrequencies(min(rare, 0.5), common)
    return frequencies
