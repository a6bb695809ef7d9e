"""A folder of exports: which files belong to which table of a system."""

from collections.abc import Sequence
from pathlib import Path

from ingestion.connectors.files import FORMATS
from ingestion.errors import UserError
from ingestion.text import did_you_mean, listed, natural_order


def find_exports(folder: Path, tables: Sequence[str]) -> tuple[dict[str, list[Path]], list[str]]:
    """Table → its files, of all tables that have any; and a sentence for each export that is of no use as it is.

    A file is named for its table, and after it anything that a letter or digit doesn't begin: `tickets.csv`,
    `tickets_2026-06.parquet`.

    Raises:
        UserError: the folder isn't there, or holds no file of any of the tables.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: check 'exports' in sources.yml.")
    found: dict[str, list[Path]] = {}
    problems = []
    for path in sorted(folder.iterdir(), key=lambda path: natural_order(path.stem)):
        table = _table_of(path.name.lower(), tables)
        is_export = path.name.lower().endswith(tuple(FORMATS))
        if path.is_dir():
            if any(inner.name.lower().endswith(tuple(FORMATS)) for inner in path.iterdir()):
                problems.append(f"{path.name} is a folder with files in it: put them into {folder.name} itself.")
        elif table is not None and is_export:
            found.setdefault(table, []).append(path)
        elif table is not None:
            problems.append(f"{path.name} is none of {listed(FORMATS)}: export it as one of these.")
        elif is_export:
            near = did_you_mean(path.name.split(".")[0], tables)
            problems.append(f"{path.name} is named for no table{near}; there is {listed(tables)}: rename it.")
    if not found:
        raise UserError(f"{folder} holds no export: its files are named for their tables ({listed(tables)}).")
    return found, problems


def _table_of(name: str, tables: Sequence[str]) -> str | None:
    fitting = [table for table in tables if name.startswith(table) and not name[len(table) : len(table) + 1].isalnum()]
    return max(fitting, key=len, default=None)
