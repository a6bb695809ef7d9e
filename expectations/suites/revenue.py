"""Suites of the area revenue."""

from expectations.evidence import Check, Evidence, between, no_rows, table_checks

BRIDGE = "new_amount + expansion_amount + contraction_amount + churn_amount + reactivation_amount + scope_change_amount"


def fct_mrr_movements(evidence: Evidence) -> list[Check]:
    """Movements: of the right sign, none after the day, and levels that the amounts explain."""
    table = "fct_mrr_movements"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "mrr_before_amount", 0),
        between(table, "mrr_after_amount", 0),
        no_rows(
            "levels explained",
            "error",
            "select 1 from {batch} where mrr_before_amount + amount != mrr_after_amount",
            f"marts.{table} has {{observed}} movements that don't lead from the level before to the one after.",
        ),
        no_rows(
            "signs",
            "error",
            "select 1 from {batch} where (movement in ('new', 'expansion', 'reactivation') and amount <= 0) "
            "or (movement in ('contraction', 'churn') and amount >= 0) or (movement = 'fx' and amount != 0)",
            f"marts.{table} has {{observed}} gains below 0, or losses above.",
        ),
        no_rows(
            "plan rates",
            "warning",
            "select 1 from {batch} where reporting_currency is null",
            "fx_rates.csv has no rate for {observed} movements of revenue: they are in no total.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where movement_date > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} movements after {evidence.as_of_date}.",
        ),
    ]


def fct_customer_months(evidence: Evidence) -> list[Check]:
    """Months: the bridge closes to the last digit, in the contract's currency and in that of reports."""
    table = "fct_customer_months"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "opening_amount", 0),
        between(table, "closing_amount", 0),
        no_rows(
            "bridge",
            "error",
            f"select 1 from {{batch}} where opening_amount + {BRIDGE} != closing_amount",
            f"marts.{table} has {{observed}} months that their movements don't explain.",
        ),
        no_rows(
            "openings",
            "error",
            "select 1 from {batch} group by currency, month "
            "qualify coalesce(lag(sum(closing_amount)) over (partition by currency order by month), 0) "
            "!= sum(opening_amount)",
            f"marts.{table} has {{observed}} months that don't open as the one before them closed.",
        ),
    ]


def rpt_mrr_months(evidence: Evidence) -> list[Check]:
    """The bridge by group: closes, and groups by currency add up to all."""
    table = "rpt_mrr_months"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "gross_mrr_churn_rate", 0),
        no_rows(
            "bridge",
            "error",
            f"select 1 from {{batch}} where opening_amount + {BRIDGE} + fx_amount != closing_amount",
            f"marts.{table} has {{observed}} groups that their movements don't explain.",
        ),
        no_rows(
            "groups add up",
            "error",
            "select 1 from {batch} where dimension in ('all', 'currency') group by month having "
            "coalesce(sum(closing_amount) filter (where dimension = 'all'), 0) "
            "!= coalesce(sum(closing_amount) filter (where dimension = 'currency'), 0)",
            f"marts.{table} has {{observed}} months whose currencies don't add up to all.",
        ),
    ]


def rpt_nrr_monthly(evidence: Evidence) -> list[Check]:
    """Retention: GRR between 0 and 1, never above NRR, strict GRR never above GRR."""
    table = "rpt_nrr_monthly"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "nrr", 0),
        between(table, "grr", 0, 1),
        between(table, "logo_retention_rate", 0, 1),
        no_rows(
            "order of the rates",
            "error",
            "select 1 from {batch} where kept_amount > end_amount or lowest_amount > kept_amount",
            f"marts.{table} has {{observed}} rows with GRR above NRR, or strict GRR above GRR.",
        ),
    ]


