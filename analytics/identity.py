"""From rules and scores to the edges of identity: what the dbt models of identity call."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from analytics.clustering import Limits, OverridesError, decide
from analytics.linkage import Model, ModelError, Scores, rescore, train
from analytics.linkage_known import pair_columns
from analytics.linkage_specification import SPECIFICATIONS, Kind

KINDS: Mapping[str, Kind] = {"company": "companies", "person": "people"}
MODEL_RULE = "linkage model"
OVERRIDE_RULE = "override"


def newly_trained(
    compared: Mapping[Kind, pl.DataFrame], known: pl.DataFrame | None, trained_date: date, *, is_retrained: bool
) -> pl.DataFrame:
    """One row per kind of record that has no model yet, or is to be trained anew: kind, model_version (from 1),
    trained_date, record_count and document (JSON).

    A model is trained once and kept, so that a score never depends on who else is there; `known` has the kinds and
    versions there are.
    """
    rows = []
    for kind, records in sorted(compared.items()):
        versions = [] if known is None else known.filter(pl.col("kind") == kind)["model_version"].to_list()
        if versions and not is_retrained:
            continue
        model = train(records, kind)
        rows.append((kind, max(versions, default=0) + 1, trained_date, records.height, model.to_json()))
    return pl.DataFrame(
        rows,
        schema={
            "kind": pl.String,
            "model_version": pl.Int32,
            "trained_date": pl.Date,
            "record_count": pl.Int64,
            "document": pl.String,
        },
        orient="row",
    )


def latest_model(kind: Kind, models: pl.DataFrame) -> Model:
    """The newest version of a kind's model; ModelError if it can't be read, naming it in state.linkage_models."""
    newest = models.filter(pl.col("kind") == kind).sort("model_version")
    if newest.is_empty():
        raise ModelError(f"state.linkage_models: there is no model of {kind}; train one.")
    try:
        return Model.from_json(newest["document"][-1], kind)
    except ModelError as error:
        raise ModelError(
            f"state.linkage_models, {kind}, version {newest['model_version'][-1]}: {error} "
            "The variable retrain_linkage of dbt_project.yml does."
        ) from None


def rescored(kind: Kind, records: pl.DataFrame, models: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """One row per pair that the newest model finds alike, as `linkage.score` has them, and one per record: record_id_l
    alone, with what `linkage.Scores` remembers of it. `before` is what this function returned in the run before.
    """
    scores = rescore(records, latest_model(kind, models), None if before is None else _scores(kind, before))
    return pl.concat([scores.pairs, scores.records.rename({"record_id": "record_id_l"})], how="diagonal")


def _scores(kind: Kind, rows: pl.DataFrame) -> Scores:
    of_pairs = set(pair_columns(SPECIFICATIONS[kind])) - {"record_id_l"}
    is_pair = pl.col("record_id_r").is_not_null()
    return Scores(
        rows.filter(is_pair).select(column for column in rows.columns if column in {"record_id_l", *of_pairs}),
        rows.filter(~is_pair).drop(of_pairs, strict=False).rename({"record_id_l": "record_id"}),
    )


def _is_corroborated(kind: Kind) -> pl.Expr:
    """Whether the names agree, and more than the names."""
    specification = SPECIFICATIONS[kind]
    return pl.all_horizontal(pl.col(f"level_{name}") > 0 for name in specification.named_by) & pl.any_horizontal(
        pl.col(f"level_{name}").is_in(levels) for name, levels in specification.corroborating
    )


def decided_edges(
    entity: str,
    *,
    rule_edges: pl.DataFrame,
    pairs: pl.DataFrame,
    record_ids: pl.DataFrame,
    overrides: pl.DataFrame,
    exclusive: pl.DataFrame,
    link_probability: float,
    strong_probability: float,
    review_probability: float,
    max_records: int,
) -> pl.DataFrame:
    """One row per pair of records and rule: record_id_l, record_id_r, rule, tier, confidence, match_weight (bits, of
    the linkage model only), is_kept, reason (why an edge isn't kept).

    A pair that the model finds alike by the name alone is for review, whatever its probability. Raises ValueError for
    an override that can't hold, naming its row of identity_overrides.csv.
    """
    same, different = read_overrides(entity, overrides, record_ids)
    of_rules = rule_edges.select(
        "record_id_l",
        "record_id_r",
        "rule",
        "tier",
        pl.col("confidence").cast(pl.Float64),
        match_weight=pl.lit(None, pl.Float64),
    )
    of_model = pairs.filter(pl.col("match_probability") >= review_probability).select(
        "record_id_l",
        "record_id_r",
        rule=pl.lit(MODEL_RULE),
        tier=pl.when(~_is_corroborated(KINDS[entity]) | (pl.col("match_probability") < link_probability))
        .then(pl.lit("review"))
        .when(pl.col("match_probability") >= strong_probability)
        .then(pl.lit("strong"))
        .otherwise(pl.lit("weak")),
        confidence=pl.col("match_probability"),
        match_weight=pl.col("match_weight"),
    )
    of_reviewers = same.select(
        "record_id_l",
        "record_id_r",
        rule=pl.lit(OVERRIDE_RULE),
        tier=pl.lit("override"),
        confidence=pl.lit(1.0),
        match_weight=pl.lit(None, pl.Float64),
    )
    try:
        return decide(
            pl.concat([of_rules, of_model, of_reviewers]),
            cannot_links=different,
            exclusive=exclusive,
            limits=Limits(max_records=max_records),
        )
    except OverridesError as error:
        raise ValueError(f"identity_overrides.csv: {error}") from None


def read_overrides(entity: str, overrides: pl.DataFrame, record_ids: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs that a reviewer marked as the same and as different, the smaller id first.

    Raises ValueError for a row that can't hold, of whatever entity, naming it.
    """
    for number, row in enumerate(overrides.iter_rows(named=True), start=1):
        for column, words in (("decision", ("same", "different")), ("entity", tuple(KINDS))):
            if row[column] not in words:
                raise ValueError(
                    f"identity_overrides.csv, row {number}: its {column} is {row[column] or 'empty'}; "
                    f"write {' or '.join(words)}."
                )
    named = overrides.with_row_index("row", offset=1).filter(pl.col("entity") == entity)
    known = set(record_ids["record_id"].to_list()) if named.height else set()
    for row in named.iter_rows(named=True):
        for record_id in (row["record_id_l"], row["record_id_r"]):
            if record_id not in known:
                raise ValueError(
                    f"identity_overrides.csv, row {row['row']}: there is no {entity} record {record_id}; name one as "
                    "source/list/id, as map_source_records has it, or take the row out."
                )
        if row["record_id_l"] == row["record_id_r"]:
            raise ValueError(f"identity_overrides.csv, row {row['row']}: it names one record twice; name two.")
    pairs = named.select(
        "decision",
        record_id_l=pl.min_horizontal("record_id_l", "record_id_r"),
        record_id_r=pl.max_horizontal("record_id_l", "record_id_r"),
    ).unique()
    same, different = (
        pairs.filter(pl.col("decision") == decision).drop("decision") for decision in ("same", "different")
    )
    return same, different
