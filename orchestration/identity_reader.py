"""What a release knows of records and of what speaks for their being one: what `tenure explain` reads."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from analytics.clustering import TIERS
from analytics.linkage_specification import Kind
from ingestion.errors import UserError
from ingestion.home import Home
from publishing.release import open_current

TABLES = ("fct_identity_edges", "map_identifiers", "map_compared_records")
# The numbers of an authority and the columns of a company have other names where they are compared.
COMPARED: dict[str, tuple[Kind, dict[str, str]]] = {
    "customer": ("companies", {"full_name": "name", "authority_number": "tax_id"}),
    "person": ("people", {"email": "email_canonical", "authority_number": "national_id"}),
}

Edge = dict[str, Any]


@dataclass(frozen=True)
class Named:
    """What an argument names: a record, or an id with the records that it has or had.

    `ids`: by entity, the durable id that it has now. `kind`: the entity of the edges between its records.
    """

    name: str
    is_id: bool
    ids: dict[str, str]
    records: frozenset[str]
    kind: str


class Reader:
    """The identity tables of one open release."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        cursor = self._connection.execute(sql, values)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def find(self, name: str) -> Named:
        """The record or id of this name; UserError, in one sentence, where there is none that can be explained."""
        known = self.rows("select entity, current_id from map_id_redirects where durable_id = ?", name)
        if known:
            return self._id(name, known[0]["entity"], known[0]["current_id"])
        source, _, rest = name.partition("/")
        list_kind, _, record = rest.partition("/")
        spells = self.rows(
            """select *, source || '/' || list_kind || '/' || source_record_id as record_id from map_source_records
            where source = ? and (source_record_id = ? or (list_kind = ? and source_record_id = ?))""",
            *(source, rest, list_kind, record),
        )
        found = sorted({str(spell["record_id"]) for spell in spells})
        if not found:
            raise UserError(
                f"The current release knows no record and no id {name}; a record is source/list/id, as "
                "map_source_records has it, and the lists are person and customer."
            )
        if len(found) > 1:
            raise UserError(f"{name} is more than one record: {' and '.join(found)}; name one of them.")
        ids = {str(spell["entity"]): str(spell["durable_id"]) for spell in spells if spell["is_current"]}
        if not ids:
            last = max(spells, key=lambda spell: spell["valid_to_date"])
            raise UserError(
                f"The record {found[0]} is gone from its source since {last['valid_to_date']}; it was of "
                f"{last['durable_id']}, and tenure explain {last['durable_id']} tells the rest."
            )
        return Named(found[0], False, ids, frozenset(found), "person" if "person" in ids else "customer")

    def _id(self, name: str, entity: str, current_id: str | None) -> Named:
        # An id that another took over on the day on which it began never had records at the end of a day.
        records = (self.records(entity, name) or self.records(entity, current_id)) if current_id else []
        humans = self.members("person", records) if entity == "customer" else {}
        ids = {entity: current_id} if current_id else {}
        return Named(name, True, ids, frozenset(records), "person" if humans or entity == "person" else "customer")

    def human(self, named: Named) -> str:
        """The person who has the most records of a consumer, of two the smaller id."""
        people = list(self.members("person", sorted(named.records)).items())
        own = [person for record, person in people if record in named.records]
        return min(set(own), key=lambda person: (-own.count(person), person))

    def records(self, entity: str, durable_id: str) -> list[str]:
        """The records that have the id or had it, and still exist."""
        rows = self.rows(
            """select distinct source || '/' || list_kind || '/' || source_record_id as record_id
            from map_source_records as had
            where entity = ? and durable_id = ? and exists (
                from map_source_records as now
                where now.is_current and now.entity = had.entity and now.source = had.source
                and now.list_kind = had.list_kind and now.source_record_id = had.source_record_id
            )""",
            *(entity, durable_id),
        )
        return sorted(str(row["record_id"]) for row in rows)

    def members(self, entity: str, records: Sequence[str]) -> dict[str, str]:
        """All records of the ids that these records have now, as record → id."""
        rows = self.rows(
            """with records as (
                select source || '/' || list_kind || '/' || source_record_id as record_id, durable_id
                from map_source_records where is_current and entity = ?
            )
            select * from records
            where durable_id in (select durable_id from records where list_contains(?::varchar[], record_id))""",
            *(entity, list(records)),
        )
        return {str(row["record_id"]): str(row["durable_id"]) for row in rows}

    def edges(self, kind: str, records: Sequence[str]) -> list[Edge]:
        """The edges whose two ends are among these records, the strongest first."""
        found = self.rows(
            """select * from fct_identity_edges where entity = $1 and list_contains($2::varchar[], record_id_l)
            and list_contains($2::varchar[], record_id_r)""",
            *(kind, list(records)),
        )
        return sorted(
            found,
            key=lambda edge: (
                TIERS.index(edge["tier"]),
                -edge["confidence"],
                edge["record_id_l"],
                edge["record_id_r"],
                edge["rule"],
            ),
        )

    def shared_values(self, kind: str, one: str, other: str) -> list[tuple[str, str]]:
        """The identifiers that both records give, as (type, value); neither of two that say the same."""
        rows = self.rows(
            """select id_type, any_value(id_value) as id_value from map_identifiers
            where entity = ? and record_id in (?, ?) group by id_type, map_identifiers.id_value
            having count(distinct record_id) = 2 order by id_type, 2""",
            *(kind, one, other),
        )
        types = {row["id_type"] for row in rows}
        repeated = {"email" if "email_canonical" in types else "", "first_name" if "name" in types else ""}
        return [(row["id_type"], str(row["id_value"])) for row in rows if row["id_type"] not in repeated]

    def waterfall(self, kind: str, one: str, other: str) -> list[dict[str, Any]]:
        """The steps of `analytics.linkage.explain`; none where a record isn't compared or there is no model."""
        from analytics.identity import latest_model
        from analytics.linkage import ModelError, explain

        model_kind, names = COMPARED[kind]
        sql = "from map_compared_records where entity = $1 and record_id in ($2, $3)"
        # What the model would make of two records of a list free of duplicates, too, which it never compares.
        records = (
            self._connection.execute(sql, [kind, one, other]).pl().drop("entity", "duplicate_free_list", strict=False)
        )
        sql = "select kind, model_version, document from state.linkage_models where kind = $1"
        models = self._connection.execute(sql, [model_kind]).pl()
        if records.height != 2 or models.is_empty():
            return []
        try:
            model = latest_model(model_kind, models)
        except ModelError as error:
            raise UserError(str(error)) from error
        return explain(records.rename(names), model).to_dicts()


@contextmanager
def open_reader(home: Home) -> Iterator[Reader]:
    """The current release, read-only; UserError where there is none, or one from before it knew edges."""
    with open_current(home) as connection:
        there = {row[0] for row in connection.sql("select table_name from duckdb_tables()").fetchall()}
        if not there.issuperset(TABLES):
            raise UserError("The current release is of a version that published no evidence: tenure run does.")
        yield Reader(connection)
