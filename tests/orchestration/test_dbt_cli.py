"""What `tenure-dbt` does otherwise than dbt."""

from types import SimpleNamespace

from dbt.adapters.duckdb import DuckDBAdapter

from orchestration.dbt_cli import lighten


def test_a_seed_is_read_from_the_project_that_runs() -> None:
    """A home that another copy of the project used knows where that one had its seeds."""
    lighten()
    adapter = SimpleNamespace(config=SimpleNamespace(project_root="/here"))
    seed = {"root_path": "/there", "original_file_path": "seeds/config/fx_rates.csv"}
    assert DuckDBAdapter.get_seed_file_path(adapter, seed) == "/here/seeds/config/fx_rates.csv"
    assert "get_seed_file_path" in DuckDBAdapter._available_
