"""Product events: as many as asked for, by whom and when the company says, and late, twice or lost where listed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pytest
import yaml

from ingestion.contracts import Contracts
from ingestion.demo import usage
from ingestion.demo.clock import END, month_bounds
from ingestion.demo.damage import DEFAULT, MISSING_DAY, NONE, Damage
from ingestion.demo.event_damage import KEY_TIME_FORMAT
from ingestion.demo.usage import write_events
from ingestion.demo.world import World, build_world
from ingestion.load import load_sources
from ingestion.sources import read_sources

EVENTS = 40_000


@cache
def world() -> World:
    return build_world(customers=100, months=8, rng=3)


@cache
def delivered(damage: Damage) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """All files one after the other, with the file's name, and their truth."""
    with TemporaryDirectory() as folder:
        truth = write_events(world(), damage, Path(folder), EVENTS)
        files = sorted(Path(folder).iterdir())
        frames = [pl.read_parquet(path).with_columns(file=pl.lit(path.name)) for path in files]
        return pl.concat(frames), truth


def clean() -> pl.DataFrame:
    return delivered(NONE)[0]


def _listed(kind: str) -> pl.DataFrame:
    return delivered(DEFAULT)[1]["damaged"].filter(pl.col("damage") == kind)


def _key() -> pl.Expr:
    at = pl.col("original_timestamp").dt.strftime(KEY_TIME_FORMAT).fill_null("")
    return at + "/" + pl.col("message_id").fill_null("")


@pytest.mark.parametrize("damage", [NONE, DEFAULT])
def test_as_many_events_as_asked_for(damage: Damage) -> None:
    assert len(delivered(damage)[0]) == pytest.approx(EVENTS, rel=0.02)


def test_every_call_has_what_its_kind_needs() -> None:
    events = clean()
    assert events["message_id"].is_unique().all()
    assert set(events["type"]) == {"identify", "group", "page", "track"}
    named = events.select((pl.col("event").is_not_null() == (pl.col("type") == "track")).all())
    assert named.item()
    assert events.filter(pl.col("traits").is_null() == pl.col("type").is_in(["identify", "group"])).is_empty()
    tracked = set(events["event"].drop_nulls())
    assert {"Signed In", "Report Viewed", "Data Exported", "Invite Sent", "Locked Feature Attempted"} <= tracked
    assert events.filter(pl.col("user_id").is_null())["type"].unique().to_list() == ["page"]
    assert events["anonymous_id"].null_count() == 0
    traits = events.filter(pl.col("type") == "identify").with_columns(
        person=pl.col("user_id").str.slice(2).cast(pl.Int32), email=pl.col("traits").str.json_path_match("$.email")
    )
    both = traits.join(world().people, on="person")
    assert len(both) == len(traits) > 0
    assert (both["email"] == both["email_right"]).all()


def test_nobody_is_known_before_signing_in() -> None:
    events = clean().sort("timestamp")
    known = events.filter(pl.col("user_id").is_not_null())
    first = known.unique("user_id", keep="first", maintain_order=True)
    # Two sessions at a time, on two devices, may begin in either order.
    assert (first["type"] == "identify").mean() > 0.99
    devices = known.group_by("user_id").agg(pl.col("anonymous_id").n_unique())
    assert (devices["anonymous_id"] > 1).any()
    # Whose device it is that opened the login page shows once they are in.
    before = events.filter(pl.col("user_id").is_null())
    assert set(before["anonymous_id"]) <= set(known["anonymous_id"])
    shared = known.group_by("anonymous_id").agg(pl.col("user_id").n_unique())
    assert (shared["user_id"] > 1).any()


