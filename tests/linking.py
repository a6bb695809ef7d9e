"""The models that link records, run as they are written, in plain DuckDB: dbt would take seconds for each case."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import duckdb
import polars as pl

from analytics.identity import KINDS, decided_edges, newly_trained, rescored
from tests.identity import PROJECT, VARS, template

MACROS = ("identifiers", "rule_edges", "connected", "web_domain")
SEEDS = (
    "duplicate_free_lists", "external_ids", "free_mail_domains", "generic_values", "identity_identifiers",
    "identity_rules", "legal_forms", "null_likes", "short_names",
)  # fmt: skip
# What the models of records read, besides the CRM's people and customers, with no rows.
OTHERS = {
    "int_support__people": "source, source_person_id, source_customer_id, external_id, full_name, email, phone, "
    "whatsapp_number, user_kind",
    "int_support__customers": "source, source_customer_id, external_id, customer_name, domain, other_domains",
    "int_support__tickets": "source, source_person_id, source_customer_id",
    "int_product__identities": "source, source_person_id, source_customer_id, anonymous_id, email, full_name, "
    "customer_name",
    "int_messaging__people": "source, source_person_id, source_customer_id, external_id, first_name, last_name, email, "
    "phone, city, postal_code, country",
    "int_feedback__invitations": "source, source_person_id, source_customer_id, full_name, email",
    "int_feedback__responses": "source, source_person_id, source_customer_id, email",
    "int_commerce__customers": "source, source_customer_id, customer_name, email, phone, address, city, postal_code, "
    "country, birth_date",
    "int_loyalty__members": "source, source_customer_id, first_name, last_name, email, birth_date",
    "int_commerce__order_lines": "source, source_customer_id",
    "int_billing__customers": "source, source_customer_id, external_id, customer_name, email, phone, address, city, "
    "postal_code, country, tax_id",
    "int_crm__merges": "source, entity, merged_id, kept_id",
    "int_commerce__merges": "source, entity, merged_id, kept_id",
}
TIMES = (
    "created_at, updated_at, first_seen_at, last_seen_at, sent_at, responded_at, joined_at, signed_up_at, known_at, "
    "ordered_at"
)
PEOPLE = (
    "source", "source_person_id", "source_customer_id", "full_name", "first_name", "last_name", "email", "other_emails",
    "phone", "mobile_phone", "address", "city", "postal_code", "region", "country", "national_id",
)  # fmt: skip
CUSTOMERS = (
    "source", "source_customer_id", "customer_name", "email", "domain", "phone", "address", "city", "postal_code",
    "country", "tax_id",
)  # fmt: skip

Row = dict[str, Any]


class Linked:
    """Records of a CRM, linked: people have source_person_id and columns of PEOPLE, customers source_customer_id."""

    def __init__(
        self,
        people: Sequence[Row] = (),
        customers: Sequence[Row] = (),
        *,
        overrides: Sequence[Row] = (),
        devices: Sequence[tuple[str, str]] = (),
        rules: pl.DataFrame | None = None,
        duplicate_free: Sequence[str] = (),
    ) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self._write_inputs(people, customers, devices, rules, duplicate_free)
        self.overrides = pl.DataFrame(
            list(overrides), schema=dict.fromkeys(("decision", "entity", "record_id_l", "record_id_r"), pl.String)
        )
        for model in ("person_records", "company_records"):
            self._build(f"int_customers__{model}")
        self._write_phones()
        for model in (
            "identifiers", "generic_identifiers", "duplicate_free_lists", "compared_people", "compared_companies",
        ):  # fmt: skip
            self._build(f"int_customers__{model}")
        compared = {kind: partial(self.frame, f"int_customers__compared_{kind}") for kind in KINDS.values()}
        models = newly_trained(compared, None, date(2024, 1, 1), is_retrained=False)
        self._build("int_customers__identity_rules")
        self._link("company", "companies", models)
        self._link("person", "people", models)
        self._build("int_customers__clusters")

    def frame(self, table: str) -> pl.DataFrame:
        return self.connection.sql(f"from {table}").pl()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(query).fetchall()

    def clusters(self) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
        """The clusters with their records, as `tests.identity.Ledger.run` takes them."""
        rows = self.sql("select cluster_id, entity, source, list_kind, source_record_id from int_customers__clusters")
        clusters: dict[str, list[tuple[str, str, str, str]]] = {}
        for cluster_id, *record in rows:
            clusters.setdefault(cluster_id, []).append((record[0], record[1], record[2], record[3]))
        return list(clusters.items())

    def groups(self, entity: str = "person") -> list[set[str]]:
        """The clusters of more than one record, by the source's ids."""
        rows = self.sql(
            f"""select list(split_part(record_id, '/', 3)) from int_customers__{entity}_clusters
            group by cluster_id having count(*) > 1"""
        )
        return sorted(({*records} for (records,) in rows), key=sorted)

    def demoted(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Reason and number of records of each demoted value, by type and value."""
        rows = self.sql("select id_type, id_value, reason, record_count from int_customers__generic_identifiers")
        return {(kind, value): (reason, count) for kind, value, reason, count in rows}

    def _write_inputs(
        self,
        people: Sequence[Row],
        customers: Sequence[Row],
        devices: Sequence[tuple[str, str]],
        rules: pl.DataFrame | None,
        duplicate_free: Sequence[str],
    ) -> None:
        for seed in SEEDS:
            path = PROJECT / "seeds" / "config" / f"{seed}.csv"
            self.connection.execute(
                f"create table {seed} as from read_csv('{path}', header = true, all_varchar = true)"
            )
        self.connection.execute("alter table identity_identifiers alter max_records type integer")
        self.connection.execute("alter table identity_rules alter confidence type double")
        if rules is not None:
            self.connection.register("given_rules", rules.to_arrow())
            self.connection.execute("create or replace table identity_rules as from given_rules")
        self.connection.execute("create table stg_ingestion__tables as select 'crm' as source")
        for list_kind in duplicate_free:
            self.connection.execute(
                "insert into duplicate_free_lists (source, list_kind) values ('crm', ?)", [list_kind]
            )
        for table, columns in OTHERS.items():
            typed = [f"cast(null as varchar) as {column}" for column in columns.split(", ")]
            typed += [f"cast(null as timestamp) as {column}" for column in TIMES.split(", ")]
            self.connection.execute(f"create table {table} as select {', '.join(typed)} where false")
        for table in ("int_commerce__customers", "int_loyalty__members"):
            self.connection.execute(f"alter table {table} alter birth_date type date")
        for table, columns, rows in (("int_crm__people", PEOPLE, people), ("int_crm__customers", CUSTOMERS, customers)):
            schema: dict[str, Any] = dict.fromkeys(columns, pl.String)
            schema |= {"birth_date": pl.Date, "created_at": pl.Datetime, "updated_at": pl.Datetime}
            frame = pl.DataFrame([{"source": "crm", **row} for row in rows], schema=schema)
            self.connection.register("given", frame.to_arrow())
            self.connection.execute(f"create table {table} as from given")
        for person, device in devices:
            self.connection.execute(
                "insert into int_product__identities (source, source_person_id, anonymous_id) values ('crm', ?, ?)",
                [person, device],
            )

    def _write_phones(self) -> None:
        """Numbers are written as they are dialled here; reading them has tests of its own."""
        self.connection.execute(
            """create table int_customers__phone_numbers as
            select distinct phone, cast(null as varchar) as country_as_written, phone as e164, true as is_valid
            from (select unnest(phones) as phone from int_customers__person_records
            union select unnest(phones) as phone from int_customers__company_records)"""
        )

    def _link(self, entity: str, kind: Any, models: pl.DataFrame) -> None:
        self._build(f"int_customers__{entity}_rule_edges")
        compared = self.frame(f"int_customers__compared_{kind}")
        scores = rescored(kind, compared, models, None)
        edges = decided_edges(
            entity,
            rule_edges=self.frame(f"int_customers__{entity}_rule_edges"),
            pairs=scores.filter(pl.col("record_id_r").is_not_null()),
            records=compared.select("record_id", "duplicate_free_list"),
            overrides=self.overrides,
            exclusive=self.connection.sql(
                f"""select record_id, id_type || ' ' || id_value as value from int_customers__identifiers as told
                inner join identity_identifiers as bounds using (entity, id_type)
                where entity = '{entity}' and bounds.is_exclusive = 'true'"""
            ).pl(),
            link_probability=VARS["link_probability"],
            strong_probability=VARS["strong_link_probability"],
            review_probability=VARS["review_probability"],
            max_records=VARS[f"max_{entity}_records"],
        )
        self.connection.register("edges", edges.to_arrow())
        self.connection.execute(f"create table int_customers__{entity}_edges as from edges")
        self._build(f"int_customers__{entity}_clusters")

    def _build(self, model: str) -> None:
        self.connection.execute(f"create table {model} as {template(model, *MACROS, ref=_name, var=_setting).render()}")


def _name(model: str) -> str:
    return model


def _setting(key: str) -> Any:
    return VARS[key]
