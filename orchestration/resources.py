"""What every step shares: the deployment that a run works on, and how a failure is told."""

import errno
import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from ingestion.errors import UserError
from ingestion.failures import is_full_disk
from ingestion.home import Home, default_home, lock_home, open_home
from publishing.journal import LastRun, write_last_run
from publishing.release import GateBlockedError

log = logging.getLogger("tenure")


class Deployment(dg.ConfigurableResource[None]):
    """One home, its sources, the date that the run describes, and the time until which it knows the sources' records.

    Each may be empty: the home is then `TENURE_HOME` or `.tenure` in the checkout, the sources `TENURE_SOURCES` or
    the home's own `sources.yml`, the as-of date that of the newest business record, and all that came is known.
    """

    home: str = ""
    sources: str = ""
    as_of_date: str = ""
    known_at: str = ""
    accept_shrink: bool = False

    _until_run_ends: ExitStack = PrivateAttr(default_factory=ExitStack)
    _home: Home | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Deployment"]:  # pyrefly: ignore[bad-override]
        with self._until_run_ends:
            yield self

    def open(self) -> Home:
        """The home, locked from the first call until the run ends."""
        if self._home is None:
            home = open_home(Path(self.home) if self.home else default_home())
            self._until_run_ends.enter_context(lock_home(home))
            self._home = home
        return self._home

    def as_of(self) -> date | None:
        """The as-of date.

        Raises:
            UserError: it is no date.
        """
        try:
            return date.fromisoformat(self.as_of_date) if self.as_of_date else None
        except ValueError as error:
            raise UserError(f"{self.as_of_date!r} is no date: give the as-of date as YYYY-MM-DD.") from error

    def known_until(self) -> datetime | None:
        """The last second (UTC) whose loads count; of a date that day's last one.

        Raises:
            UserError: it is no time, or there is no as-of date beside it.
        """
        if not self.known_at:
            return None
        if not self.as_of_date:
            raise UserError("What was known at a time is told of a day: give --as-of beside --known-at.")
        try:
            known = datetime.fromisoformat(self.known_at)
        except ValueError as error:
            raise UserError(
                f"{self.known_at!r} is no time: give it as YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, in UTC."
            ) from error
        if known.tzinfo:
            known = known.astimezone(UTC).replace(tzinfo=None)
        return known + timedelta(days=1, seconds=-1) if len(self.known_at) <= len("2026-01-31") else known

    @contextmanager
    def step(self, stage: str) -> Iterator[Home]:
        """Run a step on the home; whatever fails in it becomes one readable `dagster.Failure` and is written down.

        Only a UserError's own text is shown: another exception's text might hold values of a record.
        """
        log.info("%s:", stage)
        warnings: list[str] = []
        try:
            yield self.open()
        except GateBlockedError as blocked:
            sentence, warnings = str(blocked), [str(check.finding) for check in blocked.result.warnings]
        except UserError as error:
            sentence = str(error)
        except (OSError, duckdb.IOException) as error:
            sentence = _io_sentence(error, stage)
        except duckdb.OutOfMemoryException:
            sentence = f"Tenure needs more memory to {stage}: raise TENURE_MEMORY_LIMIT (for example 12GB), run again."
        except dg.Failure as failure:
            sentence = str(failure.description)
        except Exception as error:
            sentence = _unexpected_sentence(error, stage)
        else:
            return
        if self._home is not None:
            write_last_run(self._home, LastRun.failed(stage, sentence, warnings))
        raise dg.Failure(description=sentence, allow_retries=False) from None


def _io_sentence(error: OSError | duckdb.IOException, stage: str) -> str:
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    if full or is_full_disk(str(error)):
        return (
            f"The disk is full (or a file-size limit was met) while Tenure was to {stage}: free space, then run "
            "again; readers keep the last release."
        )
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} can't be used while Tenure was to {stage}: {error.strerror}."
    return f"A file could not be read or written while Tenure was to {stage}: check the disk and its permissions."


def _unexpected_sentence(error: Exception, stage: str) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "an unknown place"
    return (
        f"Tenure failed to {stage}: {type(error).__name__} at {place}. This is a defect of Tenure; "
        "please report it with this line. Readers keep the last release."
    )
