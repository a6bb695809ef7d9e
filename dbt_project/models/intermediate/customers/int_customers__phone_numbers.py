"""Phone numbers of records as they are dialled, each read once; see `analytics.identifiers`."""

from analytics.identifiers import country_codes, phone_numbers


def model(dbt, session):
    """One row per phone number and country, as they are written."""
    dbt.config(materialized="table")
    this = dbt.this
    people = dbt.ref("int_customers__person_records").project("unnest(phones) as phone, country")
    companies = dbt.ref("int_customers__company_records").project("unnest(phones) as phone, country")
    written = people.union(companies).distinct().pl().rename({"country": "country_as_written"})
    written = written.with_columns(country=country_codes(written["country_as_written"]))
    before = session.sql(
        f"""select 1 from duckdb_columns() where schema_name = '{this.schema}' and table_name = '{this.identifier}'
        and column_name = 'read_by'"""
    ).fetchone()
    known = session.sql(f"select distinct * exclude (country_as_written) from {this}").pl() if before else None
    read = phone_numbers(written, known)
    return written.join(read, on=["phone", "country"], how="inner", nulls_equal=True).select(
        "phone", "country_as_written", "country", "e164", "is_valid", "read_by"
    )