def rpt_cohort_retention(evidence: Evidence) -> list[Check]:
    """Cohorts: shares of their size, and everybody there at first."""
    table = "rpt_cohort_retention"
    return [
        *table_checks(evidence, table)[:1],
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
        *table_checks(evidence, table)[:1],
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
        *table_checks(evidence, table)[:1],
        between(table, "survival", 0, 1),
        no_rows(
            "shares add up",
            "error",
            "select 1 from {batch} where "
            "abs(survival + voluntary_incidence + involuntary_incidence + unknown_incidence - 1) > 1e-9",
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


def rpt_failed_payments(evidence: Evidence) -> list[Check]:
    """Recovery: shares, and no less in a longer time."""
    table = "rpt_failed_payments"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "recovery_rate", 0, 1),
        between(table, "amount_recovery_rate", 0, 1),
        no_rows(
            "more in a longer time",
            "error",
            "select 1 from {batch} qualify recovered_invoice_count < "
            "lag(recovered_invoice_count) over (partition by month, currency order by recovery_days)",
            f"marts.{table} has {{observed}} rows in which fewer are recovered in a longer time.",
        ),
    ]


def rpt_definition_reconciliation(evidence: Evidence) -> list[Check]:
    """Definitions: reasons add up, and the active policy is no other than ours."""
    table = "rpt_definition_reconciliation"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "policy_mrr_amount", 0),
        no_rows(
            "reasons add up",
            "error",
            "select 1 from {batch} where our_mrr_amount + trial_amount + dunning_amount + pause_amount "
            "+ cancellation_amount + usage_amount + discount_amount != policy_mrr_amount",
            f"marts.{table} has {{observed}} differences that their reasons don't explain.",
        ),
        no_rows(
            "the active policy",
            "error",
            "select 1 from {batch} where is_active and our_mrr_amount != policy_mrr_amount",
            f"marts.{table} has {{observed}} months in which the active policy differs from itself.",
        ),
    ]


def rpt_restatements(evidence: Evidence) -> list[Check]:
    """Restatements: each says something else than before, of a time before, and why."""
    table = "rpt_restatements"
    return [
        *table_checks(evidence, table)[:1],
        no_rows(
            "no change",
            "error",
            "select 1 from {batch} where coalesce(previous_value, -1) = coalesce(value, -1)",
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
        *table_checks(evidence, table)[:1],
        between(table, "history_percentile", 0, 1),
        no_rows(
            "worsening without a direction",
            "error",
            "select 1 from {batch} where is_worsening and direction not in ('rising', 'falling')",
            f"marts.{table} has {{observed}} rows that are worsening in no direction.",
        ),
    ]


def rpt_benchmarks(evidence: Evidence) -> list[Check]:
    """Benchmarks: what is reached lies within."""
    table = "rpt_benchmarks"
    return [
        *table_checks(evidence, table)[:1],
        no_rows(
            "reached",
            "error",
            "select 1 from {batch} where is_reached and (value < low_value or value > high_value)",
            f"marts.{table} has {{observed}} levels that are said to be reached, and aren't.",
        ),
    ]


def map_customer_segments(evidence: Evidence) -> list[Check]:
    """Groups of customers: everybody is one of all."""
    table = "map_customer_segments"
    return [
        *table_checks(evidence, table)[:1],
        no_rows(
            "in no total",
            "error",
            "select 1 from {batch} group by followed_id having not bool_or(dimension = 'all')",
            f"marts.{table} has {{observed}} customers who are in no total.",
        ),
    ]


def fct_billing_differences(evidence: Evidence) -> list[Check]:
    """Differences: each is one, and none of a month that isn't over."""
    table = "fct_billing_differences"
    return [
        *table_checks(evidence, table)[:1],
        no_rows(
            "differences",
            "error",
            "select 1 from {batch} where amount = 0",
            f"marts.{table} has {{observed}} rows that are no difference.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where month > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} rows of months after {evidence.as_of_date}.",
        ),
    ]


def rpt_billing_reconciliation(evidence: Evidence) -> list[Check]:
    """Reconciliation: reasons sum to the difference, and nothing is left over."""
    table = "rpt_billing_reconciliation"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "mrr_amount", 0),
        no_rows(
            "reasons add up",
            "error",
            "select 1 from {batch} group by month, currency "
            "having sum(amount) != any_value(invoiced_amount) - any_value(mrr_amount)",
            f"marts.{table} has {{observed}} months whose reasons don't sum to the difference.",
        ),
        no_rows(
            "unexplained",
            "warning",
            "select 1 from {batch} where reason = 'unexplained' and amount != 0",
            "Invoices and MRR differ for no known reason in {observed} months and currencies: "
            "see reason 'unexplained' in marts.fct_billing_differences.",
        ),
    ]


