"""Phone numbers of records as they are dialled; see `analytics.identifiers`."""

from analytics.identifiers import country_codes, phone_numbers


def model(dbt, session):
    """One row per phone number and country, as they are written."""
    dbt.config(materialized="table")
    people = dbt.ref("int_customers__person_records").project("unnest(phones) as phone, country")
    companies = dbt.ref("int_customers__company_records").project("unnest(phones) as phone, country")
    written = people.union(companies).distinct().pl().rename({"country": "country_as_written"})
    written = written.with_columns(country=country_codes(written["country_as_written"]))
    read = written.join(phone_numbers(written), on=["phone", "country"], how="inner", nulls_equal=True)
    return read.select("phone", "country_as_written", "country", "e164", "is_valid")
