"""Pairs of records that the linkage model finds alike; see `analytics.linkage`."""

from analytics.identity import scored_pairs


def model(dbt, session):
    """One row per pair of records of people that may be one."""
    dbt.config(materialized="table")
    return scored_pairs(
        "people", dbt.ref("int_customers__compared_people").pl(), dbt.ref("int_customers__linkage_models").pl()
    )
