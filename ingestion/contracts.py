"""A raw table's contract: the columns of its dbt source YAML, read as plain YAML.

The same file documents the table for dbt and judges each incoming row, so the two can't drift apart.
"""

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ingestion.errors import UserError
from ingestion.text import did_you_mean

RAW_PREFIX = "raw_"
DATA_TYPE = re.compile(r"varchar|timestamp|date|boolean|bigint|integer|double|decimal\(\d{1,2}, ?\d{1,2}\)")


Role = Literal[
    "crm",
    "billing",
    "support",
    "product",
    "feedback",
    "messaging",
    "commerce",
    "loyalty",
    "interventions",
    "success",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Strict):
    """A condition over a whole row; a row for which it is false is quarantined with `reason`."""

    name: str
    expression: str
    reason: str


class ColumnMeta(_Strict):
    """What a column's `config.meta` may say.

    `currency`: it holds codes of ISO 4217, in letters of this case.
    `references`: the table and column of the same source that it leads to; of both, only the first `significant`
    characters tell ids apart, where that is given.
    """

    required: bool = False
    min: str | int | float | None = None
    max: str | int | float | None = None
    accepted_values: tuple[str, ...] | None = None
    pattern: str | None = None
    currency: Literal["upper", "lower"] | None = None
    not_after_received: bool = False
    references: str | None = Field(default=None, pattern=r"\w+\.\w+")
    significant: int | None = Field(default=None, ge=1)
    data_class: Literal["none", "personal", "sensitive"]

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is no regular expression ({error})") from error
        return pattern


class TableMeta(_Strict):
    """What a table's `config.meta` may say.

    `version`: the column by which the newest version of a record is known; without it, what comes later wins.
    `dated_by`: the column that dates a record in its own world; the first timestamp where none is named.
    `delivery`: `full` where each file or extract is the whole table, so that what it lacks was deleted.
    `freshness_days`, `stale_days`: the table's own, where it moves less often than its source.
    """

    role: Role
    key: tuple[str, ...] = Field(min_length=1)
    key_without_id: tuple[str, ...] | None = None
    version: str | None = None
    dated_by: str | None = None
    delivery: Literal["changes", "full"] = "changes"
    is_critical: bool = False
    freshness_days: int | None = Field(default=None, ge=0)
    stale_days: int | None = Field(default=None, ge=0)
    enables: str | None = None
    owner: str
    rules: tuple[Rule, ...] = ()


class SourceMeta(_Strict):
    """What a source's `config.meta` says: its name for people, and how old its newest record may be, in days.

    `freshness_days` is the target; past `stale_days` the source counts as stopped.
    """

    system: str
    freshness_days: int = Field(ge=0)
    stale_days: int = Field(ge=0)


class Column(_Strict):
    name: str
    data_type: str
    meta: ColumnMeta

    @field_validator("data_type")
    @classmethod
    def _known_type(cls, data_type: str) -> str:
        if not DATA_TYPE.fullmatch(data_type):
            raise ValueError(f"data_type '{data_type}' is none that a contract may use")
        return data_type


