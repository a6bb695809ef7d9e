"""Survival curves by group and month."""

from datetime import date

import polars as pl
import pytest

from analytics.customer_lifetimes import SCHEMA, curves

AS_OF = date(2024, 4, 9)
PRESENCES = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "from_date": [date(2024, 1, 1)] * 4,
        "to_date": [date(2024, 1, 31), date(2024, 3, 1), None, None],
        "end_cause": ["voluntary", "involuntary", None, None],
        "watched_from_date": [date(2024, 1, 1)] * 4,
    }
)
SEGMENTS = pl.DataFrame(
    {
        "customer_id": [*"abcd", "a", "b"],
        "dimension": ["all"] * 4 + ["plan"] * 2,
        "segment": ["all"] * 4 + ["team", None],
    }
)


def test_curves_hold_from_one_exit_to_the_next() -> None:
    frame = curves(PRESENCES, SEGMENTS, AS_OF, 60)
    everybody = frame.filter(pl.col("dimension") == "all")
    # Watched for 100 days: ages 0 to 3. The first leaves after 30 days, the second after 60.
    assert everybody["age"].to_list() == [0, 1, 2, 3]
    assert everybody["at_risk"].to_list() == [4, 4, 3, 2]
    assert everybody["survival"].to_list() == pytest.approx([1, 0.75, 0.5, 0.5])
    assert everybody["voluntary_incidence"].to_list() == pytest.approx([0, 0.25, 0.25, 0.25])
    assert everybody["involuntary_incidence"].to_list() == pytest.approx([0, 0, 0.25, 0.25])
    assert everybody["rmst_days"].unique().to_list() == pytest.approx([30 + 0.75 * 30])
    assert everybody["median_days"].unique().to_list() == [60]
    team = frame.filter(pl.col("segment") == "team")
    assert (team["customer_count"].unique().to_list(), team["age"].to_list()) == ([1], [0, 1])


def test_who_is_watched_later_is_at_risk_from_then_on() -> None:
    """b after 45 days, d after 80; e, who left before anybody watched, is in no curve."""
    late = pl.DataFrame(
        {
            "customer_id": ["b", "d", "e"],
            "from_date": [date(2024, 1, 1)] * 3,
            "to_date": [date(2024, 3, 1), None, date(2024, 1, 21)],
            "end_cause": ["involuntary", None, "voluntary"],
            "watched_from_date": [date(2024, 2, 15), date(2024, 3, 21), date(2024, 2, 20)],
        }
    )
    presences = pl.concat([PRESENCES.filter(pl.col("customer_id").is_in(["a", "c"])), late])
    segments = pl.DataFrame({"customer_id": [*"abcde"], "dimension": ["all"] * 5, "segment": ["all"] * 5})
    frame = curves(presences, segments, AS_OF, 60)
    assert frame["at_risk"].to_list() == [2, 2, 2, 2]
    assert frame["survival"].to_list() == pytest.approx([1, 0.5, 0.25, 0.25])
    assert frame["voluntary_incidence"].to_list() == pytest.approx([0, 0.5, 0.5, 0.5])
    assert frame["customer_count"].unique().to_list() == [4]
    assert curves(late.filter(pl.col("customer_id") == "e"), segments, AS_OF, 60).is_empty()


def test_without_customers_there_are_no_rows() -> None:
    for frame in (curves(PRESENCES.clear(), SEGMENTS, AS_OF, 60), curves(PRESENCES, SEGMENTS, None, 60)):
        assert frame.is_empty()
        assert frame.schema == pl.Schema(SCHEMA)
