"""Why an edge was refused: the words fit what `analytics.identity` decides by."""

import pytest

from analytics.clustering import REASONS
from orchestration.refusals import in_words


@pytest.mark.parametrize("reason", sorted(set(REASONS) - {"review"}))
def test_every_reason_has_words(reason: str) -> None:
    assert in_words({"reason": reason, "tier": "strong", "entity": "person", "confidence": 0.99}, [])


def step(name: str, level: str) -> dict[str, str]:
    return {"step": name, "level": level}


@pytest.mark.parametrize(
    ("entity", "confidence", "steps", "words"),
    [
        ("customer", 0.9999, [step("name", "same name")], "only the name is alike (same name), and that joins nobody"),
        ("customer", 0.97, [step("domain", "same domain")], "the name isn't known of both, and what is alike without"),
        ("customer", 0.6, [step("name", "name alike")], "only the name is alike (name alike), and that joins nobody"),
        # Whoever wants 0.97 of the model has pairs like this.
        ("customer", 0.96, [step("name", "name alike"), step("domain", "same domain")], "a probability of 0.9600"),
        ("person", 0.99, [], "the linkage model finds them alike, but not enough to join them"),
        (
            "person",
            0.99,
            [step("first_name", "same first name"), step("location", "same city"), step("phone", "phone differs")],
            "what is alike besides the name (same city) is too little",
        ),
        (
            "person",
            0.99,
            [
                step("last_name", "same last name"),
                step("email", "same e-mail"),
                step("first_name", "first name differs"),
            ],
            "the first name differs, and what is alike without it (same last name, same e-mail) joins nobody",
        ),
    ],
)
def test_what_an_edge_for_review_lacks(entity: str, confidence: float, steps: list[dict[str, str]], words: str) -> None:
    edge = {"reason": "review", "tier": "review", "entity": entity, "confidence": confidence}
    prior = step("prior", "two random records")
    assert in_words(edge, [prior, *steps] if steps else []).startswith(words)
