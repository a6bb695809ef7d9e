"""The operations that damage a table: what each does, what it lists, and that nothing happens when it is off."""

from dataclasses import fields, replace
from datetime import datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ingestion.demo.clock import Seeds
from ingestion.demo.damage import BREAKING, DEFAULT, MISSING_DAY, NONE, Damage, Draft, Shape, as_text, at_offset

SHAPES = {
    "people": Shape(version="updated", dated_by="created", is_full=True),
    "notes": Shape(dated_by="created"),
    "links": Shape(key=("one", "other"), is_full=True),
}
COUNT = 400


def draft(damage: Damage = DEFAULT) -> Draft:
    number = pl.Series(range(COUNT))
    day = pl.datetime(2026, 1, 1, 8) + pl.duration(hours=10 * number)
    people = pl.DataFrame({"number": number}).select(
        id=pl.lit("p") + number.cast(pl.String),
        name=pl.lit("Anna"),
        email=pl.lit("anna@example.com"),
        phone=pl.lit("+4930123456"),
        seats=number,
        created=day,
        updated=day + pl.duration(days=3),
    )
    notes = pl.DataFrame({"id": pl.Series(range(COUNT)), "created": people["created"]})
    links = pl.DataFrame({"one": people["id"], "other": pl.Series(["c1"] * COUNT)})
    return Draft("crm", Seeds(7), damage, SHAPES, {"people": people, "notes": notes, "links": links})


def listed(of: Draft, kind: str) -> pl.DataFrame:
    return of.exports({}).truth["damaged"].filter(pl.col("damage") == kind)


def test_none_is_all_off_and_breaking_is_the_default_with_a_broken_schema() -> None:
    assert not any(getattr(NONE, setting.name) for setting in fields(Damage))
    assert replace(BREAKING, missing_column=False, retyped_column=False) == DEFAULT
    assert not DEFAULT.missing_column
    assert not DEFAULT.retyped_column


def test_nothing_happens_when_all_is_off() -> None:
    of = draft(NONE)
    before = dict(of.tables)
    of.null_likes("people", ["phone", "email", "name"])
    of.time_zones("people", "created")
    of.missing_day("notes")
    of.two_exports("people", "created", {"name": ("Ann",)})
    of.two_full_exports("links", pl.Series([True] * COUNT))
    of.hard_deleted("people", pl.Series([True] * COUNT))
    for table in of.tables:
        of.twice_delivered(table)
        of.broken_rows(table, [("created", None, "created is missing")])
        of.added_column(table, "extra", ("a", "b"))
        of.missing_column(table, "created")
        of.retyped_column(table, "created")
    exports = of.exports({})
    assert exports.truth["damaged"].is_empty()
    for table, files in exports.tables.items():
        assert [suffix for suffix, _ in files] == [""]
        assert_frame_equal(files[0][1], before[table])


def test_values_are_text_in_utc() -> None:
    frame = pl.DataFrame({"at": [datetime(2026, 5, 1, 12, 30)], "is_new": [True], "count": [3], "none": [None]})  # noqa: DTZ001
    assert as_text(frame).row(0) == ("2026-05-01T12:30:00Z", "true", "3", None)


@pytest.mark.parametrize("offset", ["+02:00", "-05:00", "+05:30"])
def test_a_time_with_an_offset_is_the_same_moment(offset: str) -> None:
    typed = at_offset(pl.Series(["2026-05-01T23:30:00Z"]), pl.Series([offset])).item()
    assert typed.endswith(offset)
    assert datetime.fromisoformat(typed) == datetime.fromisoformat("2026-05-01T23:30:00+00:00")


def test_only_rows_that_differ_are_listed() -> None:
    of = draft()
    is_low = pl.Series(range(COUNT)) < 10
    of.change("people", "typed", is_low.to_numpy(), {"name": pl.Series(["Anna"] * 5 + ["Ann"] * (COUNT - 5))})
    assert listed(of, "typed")["record_id"].to_list() == [f"p{number}" for number in range(5, 10)]
    assert of.tables["people"]["name"].value_counts(sort=True)["count"].to_list() == [COUNT - 5, 5]


def test_a_row_whose_key_changes_is_missing_under_the_old_one() -> None:
    of = draft()
    mask = (pl.Series(range(COUNT)) < 1).to_numpy()
    of.change("links", "moved", mask, {"other": pl.Series(["c2"] * COUNT)})
    assert listed(of, "moved").select("record_id", "expected").rows() == [("p0/c2", "kept"), ("p0/c1", "missing")]


