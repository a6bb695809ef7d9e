"""`analytics.identity.decided_edges` with nothing given but what a test is about."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analytics.identity import KINDS, decided_edges
from analytics.linkage_specification import SPECIFICATIONS

RULE_EDGES = {
    "record_id_l": pl.String, "record_id_r": pl.String, "rule": pl.String, "tier": pl.String, "confidence": pl.Float64,
}  # fmt: skip
OVERRIDES = dict.fromkeys(("decision", "entity", "record_id_l", "record_id_r", "decided_date"), pl.String)


def decide_pairs(
    entity: str,
    record_ids: Sequence[str],
    *,
    pairs: Sequence[Mapping[str, Any]] = (),
    overrides: Sequence[tuple[Any, ...]] = (),
    exclusive: Mapping[str, str] | None = None,
    lists: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """The decided edges; `pairs` are the model's, with levels of -1 where none is told, `exclusive` record → value,
    `lists` record → the list free of duplicates that it is in."""
    levels = {f"level_{one.name}": pl.Int8 for one in SPECIFICATIONS[KINDS[entity]].weighed}
    scores = {"record_id_l": pl.String, "record_id_r": pl.String, "match_weight": pl.Float64,
              "match_probability": pl.Float64, **levels}  # fmt: skip
    return decided_edges(
        entity,
        rule_edges=pl.DataFrame(schema=RULE_EDGES),
        pairs=pl.DataFrame([dict.fromkeys(levels, -1) | dict(pair) for pair in pairs], schema=scores),
        records=pl.DataFrame(
            [(record, (lists or {}).get(record)) for record in record_ids],
            schema={"record_id": pl.String, "duplicate_free_list": pl.String},
            orient="row",
        ),
        overrides=pl.DataFrame([(*row, None)[:5] for row in overrides], schema=OVERRIDES, orient="row"),
        exclusive=pl.DataFrame(
            list((exclusive or {}).items()), schema={"record_id": pl.String, "value": pl.String}, orient="row"
        ),
        link_probability=0.95,
        strong_probability=0.99,
        review_probability=0.5,
        max_records=100,
    )
