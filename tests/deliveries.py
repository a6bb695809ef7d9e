"""The demo's last thirty days cut into daily deliveries, and delivered as it happens: late, twice, in any order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl

DAYS = 30
LAST_DAY = date(2026, 6, 17)
FIRST_DAY = LAST_DAY - timedelta(days=DAYS - 1)
# What is older comes in one delivery of its own.
HISTORY = -1
# Days on which the whole of a table is exported that comes whole.
FULL_EXPORT_DAYS = range(0, DAYS, 3)
LATE_SHARE = TWICE_SHARE = 0.04
SPLIT_SHARE = AGAIN_SHARE = GROWN_SHARE = 0.1


@dataclass(frozen=True)
class Feed:
    """A table that is delivered day by day. `dated_by`: the column by whose date a row comes; `keyed_by`: its id.

    `changes`: a column that a later correction changes, and to what, where the table has versions.
    """

    source: str
    table: str
    ending: str
    dated_by: str
    keyed_by: str = "id"
    changes: tuple[str, str] | None = None
    is_full: bool = False


FEEDS = (
    Feed("zendesk", "tickets", ".jsonl", "updated_at", changes=("priority", "urgent")),
    Feed("zendesk", "ticket_field_history", ".jsonl", "updated"),
    Feed("shopify", "customers", ".csv", "updated_at", changes=("first_name", "Corrected")),
    Feed("shopify", "orders", ".csv", "updated_at", changes=("financial_status", "refunded")),
    Feed("shopify", "order_lines", ".csv", "ordered_at"),
    Feed("shopify", "order_line_refunds", ".csv", "created_at"),
    Feed("klaviyo", "events", ".jsonl", "datetime"),
    Feed("segment", "events", ".parquet", "received_at"),
    Feed("stripe", "subscriptions", ".csv", "updated", changes=("cancellation_reason", "too_expensive")),
    Feed("hubspot", "companies", ".csv", "hs_lastmodifieddate", is_full=True),
    Feed("files", "milestones", ".csv", "changed", keyed_by="step_id", changes=("criterion", "Corrected")),
)


@dataclass
class Parcel:
    """What is delivered at once: files by their path under the exports. `after`: parcels that come before it."""

    name: str
    files: dict[str, pl.DataFrame] = field(default_factory=dict)
    after: list["Parcel"] = field(default_factory=list)


def read_feeds(exports: Path) -> dict[Feed, pl.DataFrame]:
    """The rows of each feed, with the day (0 to 29, or HISTORY) on which they are due, and some corrections more."""
    random = Random(11)
    orders = _read(exports, "shopify", "orders").unique("id", keep="first", maintain_order=True)
    feeds = {}
    for feed in FEEDS:
        rows = _read(exports, feed.source, feed.table)
        if feed.table == "order_lines":
            dates = orders.select(order_id="id", ordered_at="created_at")
            rows = rows.join(dates, on="order_id", how="left", maintain_order="left")
        if feed.changes:
            rows = pl.concat([rows, _corrections(feed, rows, random)])
        dates = rows[feed.dated_by].cast(pl.String).str.slice(0, 10).str.to_date(strict=False)
        due = (dates - FIRST_DAY).dt.total_days().clip(HISTORY, DAYS - 1).fill_null(DAYS - 1)
        feeds[feed] = rows.drop("ordered_at", strict=False).with_columns(day=due.cast(pl.Int64))
    return feeds


def _read(exports: Path, source: str, table: str) -> pl.DataFrame:
    paths = sorted((exports / source).glob(f"{table}*"))
    paths = [path for path in paths if path.stem.removeprefix(table)[:2].strip("_")[:1].isdigit() or path.stem == table]
    read = {".csv": lambda path: pl.read_csv(path, infer_schema=False), ".parquet": pl.read_parquet}
    frames = [
        read.get(path.suffix, lambda path: pl.read_ndjson(path, infer_schema_length=None))(path) for path in paths
    ]
    return pl.concat(frames, how="diagonal")


def _corrections(feed: Feed, rows: pl.DataFrame, random: Random) -> pl.DataFrame:
    """Newer versions of some records, an hour to three days after their last one."""
    assert feed.changes
    column, value = feed.changes
    moment = pl.col(feed.dated_by).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False)
    newest = rows.with_columns(moment=moment).filter(
        pl.col("moment").is_between(pl.lit(FIRST_DAY), pl.lit(LAST_DAY - timedelta(days=4)))
    )
    newest = newest.sort("moment").unique(feed.keyed_by, keep="last", maintain_order=True)
    chosen = newest[sorted(random.sample(range(len(newest)), len(newest) // 10))]
    later = pl.Series([random.randrange(3600, 3 * 86_400) for _ in range(len(chosen))])
    return chosen.with_columns(
        (pl.col("moment") + pl.duration(seconds=later)).dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias(feed.dated_by),
        pl.lit(value).alias(column),
    ).drop("moment")


def at_once(feeds: dict[Feed, pl.DataFrame]) -> Parcel:
    """Everything in one parcel: a file a table; of a table that comes whole, each day's."""
    parcel = Parcel("everything")
    for feed, rows in feeds.items():
        if feed.is_full:
            parcel.files |= _full_exports(feed, rows)
        else:
            parcel.files[_path(feed, "")] = rows
    return parcel


