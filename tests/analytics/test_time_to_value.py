import polars as pl
import pytest

from analytics.time_to_value import SCHEMA, times

# Gehan's (1965) trial of 6-MP: weeks in remission, and whether they ended.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
NOBODY = pl.DataFrame(schema={"customer_id": pl.String, "dimension": pl.String, "segment": pl.String})


def spells(days: list[float], reached: list[int], watched: list[float] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "clock": "contract_start",
            "criterion": "first_value",
            "customer_id": [f"c{number}" for number in range(len(days))],
            "days": [float(day) for day in days],
            "watched_days": [float(day) for day in watched or days],
            "is_reached": [bool(one) for one in reached],
        }
    )


def test_known_quantiles_and_shares() -> None:
    row = times(spells(WEEKS, ENDED), NOBODY, due_days=10).row(0, named=True)
    assert (row["start_count"], row["reached_count"]) == (21, 9)
    assert (row["p25_days"], row["median_days"], row["p75_days"], row["p90_days"]) == (13, 23, None, None)
    # Where the log-log interval of the curve holds one half.
    assert (row["median_ci_low"], row["median_ci_high"]) == (13, None)
    assert row["due_share"] == pytest.approx(1 - 0.7529, abs=5e-5)
    assert (1 - row["due_ci_high"], 1 - row["due_ci_low"]) == pytest.approx((0.5032, 0.8894), abs=5e-5)


def test_who_is_not_there_yet_is_never_dropped() -> None:
    row = times(spells([10, 20, 30, 30], [1, 1, 0, 0]), NOBODY, due_days=90).row(0, named=True)
    assert (row["start_count"], row["reached_count"], row["median_days"]) == (4, 2, 20)
    # Nobody was watched for 90 days: nobody has missed them, and what share will not is not known.
    assert (row["due_count"], row["missed_count"], row["due_share"]) == (0, 0, None)


def test_who_missed_the_day() -> None:
    """In time, late, never, and too young to tell."""
    row = times(spells([90, 91, 200, 40], [1, 1, 0, 0], [300, 300, 200, 40]), NOBODY, due_days=90).row(0, named=True)
    assert (row["due_count"], row["missed_count"]) == (3, 2)
    assert row["due_share"] == pytest.approx(1 / 3)


def test_groups_are_of_those_known_and_all_is_of_everybody() -> None:
    groups = pl.DataFrame(
        {
            "customer_id": ["c0", "c0", "c1", "c2"],
            "dimension": ["all", "plan", "plan", "plan"],
            "segment": ["all", "pro", "pro", None],
        }
    )
    found = times(spells([5, 15, 25], [1, 1, 1]), groups, due_days=20)
    rows = found.select("dimension", "segment", "start_count", "median_days", "due_share").rows()
    assert rows == [("all", "all", 3, 15.0, pytest.approx(2 / 3)), ("plan", "pro", 2, 5.0, 1.0)]


def test_clocks_are_never_mixed() -> None:
    both = pl.concat([spells([5], [1]), spells([50], [1]).with_columns(clock=pl.lit("sign_up"))])
    assert times(both, NOBODY, 20)["median_days"].to_list() == [5.0, 50.0]


def test_value_at_once_takes_no_days() -> None:
    row = times(spells([0, 0, 0, 40], [1, 1, 1, 0]), NOBODY, due_days=20).row(0, named=True)
    assert (row["median_days"], row["p75_days"], row["p90_days"]) == (0.0, 0.0, None)


def test_without_anybody_there_is_nothing() -> None:
    found = times(spells([], []), NOBODY, 20)
    assert found.is_empty()
    assert found.schema == pl.Schema(SCHEMA)
