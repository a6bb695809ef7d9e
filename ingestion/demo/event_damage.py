"""What goes wrong between a device and the archive, and the list of the events that it happened to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestion.demo.clock import DAY, HOUR, Integers
from ingestion.demo.damage import DAMAGED, MISSING_DAY, Damage
from ingestion.demo.events import Batch, Users, message_ids

KEY_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"
# Kind of damage and what becomes of the event.
KINDS = {
    "clock_skew": "kept", "late": "kept", "twice_delivered": "superseded", "missing_day": "missing",
    # The row says another time of receipt, so it replaces the first one.
    "sent_again": "corrected",
}  # fmt: skip
SKEWED, LATE, TWICE, MISSING, AGAIN = range(len(KINDS))
# Share of the repeats that a device sends anew, because it never heard that the first had come, and when it does.
AGAIN_SHARE, AGAIN_AFTER_MS = 0.5, (2 * HOUR * 1000, 4 * DAY * 1000)
# Rows that the contract refuses: what is wrong with them, and the reason that the loader will give.
FAULTS = (
    ("purchase", {"type": "purchase"}, "type is not one of"),
    ("timeless", {"original_timestamp": None}, "original_timestamp is missing"),
    ("nameless", {"message_id": None}, "message_id is missing"),
)


class DamageList:
    """Damages batches on their way out, and remembers the events concerned, compactly: there may be millions."""

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._parts: list[tuple[NDArray[np.uint64], Integers, NDArray[np.int8]]] = []
        # What was sent again, and waits for its receipt.
        self._sent_again: Batch | None = None

    def deliver(
        self, chance: np.random.Generator, users: Users, batch: Batch, until: int | None
    ) -> tuple[Batch, Integers]:
        """The batch's rows in the order of their receipt: without those of the missing day, some twice.

        `until`: the end of the month of receipt, with its last batch; what was sent again before comes with that.
        """
        rows = np.argsort(batch.received, kind="stable")
        self._note(batch, rows[users.device_skew[batch.device[rows]] != 0], SKEWED)
        self._note(batch, rows[batch.is_late[rows]], LATE)
        if self._damage.missing_day:
            is_missing = batch.timestamp[rows] // (DAY * 1000) == np.datetime64(MISSING_DAY).astype(np.int64)
            self._note(batch, rows[is_missing], MISSING)
            rows = rows[~is_missing]
        is_twice = chance.random(len(rows), dtype=np.float32) < self._damage.twice_delivered
        is_again = is_twice & ~batch.is_late[rows] & (chance.random(len(rows), dtype=np.float32) < AGAIN_SHARE)
        is_twice &= ~is_again
        self._note(batch, rows[is_twice], TWICE)
        self._send_again(batch.take(rows[is_again]), chance.integers(*AGAIN_AFTER_MS, int(is_again.sum())))
        rows = np.repeat(rows, 1 + is_twice)
        if until is None:
            return batch, rows
        due = self._due(until)
        self._note(due, np.arange(len(due)), AGAIN)
        whole, rows = batch.joined(due), np.concatenate([rows, len(batch) + np.arange(len(due))])
        return whole, rows[np.argsort(whole.received[rows], kind="stable")]

    def _send_again(self, batch: Batch, wait: Integers) -> None:
        again = replace(batch, sent=batch.sent + wait, received=batch.received + wait)
        self._sent_again = self._sent_again.joined(again) if self._sent_again is not None else again

    def _due(self, until: int) -> Batch:
        """What was sent again and is received before a moment; the rest goes on waiting."""
        assert self._sent_again is not None
        is_due = self._sent_again.received < until
        due, self._sent_again = self._sent_again.take(is_due), self._sent_again.take(~is_due)
        return due

    def _note(self, batch: Batch, rows: Integers, kind: int) -> None:
        if len(rows):
            self._parts.append((batch.number[rows], batch.original[rows], np.full(len(rows), kind, np.int8)))

    def frame(self, broken: pl.DataFrame) -> pl.DataFrame:
        """The list, with the broken rows."""
        if not self._parts:
            return broken
        number, original, kind = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        frame = pl.DataFrame(
            {"original_timestamp": pl.Series(original).cast(pl.Datetime("ms")), "message_id": message_ids(number)}
        )
        names = np.array(list(KINDS))
        noted = frame.select(
            source=pl.lit("segment"),
            table=pl.lit("events"),
            record_id=_record_id(),
            damage=pl.Series(names[kind]),
            expected=pl.Series(np.array(list(KINDS.values()))[kind]),
            reason=pl.lit(None, pl.String),
        )
        return pl.concat([noted, broken])


def write_broken_events(damage: Damage, folder: Path, path: Path) -> pl.DataFrame:
    """Write rows with one fault each, like the first of the folder's last file, and return the truth of them."""
    files = sorted(folder.glob("*.parquet"))
    if not files or not damage.broken_rows:
        return pl.DataFrame(schema=DAMAGED)
    like = pl.read_parquet(files[-1], n_rows=1)
    rows, noted = [], []
    for name, fault, reason in FAULTS:
        for number in range(damage.broken_rows):
            values = {"message_id": f"ajs-{name}-{number}"} | fault
            row = like.with_columns(pl.lit(value, like.schema[field]).alias(field) for field, value in values.items())
            rows.append(row)
            noted.append(("segment", "events", row.select(_record_id()).item(), "broken_row", "quarantined", reason))
    pl.concat(rows).write_parquet(path)
    return pl.DataFrame(noted, schema=DAMAGED, orient="row")


def _record_id() -> pl.Expr:
    at = pl.col("original_timestamp").dt.strftime(KEY_TIME_FORMAT).fill_null("")
    return at + "/" + pl.col("message_id").fill_null("")
