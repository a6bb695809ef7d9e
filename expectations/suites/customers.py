"""Suites of the area customers."""

from expectations.evidence import Check, Evidence, between, columns_check, no_rows, table_checks


def dim_customers(evidence: Evidence) -> list[Check]:
    """Customers: volume, plausible totals, dates in order, and nothing after the day."""
    return [
        *table_checks(evidence, "dim_customers", role="commerce"),
        between("dim_customers", "order_count", 0),
        between("dim_customers", "gross_amount", 0),
        no_rows(
            "dates in order",
            "error",
            "select 1 from {batch} where second_order_date <= first_order_date or last_order_date < first_order_date",
            "marts.dim_customers has {observed} customers whose order dates are out of order.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where last_order_date > date '{evidence.as_of_date}'",
            f"marts.dim_customers has {{observed}} customers with orders after {evidence.as_of_date}.",
        ),
        between("dim_customers", "recurring_amount", 0),
        between("dim_customers", "record_count", 1),
        no_rows(
            "no meeting after the as-of date",
            "error",
            f"select 1 from {{batch}} where cast(last_meeting_at as date) > date '{evidence.as_of_date}'",
            f"marts.dim_customers has {{observed}} customers whose last meeting is after {evidence.as_of_date}.",
        ),
        no_rows(
            "contract dates in order",
            "warning",
            "select 1 from {batch} where contract_ended_date < contract_started_date",
            "marts.dim_customers has {observed} customers whose contract ended before it began.",
        ),
    ]


def rpt_source_conflicts(evidence: Evidence) -> list[Check]:
    """Conflicts: of one customer or person, none with itself, and a value at stake only where a status is in doubt."""
    return [
        columns_check(evidence, "rpt_source_conflicts"),
        between("rpt_source_conflicts", "losing_record_count", 1),
        between("rpt_source_conflicts", "value_at_stake_amount", 0),
        no_rows(
            "of one customer or person",
            "error",
            "select 1 from {batch} where (customer_id is null) = (person_id is null) "
            "or (customer_id is null) = (entity = 'customer')",
            "marts.rpt_source_conflicts has {observed} rows that name no customer or person, or both.",
        ),
        no_rows(
            "winner and loser differ",
            "error",
            "select 1 from {batch} where winning_value = losing_value",
            "marts.rpt_source_conflicts has {observed} values that lost against themselves.",
        ),
        no_rows(
            "value at stake",
            "error",
            "select 1 from {batch} where value_at_stake_amount is not null and not is_status_conflict",
            "marts.rpt_source_conflicts has {observed} values at stake where no status is in doubt.",
        ),
    ]


def map_source_records(evidence: Evidence) -> list[Check]:
    """Records and their ids: volume, one id a record, ids of the right kind, dates in order."""
    table = "map_source_records"
    return [
        *table_checks(evidence, table, role="commerce"),
        no_rows(
            "one id a record",
            "error",
            "select 1 from {batch} where is_current group by entity, source, list_kind, source_record_id "
            "having count(*) > 1",
            f"marts.{table} has {{observed}} records with several ids at once.",
        ),
        no_rows(
            "ids of the right kind",
            "error",
            "select 1 from {batch} where left(durable_id, 4) != if(entity = 'customer', 'cus_', 'per_')",
            f"marts.{table} has {{observed}} rows whose id is not of their entity.",
        ),
        no_rows(
            "dates in order",
            "error",
            f"select 1 from {{batch}} where valid_to_date <= valid_from_date or valid_from_date > "
            f"date '{evidence.as_of_date}' or valid_to_date > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} rows whose dates are out of order, or after {evidence.as_of_date}.",
        ),
    ]


def fct_identity_events(evidence: Evidence) -> list[Check]:
    """Events of ids: volume, one beginning an id, nothing after the as-of date."""
    table = "fct_identity_events"
    return [
        *table_checks(evidence, table, role="commerce"),
        between(table, "record_count", 1),
        no_rows(
            "created once",
            "error",
            "select 1 from {batch} where event = 'created' group by entity, durable_id having count(*) > 1",
            f"marts.{table} has {{observed}} ids that were created twice.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where known_date > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} events after {evidence.as_of_date}.",
        ),
    ]


def map_id_redirects(evidence: Evidence) -> list[Check]:
    """Redirects: no id is forgotten, and none leads to one that leads on."""
    table = "map_id_redirects"
    return [
        *table_checks(evidence, table, role="commerce"),
        no_rows(
            "at the end in one hop",
            "error",
            "select 1 from {batch} where current_id is not null group by entity, current_id "
            "having not bool_or(durable_id = current_id)",
            f"marts.{table} has {{observed}} ids that lead to one which leads on.",
        ),
    ]


SUITES = {
    "dim_customers": dim_customers,
    "rpt_source_conflicts": rpt_source_conflicts,
    "map_source_records": map_source_records,
    "fct_identity_events": fct_identity_events,
    "map_id_redirects": map_id_redirects,
}