def test_people_use_the_product_while_they_may() -> None:
    events = clean().filter(pl.col("user_id").is_not_null())
    events = events.with_columns(person=pl.col("user_id").str.slice(2).cast(pl.Int32))
    events = events.join(
        world().people.select("person", "company", "joined_at", "left_at", "is_product_user"), on="person"
    )
    assert (events["group_id"] == "ws_" + events["company"].cast(pl.String)).all()
    assert events["is_product_user"].all()
    assert events.filter(pl.col("timestamp") < pl.col("joined_at")).is_empty()
    assert events.filter(pl.col("timestamp") > pl.col("left_at") + pl.duration(minutes=5)).is_empty()
    months = events.with_columns(month=pl.col("timestamp").dt.truncate("1mo").dt.date())
    active = months.group_by("company", "month").agg(active=pl.col("person").n_unique())
    both = active.join(world().panel, on=["company", "month"], how="left")
    assert both["active_users"].null_count() == 0
    assert (both["active"] <= both["active_users"]).all()
    ended = both.select("company", "month", "churned_at").join(months, on=["company", "month"])
    assert ended.filter(pl.col("timestamp") > pl.col("churned_at") + pl.duration(minutes=5)).is_empty()
    assert both.select(pl.corr("active", "active_users")).item() > 0.9
    weekdays = events.filter(pl.col("timestamp").dt.weekday() > 5)
    assert 0.01 < len(weekdays) / len(events) < 0.12


def test_files_follow_the_month_of_receipt() -> None:
    events = delivered(DEFAULT)[0].filter(~pl.col("file").str.contains("_99"))
    assert (events["file"] == "events_" + events["received_at"].dt.strftime("%Y-%m") + ".parquet").mean() > 0.999
    assert events["received_at"].max() <= END
    for _, rows in events.group_by("file"):
        assert rows["received_at"].is_sorted()


def test_a_large_month_has_several_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(usage, "BATCH_EVENTS", 1_500)
    write_events(world(), NONE, tmp_path, EVENTS)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert {"events_2025-12_01.parquet", "events_2025-12_02.parquet"} <= set(names)
    assert all(pl.scan_parquet(tmp_path / name).select(pl.len()).collect().item() < 1_600 for name in names)
    whole = pl.read_parquet(tmp_path / "*.parquet")
    assert whole["message_id"].is_unique().all()
    assert len(whole) == len(clean())


def test_segment_takes_the_error_of_the_device_s_clock_out() -> None:
    events = delivered(DEFAULT)[0].filter(pl.col("original_timestamp").is_not_null() & (pl.col("type") != "purchase"))
    said = pl.col("received_at") - (pl.col("sent_at") - pl.col("original_timestamp"))
    assert events.filter(pl.col("timestamp") != said).is_empty()
    off = (pl.col("timestamp") - pl.col("original_timestamp")).dt.total_seconds().abs()
    wrong = events.filter(off > 1)
    assert set(wrong.select(_key()).to_series()) <= set(_listed("clock_skew")["record_id"])
    assert len(wrong) > 100
    assert clean().filter(off > 1).is_empty()


def test_late_events_are_listed_and_at_most_ten_days_late() -> None:
    wait = (pl.col("received_at") - pl.col("timestamp")).dt.total_seconds()
    events = delivered(DEFAULT)[0].filter(pl.col("original_timestamp").is_not_null())
    others = pl.concat([_listed(kind)["record_id"] for kind in ("sent_again", "broken_row")])
    late = events.filter((wait > 60) & ~_key().is_in(others.implode()))
    assert set(late.select(_key()).to_series()) <= set(_listed("late")["record_id"])
    assert 0.01 < len(late) / len(events) < 0.03
    assert late.select(wait.max()).item() <= 10 * 86_400 + 10
    assert clean().filter(wait > 60).is_empty()
    # Some turn up in the file of a later month.
    assert late.filter(pl.col("timestamp").dt.month() != pl.col("received_at").dt.month()).height > 0


def test_twice_delivered_events_are_equal_to_the_letter() -> None:
    events = delivered(DEFAULT)[0].filter(pl.col("message_id").is_not_null())
    again = events.filter(pl.struct(pl.exclude("file")).is_duplicated())
    assert again.unique().height * 2 == again.height
    assert set(again.select(_key()).to_series()) == set(_listed("twice_delivered")["record_id"])


