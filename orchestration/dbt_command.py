"""dbt, with one parse of the project for all homes.

dbt reads the project anew wherever the profile differs from that of its last parse, in a quarter of a small run's time.
Where a home's warehouse is and how much memory it has are in the profile, and no model asks for them.
"""

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.cli.main import cli

OF_A_HOME = {"path", "settings"}


def share_parse() -> None:
    """Leave a home's own out of what dbt compares, and out of the variable `target` of its templates."""
    known = DuckDBCredentials()._connection_keys()  # type: ignore[no-untyped-call]
    shared = tuple(key for key in known if key not in OF_A_HOME)
    DuckDBCredentials._connection_keys = lambda _: shared  # type: ignore[method-assign]


if __name__ == "__main__":
    share_parse()
    cli()
