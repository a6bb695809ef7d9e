"""Pairs of records that the linkage model finds alike, scored anew only where something changed."""

from analytics.identity import rescored
from analytics.linkage import Resources


def model(dbt, session):
    """One row per pair of records of companies, and one per record with what the next run has to know of it."""
    dbt.config(materialized="table")
    this = dbt.this
    before = session.sql(
        f"select 1 from duckdb_tables() where schema_name = '{this.schema}' and table_name = '{this.identifier}'"
    ).fetchone()
    return rescored(
        "companies",
        dbt.ref("int_customers__compared_companies").pl(),
        dbt.ref("int_customers__linkage_models").pl(),
        session.sql(f"from {this}").pl() if before else None,
        Resources.as_of(session),
    )
