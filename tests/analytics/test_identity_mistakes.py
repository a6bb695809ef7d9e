"""What people write wrong into identity's seeds, and a model that can't be read: one sentence each."""

import json
import re
from datetime import date
from typing import Any

import polars as pl
import pytest

from analytics.identity import latest_model
from analytics.linkage import ModelError
from analytics.linkage_model import prior_model
from tests.deciding import decide_pairs

RECORDS = ["s/customer/a", "s/customer/b", "s/customer/c"]


def _decide(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return decide_pairs("company", RECORDS, overrides=rows)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("sme", "company", "s/customer/a", "s/customer/b"), "row 2: its decision is sme; write same or different."),
        ((None, "person", "s/customer/a", "s/customer/b"), "row 2: its decision is empty; write same or different."),
        (
            ("same", "customer", "s/customer/a", "s/customer/b"),
            "row 2: its entity is customer; write company or person.",
        ),
        (("same", "company", "s/customer/a", "s/customer/z"), "row 2: there is no company record s/customer/z"),
        (("same", "company", "s/customer/a", "s/customer/a"), "row 2: it names one record twice"),
        (
            ("same", "company", "s/customer/a", "s/customer/b", "5/1/26"),
            "row 2: its decided_date is 5/1/26; write it like 2026-05-01",
        ),
    ],
)
def test_a_wrong_override(row: tuple[Any, ...], sentence: str) -> None:
    good = ("same", "company", "s/customer/a", "s/customer/b")
    assert _decide(good)["rule"].to_list() == ["override"]
    with pytest.raises(ValueError, match=re.escape(f"identity_overrides.csv, {sentence}")):
        _decide(good, row)


def test_contradicting_overrides() -> None:
    with pytest.raises(ValueError, match=r"^identity_overrides\.csv: The overrides contradict each other") as error:
        _decide(
            ("same", "company", "s/customer/a", "s/customer/b"),
            ("same", "company", "s/customer/b", "s/customer/c"),
            ("different", "company", "s/customer/c", "s/customer/a"),
        )
    assert "s/customer/a = s/customer/b = s/customer/c" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format_version": 9}, "is of format version 9, and this release reads version 1; train it again."),
        ({"kind": "companies"}, "is for companies, not for people"),
        ({"prior": 2}, "has a probability outside 0 to 1"),
        ({"comparisons": {}}, "was trained for other comparisons"),
    ],
)
def test_a_model_that_cannot_be_read(changes: dict[str, Any], sentence: str) -> None:
    document = json.loads(prior_model("people").to_json()) | changes
    models = pl.DataFrame(
        {
            "kind": ["people"],
            "model_version": [3],
            "trained_date": [date(2024, 1, 1)],
            "document": [json.dumps(document)],
        }
    )
    with pytest.raises(ModelError, match=r"^state\.linkage_models, people, version 3: ") as error:
        latest_model("people", models)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
