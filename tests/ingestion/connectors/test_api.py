"""Every connector against a server that answers like its system: what comes is what the system holds."""

from pathlib import Path

import pytest

from ingestion.connectors.api import SYSTEMS, tables_of
from ingestion.contracts import Contracts
from tests.ingestion.connectors.reading import connected, table_of


@pytest.mark.parametrize("source", SYSTEMS)
def test_each_table_comes_as_the_system_holds_it(source: str, contracts: Contracts, tmp_path: Path) -> None:
    with connected(source, contracts, tmp_path) as bench:
        extracts = bench.read()
        assert set(extracts) == set(tables_of(source))
        for table, one in extracts.items():
            assert (one.is_complete, one.problem) == (True, None)
            assert bench.came(one) == bench.given(table)
            assert one.path == tmp_path / source / f"{table}.jsonl"


@pytest.mark.parametrize("source", SYSTEMS)
def test_each_column_of_a_contract_is_given_or_said_to_be_absent(source: str, contracts: Contracts) -> None:
    for name in tables_of(source):
        table = table_of(source, name)
        assert {*table.fields, *table.absent} == set(contracts[source, name].column_names)
        assert not set(table.absent) & set(contracts[source, name].required_columns)
