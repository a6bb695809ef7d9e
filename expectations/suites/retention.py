"""Suites of the area revenue: who and what stays, for how long, and what was told of it before."""

from expectations.evidence import Check, Evidence, between, columns_check, no_rows


def fct_retention_windows(evidence: Evidence) -> list[Check]:
    """Windows: who paid at the beginning, kept no more than that, and one amount for each month."""
    table = "fct_retention_windows"
    return [
        columns_check(evidence, table),
        between(table, "lowest_amount", 0),
        no_rows(
            "order of the amounts",
            "error",
            "select 1 from {batch} where lowest_amount > kept_amount or kept_amount > start_amount "
            "or kept_amount > greatest(end_amount, 0)",
            f"marts.{table} has {{observed}} rows in which more is kept than was paid.",
        ),
        no_rows(
            "one for each month",
            "error",
            "select 1 from {batch} qualify to_month <= from_month "
            "or from_month < lag(to_month) over (partition by followed_id, window_months order by from_month)",
            f"marts.{table} has {{observed}} rows that overlap others of their customer.",
        ),
    ]


def fct_customer_presences(evidence: Evidence) -> list[Check]:
    """Presences: one after the other, with a cause where they are over."""
    table = "fct_customer_presences"
    return [
        columns_check(evidence, table),
        no_rows(
            "causes",
            "error",
            "select 1 from {batch} where (to_date is null) != (end_cause is null) or start_date > from_date",
            f"marts.{table} has {{observed}} spans that are over without a cause, or begin before the first.",
        ),
        no_rows(
            "one after the other",
            "error",
            "select 1 from {batch} qualify coalesce(to_date <= from_date, false) "
            "or from_date <= lag(coalesce(to_date, date '9999-12-31')) "
            "over (partition by followed_id order by from_date)",
            f"marts.{table} has {{observed}} spans that overlap others of their customer.",
        ),
    ]


def fct_first_values(evidence: Evidence) -> list[Check]:
    """First values: reached within the time watched, and nobody without a customer or a person."""
    table = "fct_first_values"
    return [
        columns_check(evidence, table),
        between(table, "days", 0),
        no_rows(
            "within the time watched",
            "error",
            "select 1 from {batch} where days > watched_days + 1e-9 or is_reached != (reached_date is not null)",
            f"marts.{table} has {{observed}} rows that are reached after the as-of date, or on no day.",
        ),
        no_rows(
            "whose",
            "error",
            "select 1 from {batch} where customer_id is null and person_id is null",
            f"marts.{table} has {{observed}} rows of nobody.",
        ),
    ]


def rpt_nrr_monthly(evidence: Evidence) -> list[Check]:
    """Retention: GRR between 0 and 1, never above NRR, strict GRR never above GRR."""
    table = "rpt_nrr_monthly"
    return [
        columns_check(evidence, table),
        between(table, "nrr", 0),
        between(table, "grr", 0, 1),
        between(table, "logo_retention_rate", 0, 1),
        no_rows(
            "order of the rates",
            "error",
            "select 1 from {batch} where kept_amount > end_amount or lowest_amount > kept_amount",
            f"marts.{table} has {{observed}} rows with GRR above NRR, or strict GRR above GRR.",
        ),
        no_rows(
            "what left",
            "error",
            "select 1 from {batch} "
            "where voluntary_churn_amount + involuntary_churn_amount > start_amount - kept_amount",
            f"marts.{table} has {{observed}} rows in which more left for a cause than was lost.",
        ),
    ]


def rpt_cohort_retention(evidence: Evidence) -> list[Check]:
    """Cohorts: shares of their size, and everybody there at first."""
    table = "rpt_cohort_retention"
    return [
        columns_check(evidence, table),
        between(table, "retention_rate", 0, 1),
        between(table, "active_amount", 0),
        no_rows(
            "everybody is there at first",
            "error",
            "select 1 from {batch} where age_basis = 'rolling' and age = 0 "
            "and (active_customer_count != cohort_size or active_amount != initial_amount)",
            f"marts.{table} has {{observed}} cohorts that don't begin with all of their customers.",
        ),
    ]


def rpt_customer_retention_rate(evidence: Evidence) -> list[Check]:
    """Customer retention: the kept are of the beginning and of the end, and rates are shares."""
    table = "rpt_customer_retention_rate"
    return [
        columns_check(evidence, table),
        between(table, "retention_rate", 0, 1),
        between(table, "revenue_churn_rate", 0, 1),
        no_rows(
            "the kept",
            "error",
            "select 1 from {batch} where kept_customer_count > least(start_customer_count, end_customer_count)",
            f"marts.{table} has {{observed}} rows with more customers kept than there were.",
        ),
    ]


def rpt_survival(evidence: Evidence) -> list[Check]:
    """Survival: shares, falling, that add up with the incidence of each cause to 1."""
    table = "rpt_survival"
    return [
        columns_check(evidence, table),
        between(table, "survival", 0, 1),
        no_rows(
            "shares add up",
            "error",
            "select 1 from {batch} where abs(survival + voluntary_incidence + involuntary_incidence + "
            "suspended_incidence + unknown_incidence - 1) > 1e-9",
            f"marts.{table} has {{observed}} rows whose shares don't add up to 1.",
        ),
        no_rows(
            "falling",
            "error",
            "select 1 from {batch} "
            "qualify survival > lag(survival) over (partition by dimension, segment order by age)",
            f"marts.{table} has {{observed}} rows in which customers come back to life.",
        ),
    ]


