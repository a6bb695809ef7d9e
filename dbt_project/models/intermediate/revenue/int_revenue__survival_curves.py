"""How long customers stay before they first leave, by group; see `analytics.customer_lifetimes`."""

from analytics.customer_lifetimes import HORIZON_DAYS, curves


def model(dbt, session):
    """One row per dimension, segment and age; without customers, none."""
    dbt.config(materialized="table")
    first = dbt.ref("int_revenue__watched_presences").filter("presence_number = 1")
    as_of = dbt.ref("int_run__context").project("as_of_date").fetchone()[0]
    return curves(first.pl(), dbt.ref("int_revenue__customer_segments").pl(), as_of, HORIZON_DAYS)
