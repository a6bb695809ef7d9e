"""Pairs of records that the linkage model finds alike; see `analytics.linkage`."""

from analytics.identity import scored_pairs


def model(dbt, session):
    """One row per pair of records of companies that may be one."""
    dbt.config(materialized="table")
    return scored_pairs(
        "companies", dbt.ref("int_customers__compared_companies").pl(), dbt.ref("int_customers__linkage_models").pl()
    )