def rpt_restatements(evidence: Evidence) -> list[Check]:
    """Restatements: each says something else than before, of a time before, and why."""
    table = "rpt_restatements"
    return [
        columns_check(evidence, table),
        no_rows(
            "no change",
            "error",
            "select 1 from {batch} where previous_value is not distinct from value",
            f"marts.{table} has {{observed}} rows in which nothing changed.",
        ),
        no_rows(
            "periods that were not over",
            "error",
            "select 1 from {batch} where month > previous_as_of_date or previous_as_of_date > restated_date",
            f"marts.{table} has {{observed}} rows of a time that was not over.",
        ),
        no_rows(
            "unknown causes",
            "warning",
            "select 1 from {batch} where contains(cause, 'unknown')",
            f"marts.{table} has {{observed}} figures of which nothing tells why they changed.",
        ),
    ]


def rpt_metric_trends(evidence: Evidence) -> list[Check]:
    """Trends: of months that are over, and none that is worsening without a direction."""
    table = "rpt_metric_trends"
    return [
        columns_check(evidence, table),
        between(table, "history_percentile", 0, 1),
        no_rows(
            "worsening without a direction",
            "error",
            "select 1 from {batch} where is_worsening and direction not in ('rising', 'falling')",
            f"marts.{table} has {{observed}} rows that are worsening in no direction.",
        ),
    ]


def rpt_benchmarks(evidence: Evidence) -> list[Check]:
    """Benchmarks: what stands within them lies between their ends."""
    table = "rpt_benchmarks"
    return [
        columns_check(evidence, table),
        no_rows(
            "within",
            "error",
            "select 1 from {batch} where (standing = 'within') = (value < low_value or value > high_value) is true",
            f"marts.{table} has {{observed}} figures that stand elsewhere than it says.",
        ),
    ]


def map_customer_segments(evidence: Evidence) -> list[Check]:
    """Groups of customers: everybody is one of all."""
    table = "map_customer_segments"
    return [
        columns_check(evidence, table),
        no_rows(
            "in no total",
            "error",
            "select 1 from {batch} group by followed_id having not bool_or(dimension = 'all')",
            f"marts.{table} has {{observed}} customers who are in no total.",
        ),
    ]


def rpt_lifetime_value(evidence: Evidence) -> list[Check]:
    """Lifetime value: within its interval, nobody there longer than the horizon, and a reason where there is none."""
    table = "rpt_lifetime_value"
    return [
        columns_check(evidence, table),
        between(table, "value_amount", 0),
        no_rows(
            "value or reason",
            "error",
            "select 1 from {batch} where (value_amount is null) != (missing_reason is not null)",
            f"marts.{table} has {{observed}} rows with neither a value nor a reason, or with both.",
        ),
        no_rows(
            "within the horizon",
            "error",
            "select 1 from {batch} where lifespan_months > horizon_months + 1e-6",
            f"marts.{table} has {{observed}} groups that stay longer than the horizon.",
        ),
        no_rows(
            "margin and discount take off",
            "error",
            "select 1 from {batch} where formula in ('clv_simple', 'clv_margin_disc') group by dimension, segment "
            "having max(value_amount) filter (where formula = 'clv_margin_disc') "
            "> max(value_amount) filter (where formula = 'clv_simple') + 0.0001",
            f"marts.{table} has {{observed}} groups whose margin is more than their revenue.",
        ),
    ]


def rpt_time_to_first_value(evidence: Evidence) -> list[Check]:
    """Time to first value: shares, quantiles in their order, and nobody dropped who isn't there yet."""
    table = "rpt_time_to_first_value"
    return [
        columns_check(evidence, table),
        between(table, "reached_rate", 0, 1),
        between(table, "in_time_rate", 0, 1),
        between(table, "p25_days", 0),
        no_rows(
            "order of the quantiles",
            "error",
            "select 1 from {batch} where not (coalesce(p25_days, 1e9) <= coalesce(median_days, 1e9) "
            "and coalesce(median_days, 1e9) <= coalesce(p75_days, 1e9) "
            "and coalesce(p75_days, 1e9) <= coalesce(p90_days, 1e9))",
            f"marts.{table} has {{observed}} rows whose quantiles are out of order.",
        ),
        no_rows(
            "nobody dropped",
            "error",
            "select 1 from {batch} where reached_count + open_count != start_count or missed_count > due_count "
            "or due_count > start_count",
            f"marts.{table} has {{observed}} rows whose counts don't add up.",
        ),
    ]


SUITES = {
    "fct_retention_windows": fct_retention_windows,
    "fct_customer_presences": fct_customer_presences,
    "fct_first_values": fct_first_values,
    "rpt_nrr_monthly": rpt_nrr_monthly,
    "rpt_cohort_retention": rpt_cohort_retention,
    "rpt_customer_retention_rate": rpt_customer_retention_rate,
    "rpt_survival": rpt_survival,
    "rpt_restatements": rpt_restatements,
    "rpt_metric_trends": rpt_metric_trends,
    "rpt_benchmarks": rpt_benchmarks,
    "map_customer_segments": map_customer_segments,
    "rpt_lifetime_value": rpt_lifetime_value,
    "rpt_time_to_first_value": rpt_time_to_first_value,
}
