"""Contracts are read from the dbt source YAML, and nothing in it is passed over."""

from pathlib import Path

import pytest

from ingestion.contracts import Contracts, read_contracts
from ingestion.errors import UserError

YAML = """
sources:
  - name: files
    schema: raw_files
    config: {{meta: {{system: Files, freshness_days: {freshness}, stale_days: 14}}}}
    tables:
      - name: order_lines
        description: {description}
        config: {{meta: {{role: commerce, key: [{key}], owner: {owner}}}}}
        columns:
          - name: order_id
            data_type: {data_type}
            config: {{meta: {{{meta}}}}}
  - name: quarantine
    schema: quarantine
    tables: [{{name: files__order_lines}}]
"""


def read(folder: Path, **parts: str) -> Contracts:
    given = {"description": "Lines.", "key": "order_id", "owner": "shop", "data_type": "varchar", "freshness": "3"}
    path = folder / "models/staging/files/_files__sources.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(YAML.format(**{**given, "meta": "data_class: none", **parts}))
    return read_contracts(folder)


def test_the_projects_own_contracts(contracts: Contracts) -> None:
    lines = contracts["files", "order_lines"]
    assert lines.raw_table == "raw_files.order_lines"
    assert lines.quarantine_table == "quarantine.files__order_lines"
    assert lines.time_column == "ordered_at"
    assert lines.line_id == "line_id"
    assert contracts["files", "customers"].line_id is None
    assert contracts["files", "customers"].time_column == "signed_up_at"


def test_only_raw_schemas_hold_contracts(tmp_path: Path) -> None:
    assert list(read(tmp_path)) == [("files", "order_lines")]


def test_the_hash_follows_what_judges_a_row(tmp_path: Path) -> None:
    plain = read(tmp_path)["files", "order_lines"].hash
    assert read(tmp_path, description="Other words.", owner="else", freshness="9")["files", "order_lines"].hash == plain
    assert read(tmp_path, meta="data_class: none, required: true")["files", "order_lines"].hash != plain
    assert read(tmp_path, data_type="bigint")["files", "order_lines"].hash != plain


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"meta": "data_class: none, requird: true"}, r"order_id: unknown meta key 'requird' .*'required'"),
        ({"meta": "required: true"}, "order_id: meta key 'data_class' is missing"),
        ({"meta": "data_class: secret"}, "order_id: data_class: Input should be 'none', 'personal' or 'sensitive'"),
        ({"meta": "data_class: none, pattern: '['"}, "order_id: pattern"),
        ({"data_type": "text"}, "data_type 'text' is none that a contract may use"),
        ({"key": "order_no"}, r"key column order_no isn't a column of the table \(did you mean 'order_id'\?\)"),
        ({"owner": "shop, version: changed"}, "version changed isn't a column of the table"),
        ({"meta": "data_class: none, references: orders.id"}, "order_id: it references orders.id, which isn't there"),
        ({"freshness": "soon"}, "files: freshness_days: Input should be a valid integer"),
        ({"owner": "shop, keys: []"}, r"unknown meta key 'keys' \(did you mean 'key'\?\)"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, parts: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, **parts)


def test_no_contract_and_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no contract"):
        read_contracts(tmp_path)
    read(tmp_path)
    (tmp_path / "models/staging/files/_files__sources.yml").write_text("sources: [")
    with pytest.raises(UserError, match="can't be read as YAML"):
        read_contracts(tmp_path)
