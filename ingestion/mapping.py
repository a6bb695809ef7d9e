"""A mapping bound to a file: each canonical column's value as SQL over the file's own columns."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.connectors.delimited import ROW_NUMBER, hits
from ingestion.contracts import Contract
from ingestion.errors import UserError
from ingestion.scratch import Scratch
from ingestion.sources import FileTable
from ingestion.text import did_you_mean, ident, listed

WINDOW = re.compile(r"\bover\b", re.IGNORECASE)
MISSING_COLUMN = re.compile(r'Referenced column "([^"]+)"')
# What DuckDB says of an aggregate: its query takes `_row` beside the expression.
OVER_MANY_ROWS = "must appear in the GROUP BY clause"
WORDS = re.compile(r"[\w .\-/#%]+")
# A header that holds such a value is a row of data: its words must not be shown.
DATA_LIKE = re.compile(r".*@.*|[+-]?[\d.,]+|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")


@dataclass(frozen=True)
class Mapping:
    """`expressions`: contract column → SQL. `types`: contract column → the DuckDB type of that SQL.

    `extra_columns`: columns of an export that its contract doesn't have, with their DuckDB types.
    """

    expressions: dict[str, str]
    types: dict[str, str]
    extra_columns: dict[str, str] = field(default_factory=dict)

    @property
    def has_window(self) -> bool:
        return any(WINDOW.search(expression) for expression in self.expressions.values())


def check_mapping(spec: FileTable, contract: Contract) -> None:
    """Check that a mapping names columns of the contract, and all required ones.

    Raises:
        UserError: one line per mistake.
    """
    where = f"{contract.source}.{contract.table}"
    known = contract.column_names
    mistakes = [
        f"{where}: {name} is no column of {contract.table}{did_you_mean(name, known)}; it has {listed(known)}."
        for name in spec.columns
        if name not in known
    ]
    mistakes += [
        f"{where}: {column.name} isn't mapped, and every row needs it: add it under columns."
        for column in contract.columns
        if column.meta.required and column.name not in spec.columns
    ]
    if mistakes:
        raise UserError("\n".join(mistakes))


def mapping_hash(spec: FileTable, contract: Contract) -> str:
    """sha256 of all that decides what becomes of a file's rows: the mapping and the contract."""
    content = json.dumps([spec.columns, contract.hash], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def shown_column(name: str) -> str:
    """A file's column as it may be written down and shown: a name that looks like data may be a person's."""
    return "(a name that looks like data)" if DATA_LIKE.fullmatch(name) else name


class MissingColumnsError(UserError):
    """An export that lacks columns which it must have, or had before."""

    def __init__(self, columns: list[str], sentence: str) -> None:
        super().__init__(sentence)
        self.columns = columns


def export_spec(contract: Contract, paths: Sequence[Path]) -> FileTable:
    """An export of a system with a connector: its columns are those of the contract."""
    return FileTable(path=tuple(map(str, paths)), columns={name: name for name in contract.column_names})


def bind_export(
    scratch: Scratch, contract: Contract, columns: Sequence[str], file_name: str, had_before: Sequence[str]
) -> Mapping:
    """Bind an export's columns, by their names, to those of its contract. Others are kept as extra columns.

    Raises:
        MissingColumnsError: a required column is missing, or one that the last export had.
    """
    given = {column.lower(): column for column in columns}
    types = {name: kind for name, kind, *_ in scratch.connection.execute("describe from file_rows").fetchall()}
    expected = {*contract.required_columns, *({name.lower() for name in had_before} & {*contract.column_names})}
    missing = [name for name in contract.column_names if name in expected and name not in given]
    if missing:
        raise MissingColumnsError(missing, _missing_in_export(contract, file_name, missing, columns))
    found = {name: given[name] for name in contract.column_names if name in given}
    return Mapping(
        {name: ident(column) for name, column in found.items()},
        {name: types[column] for name, column in found.items()},
        {column: types[column] for column in columns if column.lower() not in found},
    )


def _missing_in_export(contract: Contract, file_name: str, missing: list[str], columns: Sequence[str]) -> str:
    if any(DATA_LIKE.fullmatch(column) for column in columns):
        return f"{file_name}: its first line looks like data: give it a header line with the column names."
    wanted = listed(f"{name}{did_you_mean(name, columns)}" for name in missing)
    remedy = "; if it is gone for good, run again with --accept-shrink"
    if not {*contract.required_columns}.isdisjoint(missing):
        remedy = ""
    return f"{file_name} lacks the column {wanted}: export it as before{remedy}."


def bind(scratch: Scratch, spec: FileTable, columns: Sequence[str], file_name: str) -> Mapping:
    """Bind a mapping to the columns of the temporary `file_rows`.

    Raises:
        UserError: a column that the file doesn't have, or an expression with a mistake; one line each.
    """
    expressions: dict[str, str] = {}
    types: dict[str, str] = {}
    missing: dict[str, str] = {}
    mistakes = []
    for name, value in spec.columns.items():
        # On a line of its own the closing bracket survives a comment at the end of the expression.
        expression = ident(value) if value in columns else f"({value}\n)"
        try:
            types[name] = _type_of(scratch.connection, expression)
            expressions[name] = expression
        except duckdb.Error as error:
            word = _missing_column(value, error)
            if word is None:
                mistakes.append(f"{file_name}: {_mistake(name, error)}")
            else:
                missing[name] = word
    if missing:
        mistakes.insert(0, _missing_columns(file_name, missing, columns, hits(columns, list(spec.columns.values()))))
    if mistakes:
        sentence = "\n".join(mistakes)
        raise MissingColumnsError([*missing], sentence) if missing else UserError(sentence)
    return Mapping(expressions, types)


def _type_of(connection: duckdb.DuckDBPyConnection, expression: str) -> str:
    query = f"select {expression} as value, {ROW_NUMBER} from file_rows"
    if len(connection.extract_statements(query)) != 1:
        raise duckdb.ParserException("Parser Error: more than one statement")
    described = connection.execute(f"describe {query}").fetchall()
    return str(described[0][1])


def _missing_column(value: str, error: duckdb.Error) -> str | None:
    """The column that a value of the mapping means and the file doesn't have, or None if that isn't the trouble."""
    missing = MISSING_COLUMN.search(str(error))
    if missing:
        return missing[1]
    return value if WORDS.fullmatch(value) and isinstance(error, duckdb.ParserException) else None


def _mistake(name: str, error: duckdb.Error) -> str:
    if isinstance(error, duckdb.BinderException) and OVER_MANY_ROWS in str(error):
        return (
            f"the expression for {name} takes many rows together, as max, sum and count do: write one in sources.yml "
            "that makes its value of a single row."
        )
    # Parse, bind and catalog errors speak of the expression alone, never of a row; others may quote a value.
    is_safe = isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException)
    problem = str(error).splitlines()[0].partition(": ")[2] if is_safe else "it can't be computed"
    return f"the expression for {name} has a mistake ({problem.strip().rstrip('.!')}): correct it in sources.yml."


def _missing_columns(file_name: str, missing: dict[str, str], columns: Sequence[str], found: int) -> str:
    if not columns:
        return f"{file_name} has no line that is a JSON object: check the export."
    if any(DATA_LIKE.fullmatch(column) for column in columns):
        return f"{file_name}: its first line looks like data: give it a header line with the column names."
    if len(columns) == 1:
        return (
            f"{file_name} has a single column, and not the one that the mapping names: "
            "if it is meant to have more, separate them by comma, semicolon, tab or |."
        )
    if not found:
        # Without a header its first line is a record, which is nobody's to see.
        wanted = listed(f"'{word}' (for {name})" for name, word in missing.items())
        return (
            f"{file_name} has none of the columns {wanted}: "
            "check that its first line is a header, and correct sources.yml or the export."
        )
    wanted = listed(f"'{word}' (for {name}){did_you_mean(word, columns)}" for name, word in missing.items())
    return f"{file_name} has no column {wanted}; it has {listed(columns)}: correct sources.yml or the export."
