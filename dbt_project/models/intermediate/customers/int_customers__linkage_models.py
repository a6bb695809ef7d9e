"""The trained models of linkage, each version once; see `analytics.linkage`."""

from analytics.identity import newly_trained
from analytics.linkage import Resources


def model(dbt, session):
    """One row per kind of record and version of its model."""
    dbt.config(materialized="incremental", incremental_strategy="append", full_refresh=False, schema="state")
    compared = {
        "people": dbt.ref("int_customers__compared_people").pl,
        "companies": dbt.ref("int_customers__compared_companies").pl,
    }
    known = session.sql(f"select kind, model_version from {dbt.this}").pl() if dbt.is_incremental else None
    as_of_date = dbt.ref("int_run__context").project("as_of_date").fetchone()[0]
    return newly_trained(
        compared,
        known,
        as_of_date,
        is_retrained=dbt.config.get("retrain_linkage"),
        resources=Resources.as_of(session),
    )
