"""Scoring with what is known of the day before: the same pairs as without it, for any history, and fewer weighed."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.linkage import Scores, rescore, score
from analytics.linkage_model import prior_model
from analytics.linkage_specification import SPECIFICATIONS
from analytics.linkage_splink import predict
from tests.conftest import examples
from tests.labelled import synthetic_people

MODEL = prior_model("people")
VALUES: dict[str, list[str | None]] = {
    "duplicate_free_list": [None, None, "crm"],
    "first_name": ["ann", "anne", "bob", None],
    "last_name": ["lee", "leigh", "okonkwo"],
    "email": ["ann@lee.com", "bob@lee.com", None, None],
    "birth_date": ["1980-01-02", "1980-02-01", None],
    "city": ["leeds", "york", None],
    "national_id": ["1234567", None, None, None],
}
# Each day's records, by number, with the place of each value; and the parameters of that day.
RECORD = st.tuples(*(st.integers(0, len(values) - 1) for values in VALUES.values()))
DAY = st.tuples(
    st.dictionaries(st.integers(0, 13), st.one_of(st.none(), RECORD, RECORD), max_size=8),
    st.sampled_from([4, 4, 4, 3, 6]),
    st.sampled_from([-4.0, -4.0, -8.0]),
)


def _people(people: dict[int, tuple[int, ...]]) -> pl.DataFrame:
    rows = [
        (f"r{number:02}", *(values[place] for values, place in zip(VALUES.values(), places, strict=True)))
        for number, places in people.items()
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(["record_id", *VALUES], pl.String), orient="row")


def _same_email(numbers: Iterable[int]) -> pl.DataFrame:
    return pl.DataFrame({"record_id": [f"r{number}" for number in numbers]}).with_columns(
        email=pl.lit("ann@lee.com"), first_name="record_id"
    )


@settings(max_examples=examples(1))
@given(st.lists(RECORD, min_size=10, max_size=14), st.lists(DAY, min_size=3, max_size=3))
def test_any_history_gives_what_scoring_everything_gives(
    first: list[tuple[int, ...]],
    days: list[tuple[dict[int, tuple[int, ...] | None], int, float]],
) -> None:
    _check_history(first, days)


def _check_history(
    first: list[tuple[int, ...]],
    days: list[tuple[dict[int, tuple[int, ...] | None], int, float]],
) -> None:
    people = dict(enumerate(first))
    known = rescore(_people(people), MODEL, None, max_shared=4)
    for changes, max_shared, floor in days:
        for number, places in changes.items():
            if places is None:
                people.pop(number, None)
            else:
                people[number] = places
        known, whole = (
            rescore(
                _people(people),
                MODEL,
                before,
                max_shared=max_shared,
                weight_floor=floor,
            )
            for before in (known, None)
        )
        assert known.pairs.equals(whole.pairs)
        assert known.records.equals(whole.records)


def test_a_value_that_grows_over_the_bound_loses_its_pairs_and_one_that_shrinks_finds_them() -> None:
    three = rescore(_same_email(range(3)), MODEL, None, max_shared=3, weight_floor=-99)
    assert three.pairs.height == 3
    four = rescore(_same_email(range(4)), MODEL, three, max_shared=3, weight_floor=-99)
    assert four.pairs.is_empty()
    other_three = rescore(_same_email(range(1, 4)), MODEL, four, max_shared=3, weight_floor=-99)
    assert other_three.pairs.select("record_id_l", "record_id_r").rows() == [("r1", "r2"), ("r1", "r3"), ("r2", "r3")]


def test_a_pair_keeps_its_weight_and_takes_the_first_rule_that_still_gives_it() -> None:
    people = _same_email(range(4)).with_columns(phone=pl.when(pl.col("record_id") < "r2").then(pl.lit("+441")))
    before = rescore(people.head(3), MODEL, None, max_shared=3)
    after = rescore(people, MODEL, before, max_shared=3)
    assert before.pairs.filter(pl.col("record_id_r") == "r1")["blocking_rule"].to_list() == ["e-mail"]
    assert after.pairs["blocking_rule"].to_list() == ["phone"]


def test_only_pairs_of_fresh_records_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    people = synthetic_people(600).records
    weighed: list[int] = []

    def counted(database: duckdb.DuckDBPyConnection, *given: Any, **named: Any) -> str:
        table = predict(database, *given, **named)
        weighed.extend(row[0] for row in database.execute(f"select count(*) from {table}").fetchall())
        return table

    monkeypatch.setattr("analytics.linkage.predict", counted)
    before = rescore(people.head(590), MODEL, None, weight_floor=-99)
    after = rescore(people, MODEL, before, weight_floor=-99)
    rescore(people, MODEL, after, weight_floor=-99)
    last = people["record_id"].tail(10).implode()
    fresh = after.pairs.filter(pl.col("record_id_l").is_in(last) | pl.col("record_id_r").is_in(last)).height
    assert weighed[0] > 300
    assert fresh <= weighed[1] <= fresh + 5
    assert weighed[2] == 0


def test_another_model_scores_everything_anew() -> None:
    people = synthetic_people(200).records
    other = replace(MODEL, prior=MODEL.prior * 4)
    known = rescore(people, MODEL, None)
    assert rescore(people, other, known).pairs.equals(score(people, other))
    old = Scores(known.pairs.drop("level_location"), known.records)
    assert rescore(people, MODEL, old).pairs.equals(known.pairs)


def test_what_is_known_survives_a_file_and_any_order(tmp_path: Path) -> None:
    people = synthetic_people(300).records
    known = rescore(people.head(280), MODEL, None)
    kept = []
    for name, frame in (("pairs", known.pairs), ("records", known.records)):
        frame.sample(fraction=1, shuffle=True, seed=5).write_parquet(tmp_path / f"{name}.parquet")
        kept.append(pl.read_parquet(tmp_path / f"{name}.parquet"))
    assert rescore(people, MODEL, Scores(*kept)).pairs.equals(score(people, MODEL))


def test_no_more_rules_than_the_bits_that_remember_them() -> None:
    assert all(len(one.blocking_rules) <= 31 for one in SPECIFICATIONS.values())
