"""A folder of exports: which files belong to which table of a system."""

from collections.abc import Sequence
from pathlib import Path

from ingestion.connectors.files import FORMATS
from ingestion.errors import UserError
from ingestion.text import listed


def find_exports(folder: Path, tables: Sequence[str]) -> dict[str, list[Path]]:
    """Table → its files, of all tables that have any.

    A file is named for its table, with anything after it that a letter doesn't begin: `tickets.csv`,
    `tickets_2026-06.parquet`.

    Raises:
        UserError: the folder isn't there, or holds no file of any of the tables.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: check 'exports' in sources.yml.")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if not path.is_file() or not name.endswith(tuple(FORMATS)):
            continue
        for table in tables:
            rest = name.removeprefix(table)
            if rest != name and not rest.lstrip("_-")[:1].isalpha():
                found.setdefault(table, []).append(path)
    if not found:
        raise UserError(f"{folder} holds no export: its files are named for their tables ({listed(tables)}).")
    return found
