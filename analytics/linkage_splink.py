"""Splink as the engine: its settings from a model, its scores as a table, and what training needs counted by it."""

import math
from typing import Any

import duckdb
import numpy as np
import polars as pl
from splink import DuckDBAPI, Linker

from analytics.linkage_model import Model
from analytics.linkage_records import key_column, pairs_sql
from analytics.linkage_specification import Specification
from analytics.linkage_training import Floats, Pass

RANDOM_PAIRS = 1e6 - 1
"""Pairs from which u is sampled; Splink warns at exactly a million, its default."""

PASS_PAIRS = 200_000
"""About how many pairs of one blocking rule take part in training."""

SEED = 1


def _settings(specification: Specification, model: Model, rules: list[str], weights_too: bool) -> dict[str, Any]:
    """Splink's settings of a model. Without the matching columns Splink 5 leaves the levels out too."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_id",
        "probability_two_random_records_match": model.prior,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": weights_too,
        "blocking_rules_to_generate_predictions": [{"blocking_rule": rule, "sql_dialect": "duckdb"} for rule in rules],
        "comparisons": [
            {
                "output_column_name": comparison.name,
                "comparison_levels": [
                    {
                        "sql_condition": comparison.null_sql,
                        "label_for_charts": "nothing to compare",
                        "is_null_level": True,
                    },
                    *(
                        {
                            "sql_condition": level.sql,
                            "label_for_charts": level.label,
                            "m_probability": weights.m,
                            "u_probability": weights.u,
                            **(
                                {
                                    "tf_adjustment_column": level.frequency_of,
                                    "tf_adjustment_weight": level.frequency_weight,
                                    "disable_tf_exact_match_detection": True,
                                }
                                if level.frequency_of
                                else {}
                            ),
                        }
                        for level, weights in zip(comparison.levels, model.levels[comparison.name], strict=True)
                    ),
                ],
            }
            for comparison in specification.weighed
        ],
    }


def _linker(
    database: duckdb.DuckDBPyConnection,
    specification: Specification,
    model: Model,
    rules: list[str],
    weights_too: bool = False,
    table: str = "prepared",
) -> Linker:
    """A Splink linker over a table of prepared records that takes its term frequencies from the model."""
    api = DuckDBAPI(connection=database)
    linker = Linker(
        api.register(table),
        _settings(specification, model, rules, weights_too),
        log_level=None,
        validate_settings=False,
    )
    for column, terms in model.term_frequencies.items():
        database.register(
            "terms",
            pl.DataFrame(
                {"term": list(terms.common), "frequency": list(terms.common.values())},
                schema={"term": pl.String, "frequency": pl.Float64},
            ).to_arrow(),
        )
        database.execute(
            f"""create or replace table frequencies_{column} as
            select {column}, coalesce(any_value(frequency), {terms.rare!r}::double) as tf_{column}
            from {table} left join terms on {column} = term
            where {column} is not null group by {column}"""
        )
        database.unregister("terms")
        linker.table_management.register_term_frequency_lookup(api.register(f"frequencies_{column}"), column)
    return linker


def predict(
    database: duckdb.DuckDBPyConnection,
    specification: Specification,
    model: Model,
    rules: list[str],
    weight_floor: float | None = None,
    weights_too: bool = False,
    table: str = "prepared",
) -> str:
    """The name of a table of scored pairs, one row per pair that any rule gives."""
    linker = _linker(database, specification, model, rules, weights_too, table)
    scored = linker.inference.predict(threshold_match_weight=weight_floor, warning_mode="never")
    return str(scored.physical_name)


def sample_u(
    database: duckdb.DuckDBPyConnection, specification: Specification, shipped: Model
) -> dict[str, tuple[Floats, float]]:
    """By comparison: the shares of its levels among random pairs, and how many of these could be compared at most."""
    linker = _linker(database, specification, shipped, [])
    linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED, num_chunks=1)
    trained = {c["output_column_name"]: c["comparison_levels"] for c in linker.misc.save_model_to_json()["comparisons"]}
    records = database.execute("select count(*) from prepared").fetchone()
    pairs = min(RANDOM_PAIRS, records[0] * (records[0] - 1) / 2 if records else 0)
    sampled = {}
    for comparison in specification.comparisons:
        u = np.array(
            [level.get("u_probability", 0.0) for level in trained[comparison.name] if "m_probability" in level]
        )
        sampled[comparison.name] = (u, pairs if u.any() else 0.0)
    return sampled


def passes_of(database: duckdb.DuckDBPyConnection, specification: Specification, shipped: Model) -> list[Pass]:
    """The pairs of each blocking rule that trains, by agreement pattern; at most about PASS_PAIRS of each rule.

    A sample takes whole blocks, by the hash of their key, so that it doesn't depend on the order of the records.
    """
    gammas = ", ".join(f"gamma_{c.name}" for c in specification.comparisons)
    tops = np.array([len(c.levels) - 1 for c in specification.comparisons])
    passes = []
    for index, rule in enumerate(specification.keyed_rules):
        key = key_column(index)
        row = database.execute(
            f"""select sum(n * (n - 1) / 2)
            from (select count(*) as n from prepared where {key} is not null group by {key})"""
        ).fetchone()
        pairs = float(row[0] or 0) if row else 0.0
        if not rule.trains or pairs == 0:
            continue
        kept = min(1000, math.ceil(1000 * PASS_PAIRS / pairs))
        database.execute(
            f"""create or replace table sampled as
            select * from prepared where {key} is not null and {key} % 1000 < {kept} order by record_id"""
        )
        table = predict(database, specification, shipped, [pairs_sql(key)], table="sampled")
        patterns = database.execute(
            f"select {gammas}, count(*) as pair_count from {table} group by all order by all"
        ).fetchnumpy()
        found = np.column_stack([patterns[f"gamma_{c.name}"] for c in specification.comparisons]).astype(np.int64)
        counts = np.asarray(patterns["pair_count"], dtype=np.float64)
        if len(counts):
            passes.append(Pass(np.where(found < 0, -1, tops - found), counts, frozenset(rule.fixes), rule.name, pairs))
    return passes
