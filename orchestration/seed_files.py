"""The seeds, which people write by hand: whether each is a table at all. What a row says is judged in SQL."""

import csv
from pathlib import Path

from ingestion.errors import UserError


def check_seed_files(folder: Path) -> None:
    """Raises UserError, one line for each file, where a row has more or fewer values than there are columns."""
    mistakes = [mistake for path in sorted(folder.rglob("*.csv")) if (mistake := _mistake(path))]
    if mistakes:
        raise UserError("Nothing was built; readers keep the last release.\n" + "\n".join(mistakes))


def _mistake(path: Path) -> str | None:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        columns = next(rows, [])
        if not columns:
            return f"- {path.name}: the file is empty; it needs a first line with the names of its columns."
        if len(columns) == 1 and ";" in columns[0]:
            return f"- {path.name}: its values are parted by semicolons; write commas."
        for row in rows:
            if row and len(row) != len(columns):
                return (
                    f"- {path.name}: line {rows.line_num} has {len(row)} values, but there are {len(columns)} columns; "
                    'put a text that holds a comma in quotation marks: "two branches, one owner".'
                )
    return None
