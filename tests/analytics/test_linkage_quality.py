"""Quality of clusters: the textbook case of B-cubed, edges, and the interval."""

import polars as pl
import pytest

from analytics.linkage_quality import Quality, b_cubed, blocking_recall, bootstrap_f1, pairwise

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
    interval = bootstrap_f1(frame)
    assert interval.low <= pairwise(frame).f1 <= interval.high
    assert interval == bootstrap_f1(frame)
    perfect = bootstrap_f1(clusters(TRUTH))
    assert (perfect.low, perfect.high) == (1.0, 1.0)


def test_blocking_recall_counts_true_pairs() -> None:
    entities = pl.DataFrame({"record_id": ["a", "b", "c"], "entity_id": [1, 1, 1]})
    assert blocking_recall([("a", "b"), ("c", "a")], entities) == pytest.approx(2 / 3)
