"""The page of the canonical tables says what their contracts say."""

import re

import yaml

from ingestion.contracts import Contracts
from ingestion.document import INTRODUCTION, PAGE, canonical_tables
from ingestion.mapping import check_mapping
from ingestion.sources import FileTable
from orchestration.dbt_project import dbt_manifest


def test_the_page_is_that_of_the_contracts(contracts: Contracts) -> None:
    assert PAGE.read_text(encoding="utf-8") == canonical_tables(contracts, dbt_manifest()), "make docs writes it anew"


def test_the_introduction_is_true(contracts: Contracts) -> None:
    example = re.search(r"```yaml\n(.*?)```", INTRODUCTION, re.DOTALL)
    assert example
    for table, spec in yaml.safe_load(example.group(1))["sources"]["files"].items():
        check_mapping(FileTable(**spec), contracts["files", table])
    start = INTRODUCTION[INTRODUCTION.index("## Where to start") :]
    named = set(re.findall(r"`(\w+)`", start)) - {"id_system"}
    assert named <= {table for source, table in contracts if source == "files"}


def test_every_rule_of_a_contract_is_told(contracts: Contracts) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for (source, table), contract in contracts.items():
        if source == "files":
            section = page.split(f"\n## {table}\n")[1].split("\n## ")[0]
            assert str(contract.meta.enables) in section
            for column in contract.columns:
                row = re.search(rf"^\| `{column.name}` \|.*$", section, re.MULTILINE)
                assert row
                assert ("| yes |" in row.group()) == column.meta.required
                assert all(f"`{value}`" in row.group() for value in column.meta.accepted_values or ())
            assert all(rule.reason in section for rule in contract.meta.rules)
