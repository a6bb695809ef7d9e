"""What dbt compares of a profile before it takes its last parse."""

import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials

from orchestration.dbt_command import share_parse


def test_a_home_s_place_is_no_part_of_it_and_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuckDBCredentials, "_connection_keys", DuckDBCredentials._connection_keys)

    def compared(**profile: object) -> dict[str, object]:
        return dict(DuckDBCredentials.from_dict({"schema": "main", **profile}).connection_info())

    share_parse()
    one = compared(path="/a/warehouse.duckdb", settings={"memory_limit": "1GB"})
    assert one == compared(path="/b/warehouse.duckdb", settings={"memory_limit": "2GB"})
    assert one != compared(path="/a/other.duckdb")
    assert one != compared(path="/a/warehouse.duckdb", disable_transactions=True)
