"""What the page `revenue` reads from a release."""

from datetime import date

from publishing.report.source import Release, Row

YEAR = 12
AFTER_A_YEAR = 13
"""Times 30 days after which a year's contract has been renewed, or not: its last day is the 365th or 366th."""
MOST_COHORTS, MOST_AGES = 13, 13
KINDS = ("new", "expansion", "reactivation", "contraction", "churn", "scope_change", "fx")


def read_months(release: Release) -> list[Row]:
    """The bridge of each month over all customers, oldest first."""
    return release.rows("select * from marts.rpt_mrr_months where dimension = 'all' order by month")


def read_trends(release: Release, month: date) -> list[Row]:
    """Each headline's level in a month, with its last three steps (`steps`, oldest first)."""
    return release.rows(
        f"""
        select
            *,
            list(change) over (
                partition by metric, window_months order by month rows between 2 preceding and current row
            ).list_filter(lambda step: step is not null) as steps
        from marts.rpt_metric_trends
        where dimension = 'all'
        qualify month = date '{month}'
        order by metric, window_months
        """
    )


def read_benchmarks(release: Release) -> list[Row]:
    """What others reach, of figures over enough customers."""
    return release.rows(
        """
        select * from marts.rpt_benchmarks where min_cell_ok
        order by metric, window_months, dimension <> 'all', segment, level = 'typical' desc, low_value
        """
    )


def read_retention(release: Release) -> list[Row]:
    """Net and gross retention over twelve months of each complete month, oldest first."""
    return release.rows(
        f"""
        select * from marts.rpt_nrr_monthly
        where dimension = 'all' and window_months = {YEAR} and is_complete order by month
        """
    )


def read_windows(release: Release, month: date) -> list[Row]:
    """Retention over each length of window that ends with a month."""
    return release.rows(
        f"""
        select * from marts.rpt_nrr_monthly
        where dimension = 'all' and month = date '{month}' order by window_months
        """
    )


def read_customers_kept(release: Release, month: date) -> list[Row]:
    """Customer retention by both formulas, over each length of window that ends with a month, with revenue churn."""
    return release.rows(
        f"""
        select * from marts.rpt_customer_retention_rate
        where dimension = 'all' and month = date '{month}' order by window_months
        """
    )


def read_segments(release: Release, month: date) -> list[Row]:
    """Retention over twelve months by group; groups of too few customers are left out."""
    return release.rows(
        f"""
        select * from marts.rpt_nrr_monthly
        where dimension <> 'all' and window_months = {YEAR} and month = date '{month}' and min_cell_ok
        order by dimension, start_amount desc, segment
        """
    )


def read_losses(release: Release, month: date) -> list[Row]:
    """What gained and lost revenue in the twelve months up to a month, by movement and reason."""
    return release.rows(
        f"""
        select movement, reason, count(*) as movement_count, sum(reporting_amount) as amount
        from marts.fct_mrr_movements
        where
            movement in ('expansion', 'contraction', 'churn', 'reactivation')
            and movement_month > date '{month}' - interval {YEAR} month and movement_month <= date '{month}'
        group by all order by amount desc
        """
    )


def read_triangle(release: Release) -> list[Row]:
    """The newest cohorts' revenue and customers by age, in calendar months."""
    return release.rows(
        f"""
        select
            cohort_month, age, cohort_size, retention_rate, revenue_retention_rate, is_complete, min_cell_ok
        from marts.rpt_cohort_retention
        where
            dimension = 'all' and age_basis = 'calendar' and age < {MOST_AGES}
            and cohort_month in (
                select distinct cohort_month from marts.rpt_cohort_retention order by 1 desc limit {MOST_COHORTS}
            )
        order by cohort_month, age
        """
    )


def read_survival(release: Release) -> list[Row]:
    """The share of all customers still there, by months of thirty days since their first paid day."""
    return release.rows("select * from marts.rpt_survival where dimension = 'all' order by age")


def read_lifetimes(release: Release) -> list[Row]:
    """Each group's survival once a year's contract has ended, and what became of the others."""
    return release.rows(
        f"""
        select * from marts.rpt_survival
        where age = {AFTER_A_YEAR} and min_cell_ok and dimension <> 'currency'
        order by dimension <> 'all', dimension, survival desc, segment
        """
    )


def read_unvalued(release: Release) -> int:
    """Movements in a currency without a plan rate, which are in no total."""
    return int(
        release.rows("select count(*) as n from marts.fct_mrr_movements where reporting_currency is null")[0]["n"]
    )


def read_reconciliation(release: Release) -> list[Row]:
    """What stands between invoices and MRR in the last month, by currency and reason; the largest first."""
    return release.rows(
        """
        select * from marts.rpt_billing_reconciliation
        qualify month = max(month) over () and (amount <> 0 or reason = 'unexplained')
        order by currency, reason = 'unexplained', abs(amount) desc
        """
    )


def read_definitions(release: Release) -> list[Row]:
    """What MRR of the last month is under each policy, ours first."""
    return release.rows(
        """
        select * from marts.rpt_definition_reconciliation
        qualify month = max(month) over () order by is_active desc, policy
        """
    )


def read_policies(release: Release) -> list[Row]:
    """The rules of each policy, ours first."""
    return release.rows("select * from marts.dim_revenue_policies order by is_active desc, policy")


def read_recovery(release: Release) -> list[Row]:
    """Of each currency and number of days the last month whose days are over, with what came in after all."""
    return release.rows(
        """
        select * from marts.rpt_failed_payments
        where is_complete
        qualify row_number() over (partition by recovery_days, currency order by month desc) = 1
        order by currency, recovery_days
        """
    )
