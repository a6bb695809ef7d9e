"""The words in which a connector says what a system's API gives: settings, endpoints, tables and fields."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ingestion.contracts import Contract
from ingestion.errors import UserError
from ingestion.text import listed

if TYPE_CHECKING:
    from ingestion.connectors.client import Api

Record = dict[str, Any]
Settings = Mapping[str, str]
LOOK_BACK = timedelta(days=3)
_ABSENT = object()


@dataclass(frozen=True)
class Setting:
    """A key under `api` of a source in sources.yml. One with a default may be left out."""

    name: str
    is_secret: bool = False
    default: str | None = None


@dataclass(frozen=True)
class Field:
    """Where the value of a column stands in a record.

    `path`: keys joined by dots; `a|b` is b where a is null or absent. `convert` isn't asked about null.
    `may_lack`: a record without a value lacks the key. `is_custom`: an account may not have the field, and its files
    then don't have the column. Any other key that no record of a page has was renamed.
    """

    path: str
    convert: Callable[[Any], Any] | None = None
    may_lack: bool = False
    is_custom: bool = False


Fields = dict[str, str | Field]


@dataclass(frozen=True)
class Table:
    """A contract's table: column → field (a bare text is its path).

    `rows`: the parts of a record that are the rows of this table, where it isn't the record itself.
    `absent`: columns of the contract that exports have and this API doesn't give.
    """

    name: str
    fields: Mapping[str, str | Field]
    rows: Callable[[Record, "Api"], Iterable[Record]] | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """One way to read an API. Each record may be rows of several tables; the first one dates the whole.

    `read`: pages of records, all of them, or those changed since a time.
    `ordered_by`: path of the ISO or epoch time by which records come in ascending order; what was read before a fault
    is then a sound beginning, and the next run goes on from there.
    `look_back`: how far before the newest record known the next run begins.
    """

    tables: tuple[Table, ...]
    read: Callable[["Api", datetime | None], Iterator[list[Record]]]
    ordered_by: str | None = None
    look_back: timedelta = LOOK_BACK


@dataclass(frozen=True)
class Connector:
    """A system. `auth` makes what puts the secrets on a request; they never stand in `headers`, which may be logged.

    `hosts`: where its API is; `*.` stands for a name that is the account's own. Secrets are sent nowhere else.
    """

    hosts: tuple[str, ...]
    settings: tuple[Setting, ...]
    auth: Callable[[Settings], Any]
    endpoints: tuple[Endpoint, ...]
    headers: Mapping[str, str] | None = None


class ApiError(UserError):
    """What is wrong with an API and what to do; its text holds no secret, no address and nothing of a record.

    `is_final`: other tables of this system would meet the same. `is_sound`: what was read before is right, and the next
    run may go on from there.
    """

    def __init__(self, sentence: str, *, is_final: bool = False, is_sound: bool = False) -> None:
        super().__init__(sentence)
        self.is_final = is_final
        self.is_sound = is_sound


class RowMaker:
    """Makes a contract's rows of an API's records. Columns whose field is absent are left out, unknown fields too."""

    def __init__(self, table: Table, contract: Contract) -> None:
        self.table = table
        types = {column.name: column.data_type for column in contract.columns}
        fields = {
            name: Field(field) if isinstance(field, str) else field
            for name, field in table.fields.items()
            if name in types
        }
        self._plan = [
            (name, _alternatives(field.path), field, types[name] == "varchar") for name, field in fields.items()
        ]
        self._expected = {
            name: field.path for name, field in fields.items() if not field.may_lack and not field.is_custom
        }

    def rows(self, records: Iterable[Record], api: "Api") -> list[Record]:
        """The rows of one page.

        Raises:
            ApiError: a field that every record should have is in none of them.
        """
        if self.table.rows is not None:
            records = [part for record in records for part in self.table.rows(record, api)]
        rows = [self._row(record) for record in records]
        missing = self._expected.keys() - rows[0].keys() if rows else set()
        for row in rows:
            if not missing:
                break
            missing.difference_update(row)
        if missing:
            paths = listed(sorted(f"`{self._expected[name]}`" for name in missing))
            raise ApiError(f"its records no longer have {paths}; check the API's version")
        return rows

    def _row(self, record: Record) -> Record:
        row = {}
        for name, alternatives, field, is_text in self._plan:
            value = found(record, alternatives[0])
            for path in alternatives[1:]:
                if value is None or value is _ABSENT:
                    other = found(record, path)
                    value = value if other is _ABSENT else other
            if value is _ABSENT:
                if not field.may_lack:
                    continue
                value = None
            if value is not None and field.convert is not None:
                value = field.convert(value)
            row[name] = _text(value) if is_text and value.__class__ is not str else value
        return row


def _alternatives(path: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(one.split(".")) for one in path.split("|"))


def found(record: Record, path: tuple[str, ...]) -> Any:
    """The value at a path; null where a parent is null; a marker of its own where a key is absent."""
    value: Any = record
    for key in path:
        if value is None:
            return None
        value = value.get(key, _ABSENT)
        if value is _ABSENT:
            return _ABSENT
    return value


def _text(value: Any) -> str | None:
    """A value of a text column: numbers as digits, objects and lists as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def moment(value: Any) -> datetime | None:
    """An API's time, ISO text or epoch seconds, in UTC; None where it is neither."""
    try:
        if isinstance(value, str):
            return as_utc(datetime.fromisoformat(value))
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def as_utc(time: datetime) -> datetime:
    """A time in UTC; one without a zone is UTC, as in raw tables."""
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def from_epoch(seconds: float) -> str:
    """Epoch seconds as ISO text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def joined(values: Iterable[Any]) -> str:
    """A list as its values, separated by commas."""
    return ",".join(str(value) for value in values)


def epoch(time: datetime) -> int:
    """A time for a query, in epoch seconds."""
    return int(as_utc(time).timestamp())


def iso(time: datetime) -> str:
    """A time for a query, ISO in UTC with a Z."""
    return as_utc(time).strftime("%Y-%m-%dT%H:%M:%SZ")
