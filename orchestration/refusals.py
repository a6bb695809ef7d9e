"""Why an edge was refused, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.linkage_specification import SPECIFICATIONS, Specification
from orchestration.identity_reader import COMPARED, Edge

REASONS = {
    "cannot_link": "a reviewer decided that they are different (identity_overrides.csv)",
    "different_id": "each side has a number of an authority that contradicts the other's",
    "duplicate_free": "each side has a record of one source that is marked as free of duplicates",
    "cap": "together they would be more records than one customer or person may have",
    "two_cores": "both sides are groups of their own, and weak evidence never joins two groups",
}
NAMES = {"first_name", "last_name", "name"}


def in_words(edge: Edge, steps: Sequence[Mapping[str, Any]]) -> str:
    """The reason as a clause. `steps`: the pair's waterfall, which tells of an edge for review what it lacks."""
    if edge["reason"] in REASONS:
        return REASONS[edge["reason"]]
    return _lack(SPECIFICATIONS[COMPARED[edge["entity"]][0]], edge["confidence"], steps)


def _lack(specification: Specification, confidence: float, steps: Sequence[Mapping[str, Any]]) -> str:
    """What a pair of the linkage model is short of: a probability, or something besides the name, whatever that is."""
    if not steps:
        return "the linkage model finds them alike, but not enough to join them"
    levels = reached_levels(specification, steps)
    if is_corroborated(specification, levels):
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


def reached_levels(specification: Specification, steps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """By comparison, the number of its level as the specification counts them: 0 the weakest, -1 nothing to compare."""
    labels = {one.name: [level.label for level in reversed(one.levels)] for one in specification.weighed}
    told = {step["step"]: step["level"] for step in steps}
    return {name: names.index(told[name]) if told.get(name) in names else -1 for name, names in labels.items()}


def is_corroborated(specification: Specification, levels: Mapping[str, int]) -> bool:
    """Whether more than a name speaks for the pair, as `analytics.identity` asks of an edge before it joins records."""
    is_named = all(levels[name] > 0 for name in specification.named_by)
    has_more = any(levels[name] in enough for name, enough in specification.corroborating)
    is_proved = any(all(levels[name] in enough for name, enough in proof) for proof in specification.proving)
    return (is_named and has_more) or is_proved