def fct_renewals(evidence: Evidence) -> list[Check]:
    """Renewals: decided by the day or not, dated accordingly, and nothing lost that is paid on."""
    table = "fct_renewals"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "due_amount", 0),
        between(table, "renewed_amount", 0),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where greatest(renewed_date, lost_date) > date '{evidence.as_of_date}' "
            f"or (state = 'due') and due_date <= date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} renewals decided after {evidence.as_of_date}, or due and to come.",
        ),
        no_rows(
            "states and amounts",
            "error",
            "select 1 from {batch} where state in ('lost', 'due', 'pending') and renewed_amount + upsell_amount != 0 "
            "or (state in ('renewed', 'early', 'late')) = (renewed_date is null)",
            f"marts.{table} has {{observed}} renewals whose amount or day doesn't go with their state.",
        ),
        no_rows(
            "plan rates",
            "warning",
            "select 1 from {batch} where reporting_currency is null",
            "fx_rates.csv has no rate for {observed} renewals: they are in no rate.",
        ),
    ]


def rpt_renewal_rates(evidence: Evidence) -> list[Check]:
    """Renewal rates: shares of what fell due, gross never above net, and states that add up."""
    table = "rpt_renewal_rates"
    return [
        *table_checks(evidence, table)[:1],
        between(table, "gross_renewal_rate", 0, 1),
        between(table, "net_renewal_rate", 0),
        between(table, "logo_renewal_rate", 0, 1),
        no_rows(
            "order of the rates",
            "error",
            "select 1 from {batch} where kept_amount > least(renewed_amount, due_amount)",
            f"marts.{table} has {{observed}} rows with more kept than was due or renewed.",
        ),
        no_rows(
            "states add up",
            "error",
            "select 1 from {batch} where "
            "on_time_count + early_count + late_count + pending_count + lost_count != due_count",
            f"marts.{table} has {{observed}} rows whose states don't add up to what fell due.",
        ),
    ]


def rpt_lifetime_value(evidence: Evidence) -> list[Check]:
    """Lifetime value: within its interval, nobody there longer than the horizon, and a reason where there is none."""
    table = "rpt_lifetime_value"
    return [
        *table_checks(evidence, table)[:1],
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
        *table_checks(evidence, table)[:1],
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
    "fct_mrr_movements": fct_mrr_movements,
    "fct_customer_months": fct_customer_months,
    "rpt_mrr_months": rpt_mrr_months,
    "rpt_nrr_monthly": rpt_nrr_monthly,
    "rpt_cohort_retention": rpt_cohort_retention,
    "rpt_customer_retention_rate": rpt_customer_retention_rate,
    "rpt_survival": rpt_survival,
    "rpt_failed_payments": rpt_failed_payments,
    "rpt_definition_reconciliation": rpt_definition_reconciliation,
    "map_customer_segments": map_customer_segments,
    "rpt_restatements": rpt_restatements,
    "rpt_metric_trends": rpt_metric_trends,
    "rpt_benchmarks": rpt_benchmarks,
    "fct_billing_differences": fct_billing_differences,
    "rpt_billing_reconciliation": rpt_billing_reconciliation,
    "fct_renewals": fct_renewals,
    "rpt_renewal_rates": rpt_renewal_rates,
    "rpt_lifetime_value": rpt_lifetime_value,
    "rpt_time_to_first_value": rpt_time_to_first_value,
}
