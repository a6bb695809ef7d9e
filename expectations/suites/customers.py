"""Suites of the area customers."""

from expectations.evidence import Check, Evidence, between, no_rows, table_checks


def dim_customers(evidence: Evidence) -> list[Check]:
    """Customers: volume, plausible totals, and dates in order."""
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
    ]


SUITES = {"dim_customers": dim_customers}