class Contract(BaseModel):
    """What every row of `raw_<source>.<table>` satisfies.

    `key` tells one record from another. Where `key_without_id` is given, the last column of `key` is an id that may be
    empty; a row without it is told apart by `key_without_id` and its occurrence in the file.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    table: str
    description: str = ""
    columns: tuple[Column, ...]
    meta: TableMeta
    source_meta: SourceMeta

    @property
    def raw_table(self) -> str:
        return f"{RAW_PREFIX}{self.source}.{self.table}"

    @property
    def quarantine_table(self) -> str:
        return f"quarantine.{self.source}__{self.table}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def time_column(self) -> str | None:
        """The column that dates a record: the one that the contract names, else the first timestamp."""
        first = next((column.name for column in self.columns if column.data_type == "timestamp"), None)
        return self.meta.dated_by or first

    @property
    def required_columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.meta.required)

    @property
    def happened_when_dated(self) -> bool:
        """Whether a record's date lies in the past by contract: a meeting may be planned, an order can't be."""
        return any(column.name == self.time_column and column.meta.not_after_received for column in self.columns)

    @property
    def line_id(self) -> str | None:
        """The id column that may be empty, or None where the whole key is always there."""
        return self.meta.key[-1] if self.meta.key_without_id else None

    @cached_property
    def hash(self) -> str:
        """sha256 of all that decides how a row is judged and keyed; descriptions, owner and targets don't count."""
        judging = {"key", "key_without_id", "version", "delivery", "rules"}
        content = {
            "columns": self.model_dump(mode="json", include={"columns"})["columns"],
            **self.meta.model_dump(mode="json", include=judging),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


Contracts = dict[tuple[str, str], Contract]


def read_contracts(project_dir: Path) -> Contracts:
    """Read the contracts of all raw tables from `models/staging/*/_*__sources.yml` of a dbt project.

    Returns: (source, table) → contract, for each dbt source whose schema is `raw_<source>`.

    Raises:
        UserError: a file can't be read, or says something that no contract can say; one line per mistake.
    """
    contracts: Contracts = {}
    mistakes: list[str] = []
    for path in sorted(project_dir.glob("models/staging/*/_*__sources.yml")):
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"{path} can't be read as YAML: {' '.join(str(error).split())}.") from error
        for source in document.get("sources", []):
            if source.get("schema") != f"{RAW_PREFIX}{source['name']}":
                continue
            source_meta = _source_meta(path, source, mistakes)
            if source_meta is None:
                continue
            for table in source.get("tables", []):
                contract = _contract(path, source["name"], source_meta, table, mistakes)
                if contract is not None:
                    contracts[contract.source, contract.table] = contract
    mistakes += _broken_references(contracts)
    if mistakes:
        raise UserError("\n".join(mistakes))
    if not contracts:
        raise UserError(f"{project_dir} holds no contract: expected models/staging/<source>/_<source>__sources.yml.")
    return contracts


def _broken_references(contracts: Contracts) -> list[str]:
    """Foreign keys that name a column which no table of the same source has."""
    columns = {
        (contract.source, f"{contract.table}.{name}")
        for contract in contracts.values()
        for name in contract.column_names
    }
    return [
        f"{contract.source}.{contract.table}.{column.name}: it references {column.meta.references}, which isn't there."
        for contract in contracts.values()
        for column in contract.columns
        if column.meta.references and (contract.source, column.meta.references) not in columns
    ]


def _source_meta(path: Path, source: dict[str, Any], mistakes: list[str]) -> SourceMeta | None:
    try:
        return SourceMeta(**((source.get("config") or {}).get("meta") or {}))
    except ValidationError as error:
        mistakes += _sentences(f"{path.name}: {source['name']}", error, SourceMeta)
        return None


def _contract(
    path: Path, source: str, source_meta: SourceMeta, table: dict[str, Any], mistakes: list[str]
) -> Contract | None:
    where = f"{path.name}: {source}.{table.get('name')}"
    before = len(mistakes)
    columns = []
    for column in table.get("columns", []):
        meta = (column.get("config") or {}).get("meta") or {}
        try:
            columns.append(Column(name=column["name"], data_type=column["data_type"], meta=ColumnMeta(**meta)))
        except ValidationError as error:
            mistakes += _sentences(f"{where}.{column.get('name')}", error, ColumnMeta)
        except KeyError as error:
            mistakes.append(f"{where}: a column has no {error.args[0]}.")
    table_meta = (table.get("config") or {}).get("meta") or {}
    try:
        meta = TableMeta(**table_meta)
    except ValidationError as error:
        mistakes += _sentences(where, error, TableMeta)
        return None
    known = {column.name for column in columns}
    named = {"key column": (*meta.key, *(meta.key_without_id or ())), "version": (meta.version,)}
    for word, names in {**named, "dated_by": (meta.dated_by,)}.items():
        for name in dict.fromkeys(names):
            if name is not None and name not in known and len(mistakes) == before:
                mistakes.append(f"{where}: {word} {name} isn't a column of the table{did_you_mean(name, known)}.")
    if len(mistakes) > before:
        return None
    return Contract(
        source=source,
        table=table["name"],
        description=" ".join(str(table.get("description", "")).split()),
        columns=tuple(columns),
        meta=meta,
        source_meta=source_meta,
    )


def _sentences(where: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    sentences = []
    for detail in error.errors():
        key = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            known = [*model.model_fields]
            problem = f"unknown meta key '{key}'{did_you_mean(key, known)}; a contract knows {', '.join(known)}"
        elif detail["type"] == "missing":
            problem = f"meta key '{key}' is missing"
        else:
            problem = f"{key}: {detail['msg'].removeprefix('Value error, ')}"
        sentences.append(f"{where}: {problem}.")
    return sentences
