"""Suites of the area commerce."""

import great_expectations.expectations as gxe

from expectations.evidence import Check, Evidence, between, columns_check, no_rows, table_checks


def fct_orders(evidence: Evidence) -> list[Check]:
    """Orders: volume, amounts, and their make-up against the last release."""
    return [
        *table_checks(evidence, "fct_orders", role="commerce"),
        between("fct_orders", "gross_amount", 0),
        between("fct_orders", "returned_amount", 0),
        between("fct_orders", "sale_line_count", 1),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where order_date > date '{evidence.as_of_date}'",
            f"marts.fct_orders has {{observed}} orders after {evidence.as_of_date}.",
        ),
        *_distribution(evidence),
    ]


def _distribution(evidence: Evidence) -> list[Check]:
    checks = []
    last_mean = evidence.last("select avg(gross_amount) from marts.fct_orders")
    if last_mean:
        factor = evidence.threshold("max_mean_order_shift")
        checks.append(
            Check(
                "mean order amount",
                "error",
                gxe.ExpectColumnMeanToBeBetween(
                    column="gross_amount", min_value=last_mean / factor, max_value=last_mean * factor
                ),
                f"The mean order amount is {{observed}} where the last release had {last_mean:,.2f}: "
                "a currency or unit may have changed.",
            )
        )
    last_share = evidence.last("select avg(cast(not has_customer as integer)) from marts.fct_orders")
    if last_share is not None:
        shift = evidence.threshold("max_anonymous_share_shift")
        checks.append(
            no_rows(
                "orders without a customer",
                "warning",
                f"select 1 from {{batch}} having abs(avg(cast(not has_customer as integer)) - {last_share}) > {shift}",
                f"The share of orders without a customer moved by more than {shift:.0%} from {last_share:.1%}.",
            )
        )
    countries = evidence.last("select string_agg(distinct country, chr(31)) from marts.fct_orders")
    if isinstance(countries, str):
        checks.append(
            Check(
                "new countries",
                "warning",
                gxe.ExpectColumnDistinctValuesToBeInSet(column="country", value_set=countries.split(chr(31))),
                "Orders came from countries that the last release did not have.",
            )
        )
    return checks


def rpt_order_months(evidence: Evidence) -> list[Check]:
    """Months: rates, and one currency."""
    return [
        *table_checks(evidence, "rpt_order_months", role="commerce"),
        between("rpt_order_months", "returning_customer_rate", 0, 1),
        no_rows(
            "one currency",
            "warning",
            "select 1 from {batch} where currency is null",
            "Orders have several currencies: amounts are left out of the reports until they can be converted.",
        ),
    ]


def rpt_order_cohorts(evidence: Evidence) -> list[Check]:
    """Cohorts: rates, their intervals, and cohorts large enough to speak of."""
    return [
        *table_checks(evidence, "rpt_order_cohorts", role="commerce"),
        between("rpt_order_cohorts", "retention_rate", 0, 1),
        between("rpt_order_cohorts", "cohort_size", 1),
        no_rows(
            "interval holds rate",
            "error",
            "select 1 from {batch} where retention_rate not between ci_low - 1e-9 and ci_high + 1e-9",
            "marts.rpt_order_cohorts has {observed} rates outside their own interval.",
        ),
        no_rows(
            "first month is whole",
            "error",
            "select 1 from {batch} where months_since_first = 0 and active_customer_count != cohort_size",
            "marts.rpt_order_cohorts has {observed} cohorts that are not all active in their first month.",
        ),
        no_rows(
            "minimum cohort size",
            "warning",
            "select distinct cohort_month from {batch} where not min_cell_ok",
            "{observed} cohorts are too small for their rates to say much; they are marked min_cell_ok = false.",
        ),
    ]


def rpt_repeat_purchase(evidence: Evidence) -> list[Check]:
    """Repeat purchase: rates, and windows that hold each other."""
    return [
        *table_checks(evidence, "rpt_repeat_purchase", role="commerce"),
        between("rpt_repeat_purchase", "rate", 0, 1),
        no_rows(
            "interval holds rate",
            "error",
            "select 1 from {batch} where num > den or rate not between ci_low - 1e-9 and ci_high + 1e-9",
            "marts.rpt_repeat_purchase has {observed} rates outside their own interval.",
        ),
        no_rows(
            "segments add up",
            "error",
            "select window_days from {batch} group by window_days having "
            "sum(den) filter (where segment_by = 'all') != sum(den) filter (where segment_by = 'country')",
            "marts.rpt_repeat_purchase has {observed} windows whose countries do not add up to all customers.",
        ),
    ]


def rpt_order_line_balance(evidence: Evidence) -> list[Check]:
    """Line balance: counts, and a tolerable share in quarantine."""
    share = evidence.threshold("max_quarantined_share")
    columns_only = [columns_check(evidence, "rpt_order_line_balance")]
    return [
        *columns_only,
        between("rpt_order_line_balance", "line_count", 1),
        no_rows(
            "quarantine",
            "warning",
            "select 1 from {batch} having "
            f"sum(line_count) filter (where disposition = 'quarantined') > {share} * sum(line_count)",
            f"More than {share:.0%} of the order lines are in quarantine: tenure status says why.",
        ),
    ]


SUITES = {
    "fct_orders": fct_orders,
    "rpt_order_months": rpt_order_months,
    "rpt_order_cohorts": rpt_order_cohorts,
    "rpt_repeat_purchase": rpt_repeat_purchase,
    "rpt_order_line_balance": rpt_order_line_balance,
}
