"""How good identity is where labels tell it; see `analytics.linkage_quality`."""

from analytics.identity import measured
from analytics.linkage import Resources


def model(dbt, session):
    """One row per entity, metric and segment; without labels, none."""
    dbt.config(materialized="table")
    pair = "record_id_l, record_id_r"
    companies = dbt.ref("int_customers__company_rule_edges").project(pair)
    people = dbt.ref("int_customers__person_rule_edges").project(pair)
    return measured(
        dbt.ref("int_customers__labelled_records").pl(),
        {
            "companies": dbt.ref("int_customers__compared_companies").pl(),
            "people": dbt.ref("int_customers__compared_people").pl(),
        },
        companies.union(people).pl(),
        Resources.as_of(session),
    )
