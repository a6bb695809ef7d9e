"""What people do in the product, as Segment's archives give it: streamed to Parquet in bounded memory.

The panel says how many of a company's people are active in a month, and how much; they come in sessions, on working
days and on devices of their own, and the events of a session follow. Sessions are taken in the order in which Segment
receives them, so that a device that was offline for days turns up in a later file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestion.demo.clock import DAY, END, HOUR, Bools, Floats, Integers, month_bounds
from ingestion.demo.damage import Damage, party_records
from ingestion.demo.event_damage import DamageList, write_broken_events
from ingestion.demo.events import FEATURES, LONGEST_STEP_MS, EventWriter, Sessions, Users, expand
from ingestion.demo.ids import user_ids, uuids, workspace_ids
from ingestion.demo.story import TYPICAL_USAGE
from ingestion.demo.traits import TRIAL_DAYS
from ingestion.demo.world import World

# Events that are in memory at once.
BATCH_EVENTS = 1_000_000
# Ids of test users and workspaces count from here on, as those of test accounts in the other systems.
TEST = 3_000_000
DEVICES = 3
DEVICE_SHARES = (0.7, 0.22, 0.08)
SHARED_DEVICE_SHARE = 0.015
# How much more some people do than others (log-normal), and how sessions grow with what a person does in a month.
ENGAGEMENT_SPREAD, USAGE_WEIGHT = 0.6, 1.2
# Who has less time than this in a month does nothing in it.
SHORTEST_WINDOW = 6 * HOUR
SESSIONS_PER_EVENT, SESSION_EXPONENT = 0.9, 0.6
SIGNED_OUT_SHARE, SHORTEST_SIGNED_OUT = 0.25, 4
WEEKEND_SHARE = 0.15
# Hours from UTC of the companies' offices.
OFFSETS, CENTRAL_EUROPE = {"US": -6, "CA": -5, "GB": 0}, 1
WORKDAY, WORKDAY_SPREAD = 13.0, 2.6
FULL_SEATS = 0.85


@dataclass(frozen=True)
class _Activity:
    """One entry per user who is active in a month: when it may happen, and its weight among all activity."""

    user: NDArray[np.int32]
    begins: Integers
    ends: Integers
    weight: Floats
    can_exceed_seats: Bools


def write_events(world: World, damage: Damage, folder: Path, events: int) -> dict[str, pl.DataFrame]:
    """Write about `events` events as `events_YYYY-MM.parquet`, by the month of their receipt, and return their truth.

    A month that is too large for one file has several, `events_YYYY-MM_01.parquet` and so on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    users = _users(world, damage)
    activity = [_activity(world, users, place) for place in range(len(world.months))]
    rate = events / max(sum(float(month.weight.sum()) for month in activity), 1e-9)
    noted, number = DamageList(damage), 0
    writer = EventWriter(users)
    is_known, is_seen = np.zeros(len(users.company), bool), np.zeros(len(users.anonymous_ids), bool)
    carried = Sessions.none()
    for place, month in enumerate(world.months):
        until = int(month_bounds(world.months)[place + 1]) * 1000
        sessions = _sessions(world.seeds.generator(f"sessions {place}"), damage, users, activity[place], rate, is_known)
        sessions, carried = sessions.joined(carried).split_by_receipt(until)
        cuts = list(_cuts(sessions.size))
        for part, (begin, end) in enumerate(cuts, start=1):
            chance = world.seeds.generator(f"events {place} {part}")
            batch = expand(chance, users, sessions.take(slice(begin, end)), number)
            number += len(batch)
            is_seen[batch.device] = True
            suffix = f"_{part:02d}" if len(cuts) > 1 else ""
            delivered = noted.deliver(chance, users, batch, until if part == len(cuts) else None)
            writer.write(folder / f"events_{month:%Y-%m}{suffix}.parquet", *delivered)
    broken = write_broken_events(damage, folder, folder / f"events_{END:%Y-%m}_99.parquet")
    return {"records": _records(world, users, is_seen), "damaged": noted.frame(broken)}


def idle_people(world: World, damage: Damage) -> pl.Series:
    """The people, by number, who were in the product three or four months ago, and not in the last two."""
    users, last = _users(world, damage), len(world.months)
    months = [_activity(world, users, place).user for place in range(max(last - 4, 0), last)]
    earlier, lately = (np.concatenate([np.array([], np.int32), *part]) for part in (months[:-2], months[-2:]))
    idle = np.setdiff1d(earlier, lately)
    return pl.Series(idle[idle < len(world.people)])


