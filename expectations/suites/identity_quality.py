"""Suite of the quality of identity."""

from expectations.evidence import Check, Evidence, columns_check, no_rows


def rpt_identity_quality(evidence: Evidence) -> list[Check]:
    """Quality: every change of an id is in the ledger, shares are shares, and intervals hold them."""
    table = "rpt_identity_quality"
    return [
        columns_check(evidence, table),
        no_rows(
            "every change in the ledger",
            "error",
            "select 1 from {batch} where metric = 'changed_without_event' and value > 0",
            f"marts.{table}: records have changed their id, and the ledger tells nothing of it.",
        ),
        no_rows(
            "shares between 0 and 1",
            "error",
            "select 1 from {batch} where ci_low is not null and (value < 0 or value > 1)",
            f"marts.{table} has {{observed}} shares that are below 0 or above 1.",
        ),
        no_rows(
            "intervals in order",
            "error",
            "select 1 from {batch} where ci_low > ci_high",
            f"marts.{table} has {{observed}} intervals whose ends are the wrong way round.",
        ),
    ]


SUITES = {"rpt_identity_quality": rpt_identity_quality}
