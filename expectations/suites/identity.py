"""Suites of what identity is told by: identifiers, edges, and what awaits a decision."""

from expectations.evidence import Check, Evidence, between, columns_check, no_rows, table_checks


def fct_identity_edges(evidence: Evidence) -> list[Check]:
    """Edges: volume, probabilities, pairs the right way round, and a reason where an edge isn't kept."""
    table = "fct_identity_edges"
    return [
        *_checks(evidence, table),
        between(table, "confidence", 0, 1),
        no_rows(
            "two records, the smaller first",
            "error",
            "select 1 from {batch} where record_id_l >= record_id_r",
            f"marts.{table} has {{observed}} edges that don't name two records in order.",
        ),
        no_rows(
            "reasons",
            "error",
            "select 1 from {batch} where is_kept = (reason is not null)",
            f"marts.{table} has {{observed}} edges that are kept with a reason against them, or not kept without one.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where valid_from_date > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} edges that begin after {evidence.as_of_date}.",
        ),
    ]


def map_identifiers(evidence: Evidence) -> list[Check]:
    """Identifiers: volume, values that say something, and a reason for each demotion."""
    table = "map_identifiers"
    return [
        *_checks(evidence, table),
        no_rows(
            "values",
            "error",
            "select 1 from {batch} where trim(id_value) = ''",
            f"marts.{table} has {{observed}} identifiers without a value.",
        ),
        no_rows(
            "reasons",
            "error",
            "select 1 from {batch} where is_demoted <> (demotion_reason is not null)",
            f"marts.{table} has {{observed}} identifiers whose demotion and reason don't fit.",
        ),
    ]


def map_compared_records(evidence: Evidence) -> list[Check]:
    """What is compared: volume."""
    return _checks(evidence, "map_compared_records")


def rpt_demoted_identifiers(evidence: Evidence) -> list[Check]:
    """Demoted values: each on a record at least; there need not be any."""
    table = "rpt_demoted_identifiers"
    return [columns_check(evidence, table), between(table, "record_count", 1)]


def rpt_identity_review_queue(evidence: Evidence) -> list[Check]:
    """Pairs to decide: two ids, ranks without a gap; there need not be any."""
    table = "rpt_identity_review_queue"
    return [
        columns_check(evidence, table),
        between(table, "confidence", 0, 1),
        no_rows(
            "two ids, once",
            "error",
            "select 1 from {batch} group by entity, least(id_l, id_r), greatest(id_l, id_r) "
            "having count(*) > 1 or min(id_l) = max(id_r)",
            f"marts.{table} has {{observed}} pairs that name one id twice, or are listed twice.",
        ),
        no_rows(
            "ranks without a gap",
            "error",
            "select 1 from {batch} group by entity having min(rank) <> 1 or max(rank) <> count(distinct rank) "
            "or count(distinct rank) <> count(*)",
            f"marts.{table} has {{observed}} entities whose ranks have gaps or occur twice.",
        ),
    ]


def _checks(evidence: Evidence, table: str) -> list[Check]:
    """Columns always; volume only against a release, since a source need not know any records of identity."""
    checks = table_checks(evidence, table)
    return checks if evidence.last(f"select count(*) from marts.{table}") else checks[:1]


SUITES = {
    "fct_identity_edges": fct_identity_edges,
    "map_identifiers": map_identifiers,
    "map_compared_records": map_compared_records,
    "rpt_demoted_identifiers": rpt_demoted_identifiers,
    "rpt_identity_review_queue": rpt_identity_review_queue,
}
