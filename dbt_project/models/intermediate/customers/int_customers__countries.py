"""Countries of customers, people and orders in one code; see `analytics.identifiers`."""

from analytics.identifiers import country_codes


def model(dbt, session):
    """One row per country as sources write it."""
    dbt.config(materialized="table")
    crm = dbt.ref("int_crm__customers").project("cast(country as varchar) as country_as_written")
    billing = dbt.ref("int_billing__customers").project("cast(country as varchar) as country_as_written")
    commerce = dbt.ref("int_commerce__customers").project("cast(country as varchar) as country_as_written")
    orders = dbt.ref("int_commerce__order_lines").project("cast(country as varchar) as country_as_written")
    people = dbt.ref("int_customers__person_records").project("cast(country as varchar) as country_as_written")
    written = crm.union(people).union(billing).union(commerce).union(orders).distinct().pl().drop_nulls()
    return written.with_columns(country_code=country_codes(written["country_as_written"]))
