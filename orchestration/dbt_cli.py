"""dbt as `tenure-dbt`: the same commands, without what makes a run of hundreds of small nodes slow.

Of each node dbt makes dozens of messages for its debug log, kept or not; Python looks for garbage again and again among
the millions of objects of the project; and a home's place counts as part of the project, which is therefore parsed anew
in each home. Whoever wants the debug log calls `dbt`.

A home keeps what was parsed, and with it where the project was then: seeds are read from the project that runs, not
from one that it was copied or moved from.
"""

import gc
from functools import cache
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb import DuckDBAdapter
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.cli.main import cli
from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
from dbt_common.events.event_manager import EventManager


def main() -> None:
    lighten()
    cli()


@cache
def lighten() -> None:
    """Take from the dbt of this process what costs time and is of no use, once; and let it read its own seeds."""
    gc.set_threshold(100_000, 20, 20)
    fire = EventManager.fire_event

    def fire_unless_debug(
        self: EventManager, e: BaseEvent, level: EventLevel | None = None, *others: Any, **named: Any
    ) -> None:
        if (level or e.level_tag()) != EventLevel.DEBUG:
            fire(self, e, level, *others, **named)

    setattr(EventManager, "fire_event", fire_unless_debug)  # noqa: B010
    setattr(DebugLevel, "__init__", lambda self, **_: None)  # noqa: B010
    # What of the profile the parsed project depends on.
    setattr(DuckDBCredentials, "_connection_keys", lambda _: ("database", "schema"))  # noqa: B010
    setattr(DuckDBAdapter, "get_seed_file_path", _seed_file)  # noqa: B010


def _seed_file(adapter: DuckDBAdapter, model: dict[str, Any]) -> str:
    return str(Path(adapter.config.project_root, model["original_file_path"]))