def _users(world: World, damage: Damage) -> Users:
    """All people with access, by number, and behind them the test users."""
    chance = world.seeds.generator("users")
    people, companies = world.people, world.companies
    tests = int(np.ceil(damage.test_accounts * len(companies)))
    count, company_count = len(people) + tests, len(companies) + tests
    test_names = pl.DataFrame({"number": range(tests)}, schema={"number": pl.Int64})
    company = np.concatenate([people["company"].to_numpy(), np.arange(len(companies), company_count, dtype=np.int32)])
    skewed = chance.random(count * DEVICES) < damage.clock_skew
    skew = chance.choice([-1, 1], count * DEVICES) * np.exp(chance.normal(13.5, 1.5, count * DEVICES))
    offsets = companies["country"].replace_strict(OFFSETS, default=CENTRAL_EUROPE, return_dtype=pl.Int64).to_numpy()
    shares = (chance.random(count) < SHARED_DEVICE_SHARE) & (company == np.roll(company, 1))
    device = (np.arange(count)[:, None] * DEVICES + np.arange(DEVICES)).astype(np.int64)
    # A shared device is the first one of the colleague before.
    device[shares, 0] = device[np.flatnonzero(shares) - 1, 0]
    return Users(
        company=company,
        favourite=chance.integers(0, len(FEATURES), count).astype(np.int8),
        breadth=chance.choice(np.array([1, 2, 3, 4, 5], np.int8), count, p=[0.1, 0.25, 0.3, 0.2, 0.15]),
        has_top_plan=np.concatenate([(companies["plan"] == "enterprise").to_numpy(), np.ones(tests, bool)])[company],
        offset=np.concatenate([offsets, np.zeros(tests)])[company].astype(np.int8),
        engagement=chance.normal(0, ENGAGEMENT_SPREAD, count),
        device_skew=np.where(skewed, skew, 0).astype(np.int64),
        anonymous_ids=uuids("segment.devices", device.ravel()),
        user_ids=pl.concat([user_ids(people["person"]), user_ids(test_names["number"] + TEST)]),
        group_ids=pl.concat([workspace_ids(companies["company"]), workspace_ids(test_names["number"] + TEST)]),
        user_traits=pl.concat([people.select(_user_traits()), test_names.select(_test_user_traits())]).to_series(),
        group_traits=pl.concat(
            [companies.select(_group_traits()), test_names.select(_test_group_traits())]
        ).to_series(),
    )


def _user_traits() -> pl.Expr:
    name = pl.col("first_name") + " " + pl.col("last_name")
    return pl.struct(email="email", name=name, title="title").struct.json_encode().alias("traits")


def _test_user_traits() -> pl.Expr:
    email = pl.format("qa+{}@lumenta.example", "number")
    return pl.struct(email=email, name=pl.lit("QA Bot"), title=pl.lit("test")).struct.json_encode().alias("traits")


def _group_traits() -> pl.Expr:
    return pl.struct("name", "plan", "industry", "employees").struct.json_encode().alias("traits")


def _test_group_traits() -> pl.Expr:
    test = pl.lit("test")
    name = pl.format("QA Sandbox {}", "number")
    return pl.struct(name=name, plan=test, industry=test).struct.json_encode().alias("traits")


def _activity(world: World, users: Users, place: int) -> _Activity:
    """Who is active in a month: as many as the panel says, as far as there are, and rather those who often are."""
    history, bounds, people = world.history, month_bounds(world.months), world.people
    chance = world.seeds.generator(f"activity {place}")
    tests = len(users.company) - len(people)
    begins = np.where(history.tenure[place] == 0, history.anchor_at[place], bounds[place])
    begins -= np.where((history.tenure[place] == 0) & history.traits.has_trial, TRIAL_DAYS * DAY, 0)
    begins = np.maximum(begins, bounds[place])
    left = history.churned_at[place]
    ends = np.where(left > 0, left, bounds[place + 1])
    user = np.flatnonzero(people["is_product_user"].to_numpy()).astype(np.int32)
    company = users.company[user]
    joined, gone = (people[name].dt.epoch("s").to_numpy()[user] for name in ("joined_at", "left_at"))
    # Who never left has no time of it, which compares as false.
    user_begins, user_ends = np.maximum(begins[company], joined), np.fmin(ends[company], gone).astype(np.int64)
    is_open = history.is_customer[place][company] & (user_ends - user_begins > SHORTEST_WINDOW)
    user, company = user[is_open], company[is_open]
    user_begins, user_ends = user_begins[is_open], user_ends[is_open]
    score = 2 * users.engagement[user] + chance.gumbel(size=len(user))
    order = np.lexsort((-score, company))
    first_of_company = np.searchsorted(company[order], company[order])
    is_active = np.arange(len(order)) - first_of_company < history.active_users[place][company[order]]
    chosen = order[is_active]
    user, company = user[chosen], company[chosen]
    month_share = (user_ends - user_begins)[chosen] / (30 * DAY)
    usage = np.exp(USAGE_WEIGHT * (history.usage[place][company] - TYPICAL_USAGE))
    is_full = history.active_users[place] >= FULL_SEATS * history.seats[place]
    return _Activity(
        user=np.concatenate([user, np.arange(len(people), len(users.company), dtype=np.int32)]),
        begins=np.concatenate([user_begins[chosen], np.full(tests, bounds[place])]),
        ends=np.concatenate([user_ends[chosen], np.full(tests, bounds[place + 1])]),
        weight=np.concatenate([np.exp(users.engagement[user]) * usage * month_share, np.full(tests, 0.5)]),
        can_exceed_seats=np.concatenate([is_full[company], np.zeros(tests, bool)]),
    )


