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


def test_without_customers_there_are_no_rows() -> None:
    for frame in (curves(PRESENCES.clear(), SEGMENTS, AS_OF, 60), curves(PRESENCES, SEGMENTS, None, 60)):
        assert frame.is_empty()
        assert frame.schema == pl.Schema(SCHEMA)