def test_half_of_the_repeats_are_sent_anew_later() -> None:
    events = delivered(DEFAULT)[0].filter(pl.col("message_id").is_not_null())
    distinct = events.unique(pl.selectors.exclude("file")).sort("received_at")
    first = distinct.unique("message_id", keep="first")
    later = distinct.join(first, on=["message_id", "received_at"], how="anti")
    both = later.join(first, on="message_id", suffix="_first")
    assert set(both.select(_key()).to_series()) == set(_listed("sent_again")["record_id"])
    assert 0.7 < len(both) / len(_listed("twice_delivered")) < 1.3
    wait = both["received_at"] - both["received_at_first"]
    assert wait.min() >= timedelta(hours=2)
    assert wait.max() <= timedelta(days=4)
    assert (both["sent_at"] - both["sent_at_first"] == wait).all()
    same = both.select(pl.exclude("file", "sent_at", "received_at", "^.*_first$")).columns
    assert all(both[name].eq_missing(both[f"{name}_first"]).all() for name in same if name != "message_id")
    # Some of them come with the next month's file.
    assert 0 < both.filter(pl.col("file") != pl.col("file_first")).height < len(both) / 3


def test_one_day_is_missing() -> None:
    on_that_day = pl.col("timestamp").dt.date() == MISSING_DAY
    events, truth = delivered(DEFAULT)
    assert events.filter(on_that_day).is_empty()
    days = events["timestamp"].dt.date().unique().sort()
    assert MISSING_DAY not in days.to_list()
    # Nothing else is lost: the day's events are what the same damage without the loss would have had.
    found, _ = delivered(replace(DEFAULT, missing_day=False))
    lost = found.filter(on_that_day).unique().select(_key()).to_series()
    assert set(lost) == set(truth["damaged"].filter(pl.col("expected") == "missing")["record_id"])


def test_the_truth_knows_whose_every_id_is() -> None:
    events, truth = delivered(DEFAULT)
    records = truth["records"]
    for column in ("user_id", "anonymous_id", "group_id"):
        known = records.filter(pl.col("table") == f"events.{column}")["record_id"]
        assert set(events[column].drop_nulls()) <= set(known), column
    assert set(records.filter("is_test")["entity_id"]) == {"test-segment-0"}
    assert records.filter(pl.col("is_test") & (pl.col("damage") != "test_account")).is_empty()


def test_the_loader_does_with_damage_what_the_truth_expects(tmp_path: Path, contracts: Contracts) -> None:
    truth = write_events(world(), DEFAULT, tmp_path / "segment", EVENTS)["damaged"]
    path = tmp_path / "sources.yml"
    path.write_text(yaml.safe_dump({"sources": {"segment": {"exports": "segment"}}}))
    with duckdb.connect(config={"threads": 2}) as con:
        received_at = datetime(2026, 6, 18, tzinfo=UTC)
        report = load_sources(
            con,
            read_sources(path),
            contracts,
            landing=tmp_path / "landing",
            accept_shrink=False,
            received_at=received_at,
        )
        refused = con.execute("select reason from quarantine.segment__events").pl()["reason"]
        rows = con.execute("select * from raw_segment.events where _superseded_by is null").pl()
        (superseded,) = con.execute("select count(_superseded_by) from raw_segment.events").fetchall()[0]
    assert not report.refusals
    assert len(refused) == 6
    planted = truth.filter(pl.col("expected") == "quarantined")["reason"]
    assert all(any(reason in text for text in refused) for reason in planted)
    again, anew = (truth.filter(pl.col("expected") == kind) for kind in ("superseded", "corrected"))
    assert sum(each.superseded_count for each in report.loads) == len(again)
    assert superseded == len(anew) > 0
    received = dict(rows.select("message_id", "received_at").iter_rows())
    last = delivered(DEFAULT)[0].group_by("message_id").agg(pl.col("received_at").max())
    assert all(received[message] == at for message, at in last.iter_rows() if message in received)
    assert rows["message_id"].is_unique().all()


def test_an_early_month_may_have_no_event(tmp_path: Path) -> None:
    write_events(world(), NONE, tmp_path, 10)
    names = [path.name for path in tmp_path.iterdir()]
    assert 0 < len(names) <= len(month_bounds(world().months)) - 1
