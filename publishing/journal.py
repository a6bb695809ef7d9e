"""What the last run of a home did, for `tenure status`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from ingestion.home import Home


@dataclass(frozen=True)
class LastRun:
    """How a run ended: `published`, or `failed` while it was to do something, with the reason.

    `warnings`: what the gate found besides, in either case.
    """

    outcome: str
    ended_at: str
    stage: str | None = None
    reason: str | None = None
    release_id: str | None = None
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def published(cls, release_id: str, warnings: list[str]) -> "LastRun":
        return cls("published", _timestamp(), release_id=release_id, warnings=warnings)

    @classmethod
    def failed(cls, stage: str, reason: str, warnings: Sequence[str] = ()) -> "LastRun":
        return cls("failed", _timestamp(), stage=stage, reason=reason, warnings=list(warnings))


def write_last_run(home: Home, last_run: LastRun) -> None:
    """Write it down, for the most part: on a full disk the run's own error is the one to show, not this one's."""
    path = home.root / "last_run.json"
    scratch = path.with_suffix(".new")
    try:
        scratch.write_text(json.dumps(asdict(last_run), indent=2) + "\n")
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)


def read_last_run(home: Home) -> LastRun | None:
    """The last run, or None where there was none, or what it left can't be read."""
    path = home.root / "last_run.json"
    try:
        return LastRun(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