def _sessions(
    chance: np.random.Generator, damage: Damage, users: Users, activity: _Activity, rate: float, is_known: Bools
) -> Sessions:
    """The month's sessions. `is_known` says who has been in before, and learns who comes now."""
    events = np.floor(activity.weight * rate + chance.random(len(activity.user))).astype(np.int64)
    sessions = np.ceil(SESSIONS_PER_EVENT * events**SESSION_EXPONENT).astype(np.int64)
    who = np.repeat(np.arange(len(events)), sessions)
    count = len(who)
    turn = np.arange(count) - np.repeat(sessions.cumsum() - sessions, sessions)
    size = events[who] // sessions[who] + (turn < events[who] % sessions[who])
    begins, ends, user = activity.begins[who], activity.ends[who], activity.user[who]
    day = (begins + chance.random(count) * (ends - begins)).astype(np.int64) // DAY
    weekday = (day + 3) % 7
    is_moved = (weekday > 4) & (chance.random(count) > WEEKEND_SHARE)
    day += np.where(is_moved, np.where(chance.random(count) < 0.5, 7 - weekday, 4 - weekday), 0)
    hour = np.clip(chance.normal(WORKDAY, WORKDAY_SPREAD, count), 5, 22) - users.offset[user]
    latest = ends - size * LONGEST_STEP_MS // 1000 - 10
    starts_at = day * DAY + (hour * HOUR).astype(np.int64)
    # At the ends of a window that is shorter than a day the usual hour may be out of it.
    anywhere = (begins + chance.random(count) * np.maximum(latest - begins, 1)).astype(np.int64)
    starts_at = np.where((starts_at >= begins) & (starts_at <= latest), starts_at, anywhere)
    starts_at = starts_at * 1000 + chance.integers(0, 1000, count)
    order = np.lexsort((starts_at, user))
    is_first = np.zeros(count, bool)
    is_first[order] = np.diff(user[order], prepend=-1) != 0
    is_first &= ~is_known[user]
    is_known[user] = True
    is_late = chance.random(count) < damage.late_events
    lateness = chance.uniform(2 * HOUR * 1000, max(damage.most_days_late, 1) * DAY * 1000, count)
    return Sessions(
        user=user,
        device=(user * DEVICES + chance.choice(DEVICES, count, p=DEVICE_SHARES)).astype(np.int32),
        starts_at=starts_at,
        size=size,
        lateness=np.where(is_late, lateness, 0).astype(np.int64),
        is_first=is_first,
        is_signed_out=(is_first | (chance.random(count) < SIGNED_OUT_SHARE)) & (size >= SHORTEST_SIGNED_OUT),
        can_exceed_seats=activity.can_exceed_seats[who],
    )


def _cuts(sizes: Integers) -> Iterator[tuple[int, int]]:
    """Ranges of sessions with about BATCH_EVENTS events each."""
    if not len(sizes):
        return
    batch = (sizes.cumsum() - 1) // BATCH_EVENTS
    begins = np.flatnonzero(np.diff(batch, prepend=-1))
    yield from zip(begins.tolist(), [*begins[1:].tolist(), len(sizes)], strict=True)


def _records(world: World, users: Users, is_seen: Bools) -> pl.DataFrame:
    """Whom the ids of users, devices and workspaces belong to, as far as an event has them."""
    people, companies = len(world.people), len(world.companies)
    device = np.flatnonzero(is_seen)
    user = np.unique(device // DEVICES)
    company = np.unique(users.company[user])

    def rows(kind: str, ids: pl.Series, entity: NDArray[Any], party: str, known: int) -> list[pl.DataFrame]:
        is_test = entity >= known
        real, test = pl.Series(entity[~is_test]), pl.Series(entity[is_test] - known)
        return [
            party_records("segment", f"events.{kind}", ids.filter(pl.Series(~is_test)), party, real),
            party_records("segment", f"events.{kind}", ids.filter(pl.Series(is_test)), party, test, "test_account"),
        ]

    return pl.concat(
        [
            *rows("user_id", users.user_ids.gather(user), user, "person", people),
            *rows("anonymous_id", users.anonymous_ids.gather(device), device // DEVICES, "person", people),
            *rows("group_id", users.group_ids.gather(company), company, "company", companies),
        ]
    )
