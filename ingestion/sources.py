"""`sources.yml`: which sources are connected, and how."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingestion.errors import UserError
from ingestion.text import did_you_mean

FileFormat = Literal["csv", "parquet", "jsonl"]
VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Settings whose value must never stand in a file.
SECRET = re.compile(r"token|key|secret|password", re.IGNORECASE)
# NAME:PASSWORD@ of an address, but no port.
URL_PASSWORD = re.compile(r"://[^\s/:@]*:(?!\d+(/|$))\S*@")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileTable(_Strict):
    """One table that comes as files: where they are, and what each canonical column is made of.

    `path` holds absolute globs; a value of `columns` is a column name of the file or a SQL expression over its columns.
    """

    path: tuple[str, ...] = Field(min_length=1)
    format: FileFormat | None = None
    columns: dict[str, str] = Field(min_length=1)

    @field_validator("path", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("columns", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        empty = [key for key, content in value.items() if content == ""] if isinstance(value, dict) else []
        if empty:
            raise ValueError(
                f"'{empty[0]}' is mapped to nothing: give a column name or an SQL expression, or leave it out"
            )
        return value


class ConnectorSource(_Strict):
    """A system that has a connector: the folder of its exports, or the settings by which its API is read."""

    exports: str | None = None
    api: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "ConnectorSource":
        if self.exports == "":
            raise ValueError("'exports' is empty: give the folder of its exports")
        if (self.exports is None) == (self.api is None):
            raise ValueError("give either 'exports', the folder of its exports, or 'api', how its API is read")
        return self


class _Sources(BaseModel):
    """`files` holds canonical tables; every other key is a system with a connector."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, ConnectorSource]  # pyrefly: ignore[bad-override]

    files: dict[str, FileTable] = {}


class _Document(_Strict):
    sources: _Sources


@dataclass(frozen=True)
class Sources:
    """How each source is connected: `files`, table → files with a mapping; `connectors`, system → exports or API.

    `root` is the folder of the file, from which relative paths start; `name` is what its mistakes are told of.
    """

    root: Path
    name: str
    files: dict[str, FileTable]
    connectors: dict[str, ConnectorSource]


class _UniqueKeyLoader(yaml.BaseLoader):
    """YAML in which every value is the text that was written, and a key written twice is refused.

    YAML 1.1 would read a column called `No` as false, and one called `2024` as a number.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' stands there twice", key_node.start_mark)
            seen.add(key if isinstance(key, str) else repr(key))
        return super().construct_mapping(node, deep)


def read_sources(path: Path) -> Sources:
    """Read and check a `sources.yml`; paths come back absolute, with environment variables filled in.

    Raises:
        UserError: one line per mistake, each naming the file, the key and what to do.
    """
    document = _load(path)
    if not isinstance(document, dict):
        raise UserError(f"{path.name} isn't a sources file: it should begin with 'sources:'.")
    in_addresses = [f"{path.name}: {_in_address(where)}" for where in _passwords(document)]
    if in_addresses:
        raise UserError("\n".join(in_addresses))
    try:
        sources = _Document.model_validate({str(key): value for key, value in document.items()}).sources
    except ValidationError as error:
        mistakes = [f"{path.name}: {_problem(dict(detail))}." for detail in error.errors()]
        raise UserError("\n".join(mistakes)) from error
    root = path.resolve().parent
    connectors = sources.__pydantic_extra__
    if not sources.files and not connectors:
        raise UserError(f"{path.name}: 'sources' is empty: fill it in, or leave it out.")
    mistakes = []
    files = {}
    for table, spec in sources.files.items():
        where = f"{path.name}: files.{table}.path"
        absolute = tuple(_absolute(glob, root, where, mistakes) for glob in spec.path)
        files[table] = spec.model_copy(update={"path": absolute})
    for source, connector in connectors.items():
        where = f"{path.name}: {source}"
        if connector.exports is not None:
            folder = _absolute(connector.exports, root, f"{where}.exports", mistakes)
            connectors[source] = connector.model_copy(update={"exports": folder})
        elif connector.api is not None:
            mistakes += [
                f"{where}.api.{key} is a secret: keep it in an environment variable and write ${{VARIABLE}} here."
                for key, value in connector.api.items()
                if SECRET.search(key) and not VARIABLE.fullmatch(value)
            ]
            settings = {key: _filled(value, f"{where}.api.{key}", mistakes) for key, value in connector.api.items()}
            connectors[source] = connector.model_copy(update={"api": settings})
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))
    return Sources(root, path.name, files, connectors)


def _load(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return yaml.load(text, Loader=_UniqueKeyLoader)
    except FileNotFoundError as error:
        raise UserError(f"there is no sources file at {path}: write one, or name another with --sources.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} isn't UTF-8 text: save it as UTF-8.") from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it can't be parsed"
        if isinstance(error, yaml.composer.ComposerError):
            # PyYAML quotes the word, which may be a password that begins with one of these signs.
            problem = "a value that begins with * or & stands in quotes"
        raise UserError(f"{path.name} isn't valid YAML{line}: {problem}; correct it.") from error


def _passwords(value: Any, where: str = "") -> Iterator[str]:
    """Where in a document an address holds a password."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _passwords(inner, f"{where}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _passwords(inner, where)
    elif URL_PASSWORD.search(str(value)):
        yield where


