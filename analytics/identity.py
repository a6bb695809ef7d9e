"""From rules and scores to the edges of identity: what the dbt models of identity call."""

from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from analytics.clustering import Limits, OverridesError, decide
from analytics.linkage import Model, ModelError, Resources, Scores, compared_pairs, rescore, train
from analytics.linkage_known import pair_columns
from analytics.linkage_quality import label_quality
from analytics.linkage_specification import SPECIFICATIONS, Kind

KINDS: Mapping[str, Kind] = {"company": "companies", "person": "people"}
MODEL_RULE = "linkage model"
OVERRIDE_RULE = "override"


def newly_trained(
    compared: Mapping[Kind, Callable[[], pl.DataFrame]],
    known: pl.DataFrame | None,
    trained_date: date,
    *,
    is_retrained: bool,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> pl.DataFrame:
    """One row per kind of record that has no model yet, or is to be trained anew: kind, model_version (from 1),
    trained_date, record_count and document (JSON).

    A model is trained once and kept, so that a score never depends on who else is there; `known` has the kinds and
    versions there are. `compared` reads the records of a kind, which is done only to train.
    """
    rows = []
    for kind, read_records in sorted(compared.items()):
        versions = [] if known is None else known.filter(pl.col("kind") == kind)["model_version"].to_list()
        if versions and not is_retrained:
            continue
        records = read_records()
        model = train(records, kind, resources=resources)
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


def rescored(
    kind: Kind,
    records: pl.DataFrame,
    models: pl.DataFrame,
    before: pl.DataFrame | None,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> pl.DataFrame:
    """One row per pair that the newest model finds alike, as `linkage.score` has them, and one per record: record_id_l
    alone, with what `linkage.Scores` remembers of it. `before` is what this function returned in the run before.
    """
    scores = rescore(
        records, latest_model(kind, models), None if before is None else _scores(kind, before), resources=resources
    )
    return pl.concat([scores.pairs, scores.records.rename({"record_id": "record_id_l"})], how="diagonal")


def _scores(kind: Kind, rows: pl.DataFrame) -> Scores:
    of_pairs = set(pair_columns(SPECIFICATIONS[kind])) - {"record_id_l"}
    is_pair = pl.col("record_id_r").is_not_null()
    return Scores(
        rows.filter(is_pair).select(column for column in rows.columns if column in {"record_id_l", *of_pairs}),
        rows.filter(~is_pair).drop(of_pairs, strict=False).rename({"record_id_l": "record_id"}),
    )


def is_corroborated(kind: Kind) -> pl.Expr:
    """Whether in a row of scores (level_<comparison>) the names agree, and more than the names, or what proves as much
    without them.
    """
    specification = SPECIFICATIONS[kind]
    named = pl.all_horizontal(pl.col(f"level_{name}") > 0 for name in specification.named_by)
    more = pl.any_horizontal(pl.col(f"level_{name}").is_in(levels) for name, levels in specification.corroborating)
    return (named & more) | _has_levels(specification.proving)


def _has_levels(alternatives: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]) -> pl.Expr:
    """Whether all comparisons of one of the alternatives are at one of their levels."""
    return pl.any_horizontal(
        pl.lit(value=False),
        *(
            pl.all_horizontal(pl.col(f"level_{name}").is_in(levels) for name, levels in alternative)
            for alternative in alternatives
        ),
    )


def _reconciled(exclusive: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """`exclusive` (record_id, value) with one value for all that the pairs say are one entity's: the most frequent."""
    left = exclusive.rename({"record_id": "record_id_l", "value": "value_l"})
    right = exclusive.rename({"record_id": "record_id_r", "value": "value_r"})
    same = (
        pairs.join(left, on="record_id_l")
        .join(right, on="record_id_r")
        .filter((pl.col("value_l") != pl.col("value_r")) & (_id_type("value_l") == _id_type("value_r")))
        .select("value_l", "value_r")
        .unique()
    )
    group = {value: value for value in {*same["value_l"], *same["value_r"]}}
    members = {value: [value] for value in group}
    for one, other in same.iter_rows():
        kept, joined = group[one], group[other]
        if kept != joined:
            for value in members.pop(joined):
                group[value] = kept
                members[kept].append(value)
    counts = dict(exclusive["value"].value_counts().iter_rows())
    chosen = {name: min(values, key=lambda value: (-counts[value], value)) for name, values in members.items()}
    return exclusive.with_columns(pl.col("value").replace({value: chosen[name] for value, name in group.items()}))


def _id_type(column: str) -> pl.Expr:
    return pl.col(column).str.split(" ").list.first()


def decided_edges(
    entity: str,
    *,
    rule_edges: pl.DataFrame,
    pairs: pl.DataFrame,
    records: pl.DataFrame,
    overrides: pl.DataFrame,
    exclusive: pl.DataFrame,
    link_probability: float,
    strong_probability: float,
    review_probability: float,
    max_records: int,
) -> pl.DataFrame:
    """One row per pair of records and rule: record_id_l, record_id_r, rule, tier, confidence, match_weight (bits, of
    the linkage model only), is_kept, reason (why an edge isn't kept).

    `records` has all records: record_id, and duplicate_free_list where it is in one, in which no two records are one
    entity. A pair that the model finds alike by the name alone is for review, whatever its probability. Two values of
    an exclusive identifier don't keep apart where everything else says that the model's pair is one. Raises ValueError
    for an override that can't hold, naming its row of identity_overrides.csv.
    """
    same, different = read_overrides(entity, overrides, records)
    is_outweighed = _has_levels(SPECIFICATIONS[KINDS[entity]].outweighing)
    outweighed = pairs.filter(is_outweighed & (pl.col("match_probability") >= strong_probability))
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
        tier=pl.when(~is_corroborated(KINDS[entity]) | (pl.col("match_probability") < link_probability))
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
            exclusive=_reconciled(exclusive, outweighed.select("record_id_l", "record_id_r")),
            duplicate_free=records.select("record_id", "duplicate_free_list"),
            limits=Limits(max_records=max_records),
        )
    except OverridesError as error:
        raise ValueError(f"identity_overrides.csv: {error}") from None


def read_overrides(entity: str, overrides: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
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
        if row.get("decided_date") and not _is_date(row["decided_date"]):
            raise ValueError(
                f"identity_overrides.csv, row {number}: its decided_date is {row['decided_date']}; "
                "write it like 2026-05-01, or leave it empty."
            )
    named = overrides.with_row_index("row", offset=1).filter(pl.col("entity") == entity)
    known = set(records["record_id"].to_list()) if named.height else set()
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


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def measured(
    labelled: pl.DataFrame,
    compared: Mapping[Kind, pl.DataFrame],
    linked: pl.DataFrame,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> pl.DataFrame:
    """The quality of what was put together, as `linkage_quality.label_quality` has it; without labels, no row.

    `labelled`: one row per entity and labelled record, with entity, kind (of record), record_id, cluster_id, entity_id
    and label_group. `compared`: the records as the linkage models read them. `linked`: record_id_l and record_id_r,
    the pairs that a rule gives.
    """
    ids = labelled.select("entity", "entity_id", "record_id")
    pairs = (
        ids.join(ids, on=["entity", "entity_id"], suffix="_r")
        .rename({"record_id": "record_id_l"})
        .filter(pl.col("record_id_l") < pl.col("record_id_r"))
    )
    asked = pairs.select("record_id_l", "record_id_r").unique()
    found = [linked.select("record_id_l", "record_id_r").join(asked, on=asked.columns, how="semi")]
    if asked.height:
        found += [
            compared_pairs(records, kind, asked, resources=resources) for kind, records in sorted(compared.items())
        ]
    is_found = pl.concat(found).unique().with_columns(is_found=pl.lit(value=True))
    counts = (
        pairs.join(is_found, on=asked.columns, how="left")
        .group_by("entity", "entity_id")
        .agg(pair_count=pl.len(), found_pair_count=pl.col("is_found").sum())
    )
    return label_quality(labelled, counts)
