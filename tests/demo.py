"""The demo company in small, whole or with a part of its systems, for tests of whole runs."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ingestion.demo import Damage, write_demo
from ingestion.demo.clock import END
from ingestion.demo.damage import DEFAULT
from tests.shop import LAST_DAY, order_lines, write_lines

SMALL = {"customers": 60, "months": 8, "events": 8_000}


def write_small_demo(folder: Path, damage: Damage = DEFAULT) -> Path:
    """Write the small demo; returns the path of its sources.yml."""
    return write_demo(folder, **SMALL, damage=damage)


def connect(sources: Path, name: str, systems: dict[str, Any]) -> Path:
    """Write a sources.yml of that name beside the demo's; returns its path."""
    path = sources.with_name(name)
    path.write_text(yaml.safe_dump({"sources": systems}))
    return path


def connected(sources: Path) -> dict[str, Any]:
    """What a sources.yml connects."""
    return dict(yaml.safe_load(sources.read_text())["sources"])


def write_order_lines(path: Path) -> dict[str, Any]:
    """The test shop's order lines, moved to the demo's last months; returns how they are connected."""
    later = END.date() - LAST_DAY
    rows = order_lines()
    moved = [{**row, "ordered_at": str(datetime.fromisoformat(row["ordered_at"]) + later)} for row in rows]
    write_lines(path, moved)
    return {"path": str(path), "columns": {name: name for name in rows[0]}}
