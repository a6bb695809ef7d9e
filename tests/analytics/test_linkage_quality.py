"""Quality of clusters: the textbook case of B-cubed, edges, and the interval."""

import polars as pl
import pytest

from analytics.identity import measured
from analytics.linkage_quality import (
    Quality,
    b_cubed,
    blocking_recall,
    estimates,
    pairwise,
    recall_by_group,
)

TRUTH = [0] * 5 + [1] * 2 + [2] * 5


def clusters(response: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"cluster_id": response, "entity_id": TRUTH})


@pytest.mark.parametrize(
    ("response", "cubed", "pairs"),
    [
        ([0] * 5 + [1] * 7, 0.7619, 0.6774),
        ([0] * 5 + [1] * 2 + [0] * 5, 0.5833, 0.4565),
    ],
)
def test_textbook_case(response: list[int], cubed: float, pairs: float) -> None:
    frame = clusters(response)
    assert round(b_cubed(frame).precision, 4) == cubed
    assert b_cubed(frame).recall == 1
    assert round(pairwise(frame).precision, 4) == pairs
    assert pairwise(frame).recall == 1


def test_nothing_linked_is_precise_and_finds_nothing() -> None:
    quality = pairwise(clusters(list(range(12))))
    assert (quality.precision, quality.recall, quality.f1) == (1.0, 0.0, 0.0)
    assert Quality(0.0, 0.0).f1 == 0.0


def test_interval_holds_the_estimate_and_repeats() -> None:
    frame = clusters([0] * 5 + [1] * 7)
    interval = estimates(frame)["pair_f1"].interval
    assert interval.low <= pairwise(frame).f1 <= interval.high
    assert interval == estimates(frame)["pair_f1"].interval
    perfect = estimates(clusters(TRUTH))["pair_f1"].interval
    assert (perfect.low, perfect.high) == (1.0, 1.0)


def test_blocking_recall_counts_true_pairs() -> None:
    entities = pl.DataFrame({"record_id": ["a", "b", "c"], "entity_id": [1, 1, 1]})
    assert blocking_recall([("a", "b"), ("c", "a")], entities) == pytest.approx(2 / 3)


def test_estimates_are_those_of_the_measures_and_their_intervals_hold_them() -> None:
    frame = clusters([0] * 4 + [1] * 8)
    found = estimates(frame)
    pairs, cubed = pairwise(frame), b_cubed(frame)
    expected = {
        "pair_precision": pairs.precision,
        "pair_recall": pairs.recall,
        "pair_f1": pairs.f1,
        "b3_precision": cubed.precision,
        "b3_recall": cubed.recall,
        "b3_f1": cubed.f1,
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    assert all(one.interval.low <= one.value <= one.interval.high for one in found.values())
    assert (found["pair_recall"].num, found["pair_recall"].den) == (17, 21)


def test_recall_of_a_group_is_over_the_pairs_that_have_a_record_of_it() -> None:
    frame = pl.DataFrame(
        {
            "cluster_id": [0, 0, 1, 2, 2, 3],
            "entity_id": ["a", "a", "a", "b", "b", "c"],
            "label_group": [None, None, "moved;slip", "slip", None, "alone"],
        }
    )
    found = recall_by_group(frame)
    assert {group: (one.num, one.den, one.value) for group, one in found.items()} == {
        "moved": (0, 2, 0), "slip": (1, 3, pytest.approx(1 / 3)),
    }  # fmt: skip


LABELLED = pl.DataFrame(
    {
        "entity": "person",
        "kind": "person",
        "record_id": ["a", "b", "c"],
        "cluster_id": ["per_1", "per_1", "per_2"],
        "entity_id": "x",
        "label_group": pl.Series([None, None, None], dtype=pl.String),
    }
)
LINKED = pl.DataFrame({"record_id_l": ["a", "a"], "record_id_r": ["c", "z"]})


def test_what_neither_rules_nor_blocking_bring_together_is_told_apart() -> None:
    people = pl.DataFrame({"record_id": ["a", "b", "c"], "national_id": ["1", "1", "2"]})
    found = measured(LABELLED, {"people": people}, LINKED)
    row = found.filter(pl.col("metric") == "blocking_recall").row(0, named=True)
    assert (row["num"], row["den"], row["segment"]) == (2, 3, "all")
    assert set(found["segment"]) == {"all"}


def test_without_labels_nothing_is_measured() -> None:
    people = pl.DataFrame({"record_id": ["a"], "national_id": ["1"]})
    assert measured(LABELLED.clear(), {"people": people}, LINKED).is_empty()
