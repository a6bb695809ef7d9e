"""From scores to edges: what is remembered gives the same, and names alone join nobody."""

from datetime import date

import polars as pl
import pytest

from analytics.identity import latest_model, newly_trained, rescored
from analytics.linkage import ModelError
from tests.deciding import decide_pairs

PEOPLE = pl.DataFrame(
    [
        {"record_id": f"crm/person/{n}", "source": "crm", "first_name": ("ann", "bo", "cy")[n % 3],
         "last_name": f"lee{n // 2}", "email_canonical": f"m{n // 2}@x.example", "city": "bonn"}
        for n in range(40)
    ]
)  # fmt: skip
MODELS = newly_trained({"people": lambda: PEOPLE}, None, date(2024, 1, 1), is_retrained=False)


def test_what_is_remembered_gives_the_same_scores() -> None:
    first = rescored("people", PEOPLE.head(25), MODELS, None)
    whole = rescored("people", PEOPLE, MODELS, None)
    assert rescored("people", PEOPLE, MODELS, first).select(whole.columns).equals(whole)
    assert rescored("people", PEOPLE, MODELS, whole.head(0)).select(whole.columns).equals(whole)


def test_a_model_is_trained_once_and_anew_on_demand() -> None:
    assert newly_trained({"people": lambda: PEOPLE}, MODELS, date(2024, 2, 1), is_retrained=False).height == 0
    again = newly_trained({"people": lambda: PEOPLE}, MODELS, date(2024, 2, 1), is_retrained=True)
    assert again["model_version"].to_list() == [2]
    assert again["document"].to_list() == MODELS["document"].to_list()


def test_a_model_of_another_version_is_named() -> None:
    other = MODELS.with_columns(document=pl.col("document").str.replace('"format_version": 1', '"format_version": 9'))
    with pytest.raises(ModelError, match="format version 9"):
        latest_model("people", other)


PAIR = {
    "record_id_l": "a", "record_id_r": "b", "match_weight": 12.0, "match_probability": 0.999, "level_first_name": 4,
    "level_last_name": 4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "tier"),
    [
        ({}, "review"),
        ({"level_email": 4}, "strong"),
        ({"level_email": 4, "match_probability": 0.96}, "weak"),
        ({"level_email": 4, "match_probability": 0.9}, "review"),
        # A family shares its phone and its home.
        ({"level_phone": 2, "level_location": 8, "level_first_name": 0}, "review"),
        ({"level_phone": 2, "level_location": 8, "level_first_name": -1}, "review"),
        ({"level_location": 8}, "strong"),
        ({"level_location": 2}, "review"),
    ],
)
def test_names_alone_and_homes_alone_are_for_review(changes: dict[str, float], tier: str) -> None:
    edges = decide_pairs("person", ["a", "b"], pairs=[PAIR | changes])
    assert edges.select("tier", "is_kept").rows() == [(tier, tier != "review")]
