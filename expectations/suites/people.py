"""Suites of the people in the area customers."""

from expectations.evidence import Check, Evidence, between, no_rows, table_checks


def dim_people(evidence: Evidence) -> list[Check]:
    """People: volume, and records that add up."""
    return [
        *_checks(evidence, "dim_people"),
        between("dim_people", "record_count", 1),
        no_rows(
            "records in order",
            "error",
            "select 1 from {batch} where source_count not between 1 and record_count",
            "marts.dim_people has {observed} people with more sources than records.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where last_contact_date > date '{evidence.as_of_date}'",
            f"marts.dim_people has {{observed}} people whose last contact is after {evidence.as_of_date}.",
        ),
        no_rows(
            "nobody lives alone",
            "error",
            "select household_id from {batch} where household_id is not null group by household_id having count(*) < 2",
            "marts.dim_people has {observed} households of one.",
        ),
    ]


def map_customer_people(evidence: Evidence) -> list[Check]:
    """Roles: volume, and spells that are in order and apart."""
    return [
        *_checks(evidence, "map_customer_people"),
        no_rows(
            "dates in order",
            "error",
            "select 1 from {batch} where valid_to_date <= valid_from_date",
            "marts.map_customer_people has {observed} roles that end before they begin.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where valid_from_date > date '{evidence.as_of_date}' "
            f"or valid_to_date > date '{evidence.as_of_date}' + 1",
            f"marts.map_customer_people has {{observed}} roles that begin or end after {evidence.as_of_date}.",
        ),
        no_rows(
            "spells apart",
            "error",
            "select 1 from {batch} qualify valid_from_date <= lag(coalesce(valid_to_date, date '9999-12-31')) over "
            "(partition by customer_id, person_id, role order by valid_from_date nulls first)",
            "marts.map_customer_people has {observed} roles of a person at a customer that overlap.",
        ),
        *_lost_roles(evidence),
    ]


def rpt_contact_timeline(evidence: Evidence) -> list[Check]:
    """Contacts: volume, order, and none that has yet to happen."""
    return [
        *_checks(evidence, "rpt_contact_timeline"),
        between("rpt_contact_timeline", "contact_number", 1),
        no_rows(
            "in order",
            "error",
            "select 1 from {batch} qualify contacted_at < lag(contacted_at) over "
            "(partition by person_id order by contact_number)",
            "marts.rpt_contact_timeline has {observed} contacts out of order.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where contacted_at >= date '{evidence.as_of_date}' + 1",
            f"marts.rpt_contact_timeline has {{observed}} contacts after {evidence.as_of_date}.",
        ),
    ]


def _checks(evidence: Evidence, table: str) -> list[Check]:
    """Columns always; volume only against a release, since a source need not know any people."""
    checks = table_checks(evidence, table)
    return checks if evidence.last(f"select count(*) from marts.{table}") else checks[:1]


def _lost_roles(evidence: Evidence) -> list[Check]:
    sponsors = "count(distinct customer_id) filter (where role = 'executive_sponsor' and is_current)"
    last = evidence.last(f"select {sponsors} from marts.map_customer_people")
    if not last:
        return []
    lost = evidence.threshold("max_row_loss_rate")
    return [
        no_rows(
            "customers with a sponsor",
            "warning",
            f"select 1 from {{batch}} having {sponsors} < {last} * (1 - {lost})",
            f"More than {lost:.0%} of the {last:,} customers with an executive sponsor have none any more.",
        )
    ]


SUITES = {
    "dim_people": dim_people,
    "map_customer_people": map_customer_people,
    "rpt_contact_timeline": rpt_contact_timeline,
}
