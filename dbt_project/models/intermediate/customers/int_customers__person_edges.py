"""Which edges between records of people hold; see `analytics.clustering`."""

from analytics.identity import decided_edges


def model(dbt, session):
    """One row per pair of records and rule."""
    dbt.config(materialized="table")
    identifiers = dbt.ref("identity_identifiers").filter("is_exclusive and entity = 'person'").set_alias("bounds")
    exclusive = dbt.ref("int_customers__identifiers").filter("entity = 'person'").set_alias("told")
    return decided_edges(
        "person",
        rule_edges=dbt.ref("int_customers__person_rule_edges").pl(),
        pairs=dbt.ref("int_customers__person_scores").filter("record_id_r is not null").pl(),
        records=dbt.ref("int_customers__compared_people").project("record_id, duplicate_free_list").pl(),
        overrides=dbt.ref("identity_overrides").pl(),
        exclusive=exclusive.join(identifiers, "told.id_type = bounds.id_type")
        .project("told.record_id, told.id_type || ' ' || told.id_value as value")
        .pl(),
        link_probability=dbt.config.get("link_probability"),
        strong_probability=dbt.config.get("strong_link_probability"),
        review_probability=dbt.config.get("review_probability"),
        max_records=dbt.config.get("max_records"),
    )
