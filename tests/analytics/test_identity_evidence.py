"""Which edges of the linkage model hold: what it takes besides names, and what outweighs a number that differs."""

from typing import Any

import pytest

from tests.deciding import decide_pairs


def decided(exclusive: dict[str, str] | None = None, **levels: int) -> tuple[Any, ...]:
    """Whether an all but certain pair with these levels is kept, and if not, why."""
    told = {f"level_{name}": level for name, level in levels.items()}
    pair = {"record_id_l": "a", "record_id_r": "b", "match_weight": 30.0, "match_probability": 0.999999, **told}
    values = {record: f"national_id {value}" for record, value in (exclusive or {}).items()}
    return decide_pairs("person", ["a", "b"], pairs=[pair], exclusive=values).select("is_kept", "reason").row(0)


@pytest.mark.parametrize(
    "levels",
    [
        {"first_name": 0, "national_id": 2, "birth_date": 3},
        {"first_name": 0, "national_id": 2, "location": 8},
        {"first_name": -1, "national_id": 2, "birth_date": 0, "location": 8},
        {"first_name": -1, "last_name": 4, "birth_date": 3},
        {"first_name": -1, "email": 4, "birth_date": 3},
    ],
    ids=["number and birth", "number and home", "number and home, no name", "last name and birth", "mailbox and birth"],
)
def test_without_an_agreeing_first_name_other_proof_joins(levels: dict[str, int]) -> None:
    assert decided(**levels) == (True, None)


@pytest.mark.parametrize(
    "levels",
    [
        {"first_name": 0, "last_name": 4, "birth_date": 3, "location": 8},
        {"first_name": 0, "last_name": 4, "email": 4, "location": 8},
        {"first_name": 0, "last_name": 4, "national_id": 2, "birth_date": 0, "location": 8},
        {"first_name": -1, "last_name": 4, "email": 4, "birth_date": 0},
        {"first_name": -1, "last_name": 4, "location": 8},
    ],
    ids=[
        "twins",
        "a child with a parent's mailbox",
        "under a parent's number",
        "a nameless child",
        "a nameless relative",
    ],
)
def test_a_family_is_left_to_a_reviewer(levels: dict[str, int]) -> None:
    assert decided(**levels) == (False, "review")


NUMBERS = {"a": "2534242", "b": "5860195"}


def test_a_number_that_differs_keeps_apart() -> None:
    assert decided(NUMBERS, first_name=4, last_name=4, email=4, national_id=0) == (False, "different_id")
    assert decided(NUMBERS, first_name=4, last_name=4, location=8, national_id=0) == (False, "different_id")
    father_and_son = {"first_name": 4, "last_name": 4, "birth_date": 0, "location": 8, "national_id": 0}
    assert decided(NUMBERS, **father_and_son) == (False, "different_id")


def test_name_birth_and_home_outweigh_a_number_that_differs() -> None:
    assert decided(NUMBERS, first_name=4, last_name=4, birth_date=3, location=8, national_id=0) == (True, None)