def test_null_likes_suit_their_field() -> None:
    of = draft(replace(DEFAULT, null_likes=0.5))
    of.null_likes("people", ["phone", "email", "name"])
    frame = of.tables["people"]
    assert "0000000000" in set(frame["phone"])
    assert "test@test.com" in set(frame["email"])
    assert {"n/a", "-", "none"} <= set(frame["name"])
    likes = frame.filter(
        (pl.col("phone") != "+4930123456") | (pl.col("email") != "anna@example.com") | (pl.col("name") != "Anna")
    )
    assert set(listed(of, "null_like")["record_id"]) == set(likes["id"])


def test_a_whole_day_is_missing() -> None:
    of = draft()
    before = of.tables["notes"]
    of.missing_day("notes")
    lost = before.filter(pl.col("created").str.starts_with(MISSING_DAY.isoformat()))
    assert len(lost) > 0
    assert listed(of, "missing_day").select("record_id", "expected").rows() == [
        (note, "missing") for note in lost["id"]
    ]
    assert len(of.tables["notes"]) == COUNT - len(lost)


def test_corrected_records_come_in_an_older_version_first() -> None:
    of = draft(replace(DEFAULT, corrected=0.2))
    clean = of.tables["people"]
    of.two_exports("people", "created", {"name": ("Ann", None)})
    (first_suffix, first), (second_suffix, second) = of.exports({}).tables["people"]
    assert first_suffix < second_suffix
    assert (first["created"] < "2026-06-01").all()
    assert (first["updated"] < "2026-06-01").all()
    assert len(second) == COUNT
    both = first.join(second, on="id", suffix="_new")
    corrected = both.filter(pl.col("updated") != pl.col("updated_new"))
    assert set(listed(of, "corrected")["record_id"]) == set(corrected["id"])
    assert 0.1 < len(corrected) / len(first) < 0.4
    assert (corrected["updated"] < corrected["updated_new"]).all()
    assert corrected["name"].is_in(["Ann", None], nulls_equal=True).all()
    assert_frame_equal(second.drop("updated"), clean.drop("updated"))
    same = both.filter(pl.col("updated") == pl.col("updated_new"))
    assert (same["name"] == same["name_new"]).all()


def test_hard_deleted_records_are_gone_from_the_second_export() -> None:
    of = draft()
    of.two_exports("people", "created", {"name": ("Ann",)})
    of.hard_deleted("people", pl.Series(range(COUNT)) < 3)
    (_, first), (_, second) = of.exports({}).tables["people"]
    assert {"p0", "p1", "p2"} <= set(first["id"])
    assert not {"p0", "p1", "p2"} & set(second["id"])
    assert listed(of, "hard_deleted").select("record_id", "expected").rows() == [(f"p{n}", "deleted") for n in range(3)]


def test_rows_come_twice_in_the_newest_file() -> None:
    of = draft(replace(DEFAULT, twice_delivered=0.1))
    of.twice_delivered("notes")
    ((_, frame),) = of.exports({}).tables["notes"]
    again = frame.filter(frame.is_duplicated()).unique()
    assert set(listed(of, "twice_delivered")["record_id"]) == set(again["id"])
    assert len(frame) == COUNT + len(again)


def test_broken_rows_have_one_fault_each_and_ids_of_their_own() -> None:
    of = draft(replace(DEFAULT, broken_rows=3))
    clean = of.tables["people"]
    of.broken_rows("people", [("seats", "-1", "seats is below 0"), ("id", None, "id is missing")])
    ((_, frame),) = of.exports({}).tables["people"]
    assert_frame_equal(frame.head(COUNT), clean)
    added = frame.tail(6)
    assert added["seats"].head(3).to_list() == ["-1"] * 3
    assert added["id"].null_count() == 3
    assert not added["id"].head(3).is_in(clean["id"].implode()).any()
    rows = listed(of, "broken_row")
    assert rows["reason"].to_list() == ["seats is below 0"] * 3 + ["id is missing"] * 3
    assert rows["expected"].unique().to_list() == ["quarantined"]


def test_columns_come_go_and_change_in_the_newest_file_only() -> None:
    of = draft(BREAKING)
    of.two_exports("people", "created", {"name": ("Ann",)})
    of.added_column("people", "opt_in", ("true", "false"))
    of.missing_column("people", "seats")
    of.retyped_column("people", "created")
    (_, first), (_, second) = of.exports({}).tables["people"]
    assert "opt_in" not in first.columns
    assert "seats" in first.columns
    assert set(second["opt_in"]) == {"true", "false"}
    assert "seats" not in second.columns
    assert second["created"].str.contains("o'clock").all()
    of_columns = of.exports({}).truth["damaged"].filter(pl.col("record_id").is_in(["opt_in", "seats", "created"]))
    assert of_columns.select("damage", "expected").rows() == [
        ("added_column", "kept"), ("missing_column", "refused"), ("retyped_column", "refused"),
    ]  # fmt: skip
