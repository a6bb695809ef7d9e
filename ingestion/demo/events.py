"""What one event of the product looks like, and how sessions become rows of Parquet."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingestion.demo.clock import Bools, Floats, Integers

PLAN_LIMITS = ("api_access", "single_sign_on", "audit_log", "custom_roles")
PATHS = ("dashboard", "reports", "tasks", "workflows", "files", "settings", "team", "search")
FEATURES = ("Dashboard Opened", "Report Viewed", "Task Created", "Workflow Run", "File Uploaded")


@dataclass(frozen=True)
class Kind:
    """One kind of call, the share that it has of what people do once they are in, and what its properties may be."""

    type: str
    event: str | None
    share: float
    properties: tuple[dict[str, Any] | None, ...]


def _feature(event: str, share: float) -> Kind:
    return Kind("track", event, share, tuple({"view": view, "count": count} for view in "abc" for count in (1, 2, 5)))


# What opens a session comes first, in that order.
KINDS = (
    Kind("page", None, 0, ({"path": "/login"},)),
    Kind("identify", None, 0, (None,)),
    Kind("group", None, 0, (None,)),
    Kind("track", "Signed In", 0, ({"method": "password"}, {"method": "sso"}, {"method": "sso"})),
    Kind("page", None, 0.3, tuple({"path": f"/{path}"} for path in PATHS)),
    *(_feature(event, share) for event, share in zip(FEATURES, (0.17, 0.14, 0.12, 0.07, 0.04), strict=True)),
    Kind("track", "Comment Added", 0.06, ({"target": "task"}, {"target": "report"})),
    Kind("track", "Data Exported", 0.04, ({"format": "csv"}, {"format": "xlsx"}, {"format": "pdf"})),
    Kind("track", "Invite Sent", 0.015, ({"role": "member"}, {"role": "admin"})),
    Kind("track", "Integration Connected", 0.005, ({"integration": "slack"}, {"integration": "sso"})),
    Kind("track", "Locked Feature Attempted", 0.02, tuple({"feature": feature} for feature in PLAN_LIMITS)),
    Kind("track", "Seat Limit Reached", 0.02, ({"limit": "seats"},)),
)
LOGIN_PAGE, IDENTIFY, GROUP, SIGNED_IN, PAGE, FIRST_FEATURE = range(6)
LOCKED, SEAT_LIMIT = len(KINDS) - 2, len(KINDS) - 1
# A device sends what it has gathered within two seconds, and the net takes some hundredths of one.
MOST_SEND_MS, MOST_NET_MS = 2_000, 900
# The least and the most time between two events of a session.
SHORTEST_STEP_MS, LONGEST_STEP_MS = 3_000, 45_000

MESSAGE_ID_LENGTH, SCATTER = 20, np.uint64(0x9E3779B97F4A7C15)
LARGEST_DICTIONARY = 4 << 20
# As many as DuckDB itself writes: a reader takes as many groups at once as it has cores.
ROWS_PER_GROUP = 122_880
_HEX_PAIRS = np.array([f"{byte:02x}".encode() for byte in range(256)]).view(np.uint16)
# Column: its name in a batch.
_TIMES = {"original_timestamp": "original", "sent_at": "sent", "received_at": "received", "timestamp": "timestamp"}


@dataclass(frozen=True)
class Sessions:
    """One entry per session; times in milliseconds. `device` is a place among the devices of all users."""

    user: NDArray[np.int32]
    device: NDArray[np.int32]
    starts_at: Integers
    size: Integers
    lateness: Integers
    is_first: Bools
    is_signed_out: Bools
    can_exceed_seats: Bools

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def none(cls) -> "Sessions":
        empty = np.array([], np.int64)
        return cls(empty.astype(np.int32), empty.astype(np.int32), empty, empty, empty, *[empty.astype(bool)] * 3)

    def take(self, place: Any) -> "Sessions":
        return Sessions(**{name: column[place] for name, column in vars(self).items()})

    def joined(self, others: "Sessions") -> "Sessions":
        pairs = {name: [column, getattr(others, name)] for name, column in vars(self).items()}
        return Sessions(**{name: np.concatenate(pair) for name, pair in pairs.items()})

    def split_by_receipt(self, until: int) -> tuple["Sessions", "Sessions"]:
        """Those that are received before a moment, in that order, and the others."""
        received = self.starts_at + self.lateness
        order = np.argsort(received, kind="stable")
        count = int(np.searchsorted(received[order], until))
        return self.take(order[:count]), self.take(order[count:])


@dataclass(frozen=True)
class Users:
    """Who uses the product: what their events depend on, and pools of texts by user, device or company.

    `offset`: hours from UTC. `device_skew`: by how many milliseconds the clock of each device is fast.
    """

    company: NDArray[np.int32]
    favourite: NDArray[np.int8]
    breadth: NDArray[np.int8]
    has_top_plan: Bools
    engagement: Floats
    offset: NDArray[np.int8]
    device_skew: Integers
    anonymous_ids: pl.Series
    user_ids: pl.Series
    group_ids: pl.Series
    user_traits: pl.Series
    group_traits: pl.Series


@dataclass(frozen=True)
class Batch:
    """Rows of one batch, in the order of their sessions. `number` counts all events from 0; times in milliseconds."""

    number: NDArray[np.uint64]
    user: NDArray[np.int32]
    device: NDArray[np.int32]
    kind: NDArray[np.int8]
    variant: NDArray[np.int16]
    original: Integers
    sent: Integers
    received: Integers
    timestamp: Integers
    is_late: Bools

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: Any) -> "Batch":
        return Batch(**{name: column[rows] for name, column in vars(self).items()})

    def joined(self, others: "Batch") -> "Batch":
        pairs = {name: [column, getattr(others, name)] for name, column in vars(self).items()}
        return Batch(**{name: np.concatenate(pair) for name, pair in pairs.items()})


_VARIANTS = np.array([len(kind.properties) for kind in KINDS])
_FIRST_VARIANT = np.concatenate([[0], _VARIANTS.cumsum()[:-1]])
_CUMULATIVE_SHARE = np.cumsum([kind.share for kind in KINDS])


def expand(chance: np.random.Generator, users: Users, sessions: Sessions, first_number: int) -> Batch:
    """The events of the sessions.

    As Segment does it, `timestamp` is what the device's clock said with that clock's error taken out, as far as it can
    be known: received_at - (sent_at - original_timestamp).
    """
    place = np.repeat(np.arange(len(sessions), dtype=np.int32), sessions.size)
    count = len(place)
    step = (np.arange(count) - np.repeat(sessions.size.cumsum() - sessions.size, sessions.size)).astype(np.int32)
    user = sessions.user[place]
    draw = chance.random(count, dtype=np.float32)
    kind = _kinds(users, sessions, place, step, user, draw)
    variant = (_FIRST_VARIANT[kind] + chance.random(count, dtype=np.float32) * _VARIANTS[kind]).astype(np.int16)
    gap = chance.integers(SHORTEST_STEP_MS, LONGEST_STEP_MS, len(sessions), dtype=np.int32)[place]
    happened = sessions.starts_at[place] + step * gap + chance.integers(0, SHORTEST_STEP_MS, count, dtype=np.int32)
    device = sessions.device[place]
    lateness = sessions.lateness[place]
    original = happened + users.device_skew[device]
    sending = lateness + chance.integers(0, MOST_SEND_MS, count, dtype=np.int32)
    sent = original + sending
    received: Integers = happened + sending + chance.integers(20, MOST_NET_MS, count, dtype=np.int32)
    return Batch(
        number=np.arange(first_number, first_number + count, dtype=np.uint64),
        user=user,
        device=device,
        kind=kind,
        variant=variant,
        original=original,
        sent=sent,
        received=received,
        timestamp=received - sending,
        is_late=lateness > 0,
    )


def _kinds(
    users: Users,
    sessions: Sessions,
    place: NDArray[np.int32],
    step: NDArray[np.int32],
    user: NDArray[np.int32],
    draw: NDArray[np.float32],
) -> NDArray[np.int8]:
    kind = np.searchsorted(_CUMULATIVE_SHARE[:-1], draw, side="right").astype(np.int8)
    # Everybody keeps to some features; the draw's further digits choose among them.
    is_feature = (kind >= FIRST_FEATURE) & (kind < FIRST_FEATURE + len(FEATURES))
    choice = (draw * 8192).astype(np.int32) % users.breadth[user]
    kind = np.where(is_feature, FIRST_FEATURE + (users.favourite[user] + choice) % len(FEATURES), kind)
    kind = np.where((kind == LOCKED) & users.has_top_plan[user], PAGE, kind)
    kind = np.where((kind == SEAT_LIMIT) & ~sessions.can_exceed_seats[place], PAGE, kind)
    # How far a session that opens like that still is from its first free step, and where it begins.
    skipped = np.where(sessions.is_signed_out, LOGIN_PAGE, np.where(sessions.is_first, IDENTIFY, SIGNED_IN))[place]
    opening = step + skipped
    return np.where(opening <= SIGNED_IN, opening, kind).astype(np.int8)


@dataclass(frozen=True)
class _Pool:
    """Texts to choose from: each of them once, and the place of each choice among them, -1 for none.

    pyarrow writes what happens to be in memory behind a dictionary that holds a text twice.
    """

    texts: pl.Series
    place: NDArray[np.int32]

    @classmethod
    def of(cls, choices: pl.Series) -> "_Pool":
        texts = choices.drop_nulls().unique(maintain_order=True)
        places = pl.DataFrame({"text": texts}).with_row_index("place").cast({"place": pl.Int32})
        found = pl.DataFrame({"text": choices}).join(places, on="text", how="left", maintain_order="left")
        return cls(texts, found["place"].fill_null(-1).to_numpy())

    def coded(self, choice: NDArray[Any], is_given: Bools | None) -> pa.Array:
        """The chosen texts as a dictionary of those in use."""
        place = self.place[choice]
        if is_given is not None:
            place = np.where(is_given, place, -1)
        is_used = np.zeros(len(self.texts), bool)
        is_used[place[place >= 0]] = True
        code = pl.Series((is_used.cumsum() - 1).astype(np.int32)[place]).set(pl.Series(place < 0), None)
        texts = self.texts.filter(pl.Series(is_used)).to_arrow().cast(pa.string())
        return pa.DictionaryArray.from_arrays(code.to_arrow(), texts)


class EventWriter:
    """Writes batches as Parquet files. Texts that repeat are written as codes, so that no row needs its own."""

    def __init__(self, users: Users) -> None:
        self._users = users
        properties = [json.dumps(value) if value else None for kind in KINDS for value in kind.properties]
        pools = {
            "type": pl.Series([kind.type for kind in KINDS]),
            "event": pl.Series([kind.event for kind in KINDS], dtype=pl.String),
            "anonymous_id": users.anonymous_ids,
            "user_id": users.user_ids,
            "group_id": users.group_ids,
            "traits": pl.concat([users.user_traits, users.group_traits]),
            "properties": pl.Series(properties, dtype=pl.String),
        }
        self._pools = {name: _Pool.of(texts) for name, texts in pools.items()}

    def write(self, path: Path, batch: Batch, rows: Integers) -> None:
        """Write those rows of the batch, in that order."""
        pq.write_table(
            pa.table(self._columns(batch, rows)),
            path,
            row_group_size=ROWS_PER_GROUP,
            compression="zstd",
            compression_level=1,
            use_dictionary=list(self._pools),
            dictionary_pagesize_limit=LARGEST_DICTIONARY,
            column_encoding=dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED"),
            store_schema=False,
        )

    def _columns(self, batch: Batch, rows: Integers) -> dict[str, pa.Array]:
        kind, user = batch.kind[rows], batch.user[rows]
        company = self._users.company[user]
        is_identify, is_group, is_known = kind == IDENTIFY, kind == GROUP, kind != LOGIN_PAGE
        codes: dict[str, tuple[NDArray[Any], Bools | None]] = {
            "type": (kind, None),
            "event": (kind, None),
            "anonymous_id": (batch.device[rows], None),
            "user_id": (user, is_known),
            "group_id": (company, is_known),
            "traits": (np.where(is_group, len(self._users.user_traits) + company, user), is_identify | is_group),
            "properties": (batch.variant[rows], None),
        }
        columns = {"message_id": _message_ids(batch.number[rows])}
        columns |= {name: self._pools[name].coded(code, is_given) for name, (code, is_given) in codes.items()}
        return columns | {name: _times(getattr(batch, part)[rows]) for name, part in _TIMES.items()}


def message_ids(numbers: NDArray[np.uint64]) -> pl.Series:
    """The ids of events by their number: `ajs-` and 16 hexadecimal digits, all different."""
    return pl.Series(pl.from_arrow(_message_ids(numbers)))


def _message_ids(numbers: NDArray[np.uint64]) -> pa.Array:
    # An odd factor is one to one in 64 bits, so that different numbers have different ids.
    digits = (numbers * SCATTER).astype(">u8").view(np.uint8)
    text = np.empty((len(numbers), MESSAGE_ID_LENGTH // 2), np.uint16)
    text[:, :2] = np.frombuffer(b"ajs-", np.uint16)
    text[:, 2:] = _HEX_PAIRS[digits].reshape(len(numbers), 8)
    ends = np.arange(0, MESSAGE_ID_LENGTH * (len(numbers) + 1), MESSAGE_ID_LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(text))


def _times(milliseconds: Integers) -> pa.Array:
    return pl.Series(milliseconds * 1000).cast(pl.Datetime("us")).to_arrow()
