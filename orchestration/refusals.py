"""Why an edge was refused, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analytics.identity import is_corroborated
from analytics.linkage_specification import SPECIFICATIONS, Kind, Specification
from orchestration.identity_reader import COMPARED, Edge

REASONS = {
    "cannot_link": "a reviewer decided that they are different (identity_overrides.csv)",
    "different_id": "each side has a number of an authority that contradicts the other's",
    "duplicate_free": "each side has a record of one list that is free of duplicates (duplicate_free_lists.csv)",
    "cap": "together they would be more records than one customer or person may have",
    "two_cores": "both sides are groups of their own, and weak evidence never joins two groups",
}
NAMES = {"first_name", "last_name", "name"}


def in_words(edge: Edge, steps: Sequence[Mapping[str, Any]]) -> str:
    """The reason as a clause. `steps`: the pair's waterfall, which tells of an edge for review what it lacks."""
    if edge["reason"] in REASONS:
        return REASONS[edge["reason"]]
    return _lack(COMPARED[edge["entity"]][0], edge["confidence"], steps)


def _lack(kind: Kind, confidence: float, steps: Sequence[Mapping[str, Any]]) -> str:
    """What a pair of the linkage model is short of: a probability, or something besides the name, whatever that is."""
    if not steps:
        return "the linkage model finds them alike, but not enough to join them"
    specification = SPECIFICATIONS[kind]
    levels = _reached_levels(specification, steps)
    if _row_of(levels).select(is_corroborated(kind)).item():
        return (
            f"a probability of {confidence:.4f} is less than the linkage model needs to join records "
            "(link_probability in dbt_project.yml)"
        )
    names = {comparison.name for comparison in specification.comparisons}
    alike = {step["step"]: step["level"] for step in steps if step["step"] in names and levels[step["step"]] > 0}
    beyond = ", ".join(level for name, level in alike.items() if name not in NAMES)
    told = ", ".join(alike.values())
    unnamed = next((name for name in specification.named_by if levels[name] <= 0), None)
    if unnamed:
        is_unlike = "differs" if levels[unnamed] == 0 else "isn't known of both"
        return (
            f"the {unnamed.replace('_', ' ')} {is_unlike}, and what is alike without it ({told}) joins nobody, "
            "however probable the pair is"
        )
    if beyond:
        return f"what is alike besides the name ({beyond}) is too little, however probable the pair is"
    return f"only the name is alike ({told}), and that joins nobody, however probable the pair is"


def _reached_levels(specification: Specification, steps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """By comparison, the number of its level as the specification counts them: 0 the weakest, -1 nothing to compare."""
    labels = {one.name: [level.label for level in reversed(one.levels)] for one in specification.weighed}
    told = {step["step"]: step["level"] for step in steps}
    return {name: names.index(told[name]) if told.get(name) in names else -1 for name, names in labels.items()}


def _row_of(levels: Mapping[str, int]) -> pl.DataFrame:
    return pl.DataFrame({f"level_{name}": [level] for name, level in levels.items()})