def day_by_day(feeds: dict[Feed, pl.DataFrame], seed: int, first_day: int = 0) -> list[Parcel]:
    """The history and the days as parcels, with rows that come late or twice, and days that come in parts or again.

    A day may also come cut off and then whole, in a file of the same name. Days before the first come with the history.
    """
    random = Random(seed)
    parcels = [Parcel("history"), *(Parcel(str(_date(day))) for day in range(first_day, DAYS))]

    def due_on(day: int) -> Parcel:
        return parcels[max(0, 1 + day - first_day)]

    for feed, rows in feeds.items():
        if feed.is_full:
            for path, frame in _full_exports(feed, rows).items():
                due_on((date.fromisoformat(Path(path).stem[-10:]) - FIRST_DAY).days).files[path] = frame
            continue
        for (day,), frame in _shifted(rows, random).group_by("day", maintain_order=True):
            name = "_history" if day == HISTORY else f"_{_date(int(str(day)))}"
            due_on(int(str(day))).files[_path(feed, name.replace("_history", "_0"))] = frame
    whole = list(parcels)
    for parcel in whole[1:]:
        chance = random.random()
        if chance < SPLIT_SHARE:
            parcels.append(_second_part(parcel, random))
        elif chance < SPLIT_SHARE + AGAIN_SHARE:
            again = {_renamed(path, "again"): frame for path, frame in parcel.files.items()}
            parcels.append(Parcel(f"{parcel.name} again", again))
        elif chance < SPLIT_SHARE + AGAIN_SHARE + GROWN_SHARE:
            parcels.append(_grown(parcel, random))
    return parcels


def _shifted(rows: pl.DataFrame, random: Random) -> pl.DataFrame:
    """The rows, some of them days late, and some once more on another day."""
    days = rows["day"].to_list()
    late = [
        min(day + random.randrange(1, 11), DAYS - 1) if day != HISTORY and random.random() < LATE_SHARE else day
        for day in days
    ]
    twice = [place for place in range(len(rows)) if random.random() < TWICE_SHARE]
    again = rows[twice].with_columns(day=pl.Series([random.randrange(DAYS) for _ in twice], dtype=pl.Int64))
    return pl.concat([rows.with_columns(day=pl.Series(late, dtype=pl.Int64)), again])


def _second_part(parcel: Parcel, random: Random) -> Parcel:
    """Take some rows of each file away into a parcel of their own."""
    second = Parcel(f"{parcel.name} second part")
    for path, frame in list(parcel.files.items()):
        if not _is_full(path):
            is_second = pl.Series([random.random() < 0.5 for _ in range(len(frame))], dtype=pl.Boolean)
            parcel.files[path] = frame.filter(~is_second)
            second.files[_renamed(path, "2")] = frame.filter(is_second)
    return second


def _grown(parcel: Parcel, random: Random) -> Parcel:
    """Cut each file of the parcel off; what is returned has them whole, under the same names."""
    whole = Parcel(f"{parcel.name} whole", dict(parcel.files), [parcel])
    for path, frame in list(parcel.files.items()):
        if not _is_full(path):
            parcel.files[path] = frame.head(random.randrange(len(frame) + 1))
    return whole


def _full_exports(feed: Feed, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The whole table as it stood on each day of a full export; some records vanish, one of them for a while."""
    ids = rows[feed.keyed_by].drop_nulls().unique(maintain_order=True).to_list()
    absent = {ids[3]: range(9, DAYS), ids[5]: range(15, DAYS), ids[7]: range(6, 21)}
    files = {}
    for day in FULL_EXPORT_DAYS:
        gone = [record for record, days in absent.items() if day in days]
        known = rows.filter((pl.col("day") <= day) & ~pl.col(feed.keyed_by).is_in(gone))
        newest = known.sort(feed.dated_by).unique(feed.keyed_by, keep="last", maintain_order=True)
        files[_path(feed, f"_{_date(day)}")] = newest
    return files


def _is_full(path: str) -> bool:
    return any(feed.is_full and path.startswith(f"{feed.source}/{feed.table}_") for feed in FEEDS)


def _path(feed: Feed, suffix: str) -> str:
    return f"{feed.source}/{feed.table}{suffix}{feed.ending}"


def _renamed(path: str, suffix: str) -> str:
    stem, dot, ending = path.rpartition(".")
    return f"{stem}_{suffix}{dot}{ending}"


def _date(day: int) -> date:
    return FIRST_DAY + timedelta(days=day)


def in_order(parcels: Iterable[Parcel]) -> list[Parcel]:
    """The parcels as given, but each after those that it comes after."""
    waiting, done = list(parcels), []
    while waiting:
        parcel = next(one for one in waiting if all(earlier in done for earlier in one.after))
        waiting.remove(parcel)
        done.append(parcel)
    return done


def deliver(parcels: Iterable[Parcel], exports: Path) -> None:
    """Write the parcels' files; none that would hold no rows."""
    for parcel in parcels:
        for path, frame in parcel.files.items():
            rows, target = frame.drop("day"), exports / path
            if rows.is_empty():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            match target.suffix:
                case ".csv":
                    rows.write_csv(target)
                case ".parquet":
                    rows.write_parquet(target)
                case _:
                    rows.write_ndjson(target)
