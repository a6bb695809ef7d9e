"""How long it takes until first value, by clock, criterion and group; see `analytics.time_to_value`."""

from analytics.time_to_value import times


def model(dbt, session):
    """One row per clock, criterion, dimension and segment; without anybody on the way, none."""
    dbt.config(materialized="table")
    spells = dbt.ref("int_revenue__first_values").project(
        "clock, criterion, customer_id, days, watched_days, is_reached"
    )
    segments = dbt.ref("int_revenue__customer_segments").pl()
    return times(spells.pl(), segments, float(dbt.config.get("first_value_days")))