def _in_address(where: str) -> str:
    return (
        f"{where} has a password in an address: take name and password out of it; "
        "a system's secrets are settings of their own, kept in environment variables."
    )


def _problem(detail: dict[str, Any]) -> str:
    location = [str(part) for part in detail["loc"]]
    where = ".".join(location)
    match detail["type"]:
        case "extra_forbidden":
            known = ["sources"]
            if len(location) > 1:
                model = FileTable if location[1] == "files" else ConnectorSource
                known = [*model.model_fields]
            near = did_you_mean(location[-1], known)
            return f"unknown key '{where}'{near}; known here: {', '.join(known)}"
        case "missing":
            return f"'{where}' is missing: add it"
        case "too_short":
            return f"'{where}' is empty: fill it in, or leave it out"
        case "literal_error":
            return f"'{where}' is '{detail['input']}': write csv, parquet or jsonl"
        case "value_error":
            return f"'{where}': {detail['msg'].removeprefix('Value error, ')}"
        case "string_type" if "columns" in location:
            return f"'{where}' should be text, a column name or an SQL expression"
        case "string_type" if location[2] == "exports":
            return f"'{where}' should be one folder, as text"
        case "string_type":
            return f"'{where}' should be text, a single value"
        case "dict_type" if location[2:] == ["api"]:
            return (
                f"'{where}' should be settings with their values, as in {{token: \"${{VARIABLE}}\"}}; "
                "what a system takes stands at the top of its file in ingestion/connectors"
            )
        case "dict_type" | "model_type" if len(location) == 2 and location[1] != "files":
            return f"'{where}' should be {{exports: FOLDER}} or {{api: {{…}}}}"
        case "tuple_type":
            return f"'{where}' should be a path or a list of paths"
        case _:
            return f"'{where}' should be a mapping of keys to values (indent them under it)"


def _absolute(glob: str, root: Path, where: str, mistakes: list[str]) -> str:
    filled = _filled(glob, where, mistakes)
    if URL_PASSWORD.search(filled):
        mistakes.append(_in_address(where))
    return os.path.normpath(root / Path(filled).expanduser())


def _filled(text: str, where: str, mistakes: list[str]) -> str:
    """`text` with the values of the environment variables that it names."""

    def fill(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if not value:
            mistakes.append(f"{where} uses the environment variable {match[1]}, which isn't set: set it.")
        return value or ""

    return VARIABLE.sub(fill, text)
