"""DuckDB's errors as sentences. Its own text may quote rows, so none of it is passed on."""

import duckdb

from ingestion.errors import UserError
from ingestion.mapping import Mapping
from ingestion.text import listed

FULL_DISK_SIGNS = ("no space left", "file too large", "quota exceeded", "could not write", "max_temp_directory_size")


class WarehouseError(UserError):
    """The warehouse itself can't be written: no other file would fare better."""


def is_full_disk(message: str) -> bool:
    """Whether an error's text says that nothing more could be written."""
    return any(sign in message.lower() for sign in FULL_DISK_SIGNS)


def explained(
    error: duckdb.Error, connection: duckdb.DuckDBPyConnection, file_name: str, mapping: Mapping | None
) -> UserError:
    """What to tell of an error that came up while `file_name` was loaded."""
    if is_full_disk(str(error)):
        return WarehouseError(
            f"the disk is full, or a file-size limit is reached: nothing of {file_name} was loaded; "
            "free space at the home and run again."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return WarehouseError(
            f"{file_name} needs more memory than allowed: nothing of it was loaded; "
            "raise TENURE_MEMORY_LIMIT (for example 12GB), or split the file."
        )
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.IOException):
        return WarehouseError(
            f"the warehouse failed while {file_name} was loaded, and nothing of it was kept: "
            "check the disk, and run again."
        )
    failing = _failing_columns(connection, mapping) if mapping else []
    if failing:
        return UserError(
            f"the expression for {listed(failing)} fails on a value of {file_name}: use try_cast(…) for cast(…), or "
            "try_strptime(…) for strptime(…), in sources.yml, so that such a row "
            "goes to quarantine and not the whole file."
        )
    return UserError(f"{file_name} can't be read to its end; it is damaged: export it again.")


def _failing_columns(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    failing = []
    for name, expression in mapping.expressions.items():
        try:
            connection.execute(f"select count(value) from (select {expression} as value from file_rows)")
        except duckdb.Error:
            failing.append(name)
    return failing
