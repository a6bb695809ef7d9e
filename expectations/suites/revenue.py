"""Suites of the area revenue: the ledger, its months, renewals, and what billing says."""

from expectations.evidence import Check, Evidence, between, columns_check, no_rows

BRIDGE = "new_amount + expansion_amount + contraction_amount + churn_amount + reactivation_amount + scope_change_amount"


def fct_mrr_movements(evidence: Evidence) -> list[Check]:
    """Movements: of the right sign, none after the day, and levels that the amounts explain."""
    table = "fct_mrr_movements"
    return [
        columns_check(evidence, table),
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
            "Movements of revenue without a rate in fx_rates.csv: {observed}; they are in no total. Add a rate for "
            "each currency of fct_mrr_movements that has no reporting_currency.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where movement_date > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} movements after {evidence.as_of_date}.",
        ),
    ]


def fct_subscription_changes(evidence: Evidence) -> list[Check]:
    """What caused movements: no row without a change, and what goes from one customer id comes to another."""
    table = "fct_subscription_changes"
    return [
        columns_check(evidence, table),
        no_rows(
            "changes",
            "error",
            "select 1 from {batch} where amount = 0 or effective_date > movement_date",
            f"marts.{table} has {{observed}} rows that change nothing, or count before they happened.",
        ),
        no_rows(
            "from one to another",
            "error",
            "select 1 from {batch} where cause = 'identity' "
            "group by source, source_subscription_id, effective_date having sum(amount) != 0",
            f"marts.{table} has {{observed}} subscriptions that go from one customer and don't come to another.",
        ),
        no_rows(
            "items alike",
            "warning",
            "select distinct source, past_customer_id from (select *, lead(effective_date, 1, date '9999-12-31') over "
            "(partition by source, source_subscription_item_id order by effective_date) as until_date "
            "from {batch} where cause = 'item') where quantity > 0 and until_date > effective_date "
            "window earlier as (partition by source, past_customer_id, currency, plan, quantity, unit_amount "
            "order by effective_date, until_date rows between unbounded preceding and 1 preceding) "
            "qualify max(until_date) over earlier > effective_date",
            "Customers who have, or had, items of the same plan, price and quantity at a time, in one subscription or "
            f"two: {{observed}}; each counts. What is one needs one id: see the rows of items in marts.{table}.",
        ),
    ]


def fct_invoice_lines(evidence: Evidence) -> list[Check]:
    """Invoice lines: none after the day, and what is net is what the discount leaves."""
    table = "fct_invoice_lines"
    return [
        columns_check(evidence, table),
        no_rows(
            "net",
            "error",
            "select 1 from {batch} where line_amount - coalesce(discount_amount, 0) != net_amount",
            f"marts.{table} has {{observed}} lines whose discount doesn't lead from their amount to the net one.",
        ),
        no_rows(
            "nothing after the as-of date",
            "error",
            f"select 1 from {{batch}} where issued_date > date '{evidence.as_of_date}'",
            f"marts.{table} has {{observed}} lines after {evidence.as_of_date}.",
        ),
    ]


def fct_customer_months(evidence: Evidence) -> list[Check]:
    """Months: the bridge closes to the last digit, in the contract's currency and in that of reports."""
    table = "fct_customer_months"
    return [
        columns_check(evidence, table),
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
    """The bridge by group: closes, and the groups of each dimension add up to all."""
    table = "rpt_mrr_months"
    return [
        columns_check(evidence, table),
        between(table, "gross_mrr_churn_rate", 0),
        no_rows(
            "bridge",
            "error",
            f"select 1 from {{batch}} where opening_amount + {BRIDGE} + fx_amount != closing_amount",
            f"marts.{table} has {{observed}} groups that their movements don't explain.",
        ),
        no_rows(
            "causes of churn",
            "error",
            "select 1 from {batch} where voluntary_churn_amount + involuntary_churn_amount < churn_amount",
            f"marts.{table} has {{observed}} groups of which more left for a cause than was lost.",
        ),
        no_rows(
            "groups add up",
            "error",
            "select 1 from {batch} group by month, dimension qualify sum(closing_amount) "
            "!= max(sum(closing_amount)) filter (where dimension = 'all') over (partition by month)",
            f"marts.{table} has {{observed}} months and dimensions whose groups don't add up to all.",
        ),
    ]


def dim_revenue_policies(evidence: Evidence) -> list[Check]:
    """Policies: one of them is active."""
    table = "dim_revenue_policies"
    return [
        columns_check(evidence, table),
        no_rows(
            "active",
            "error",
            "select 1 from {batch} having count(*) filter (where is_active) != 1",
            "revenue_policies.csv has no active policy: write one, with is_active true.",
        ),
    ]


def dim_fx_rates(evidence: Evidence) -> list[Check]:
    """Plan rates: above 0, and 1 for the reporting currency."""
    table = "dim_fx_rates"
    return [
        columns_check(evidence, table),
        no_rows(
            "rates",
            "error",
            "select 1 from {batch} where rate <= 0 or (currency = reporting_currency and rate != 1)",
            f"marts.{table} has {{observed}} rates that are none.",
        ),
        no_rows(
            "first rates",
            "warning",
            "select 1 from {batch} where is_assumed group by currency",
            "fx_rates.csv begins after the first revenue in {observed} currencies: months before have their first rate "
            f"(is_assumed in marts.{table}).",
        ),
    ]


def fct_failed_invoices(evidence: Evidence) -> list[Check]:
    """Failed invoices: no more recovered than failed, and all of it where it is said so."""
    table = "fct_failed_invoices"
    return [
        columns_check(evidence, table),
        between(table, "recovered_amount", 0),
        no_rows(
            "recovered",
            "error",
            "select 1 from {batch} where recovered_amount > failed_amount "
            "or is_recovered != (recovered_amount = failed_amount)",
            f"marts.{table} has {{observed}} invoices of which not what is said was recovered.",
        ),
    ]


def fct_policy_differences(evidence: Evidence) -> list[Check]:
    """Differences between policies: each is one."""
    table = "fct_policy_differences"
    return [
        columns_check(evidence, table),
        between(table, "policy_amount", 0),
        no_rows(
            "differences",
            "error",
            "select 1 from {batch} where our_amount = policy_amount",
            f"marts.{table} has {{observed}} rows without a difference.",
        ),
    ]


def rpt_failed_payments(evidence: Evidence) -> list[Check]:
    """Recovery: shares, and no less in a longer time."""
    table = "rpt_failed_payments"
    return [
        columns_check(evidence, table),
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
        columns_check(evidence, table),
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


def fct_billing_differences(evidence: Evidence) -> list[Check]:
    """Differences: each is one, and none of a month that isn't over."""
    table = "fct_billing_differences"
    return [
        columns_check(evidence, table),
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
        columns_check(evidence, table),
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
        columns_check(evidence, table),
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
        columns_check(evidence, table),
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


SUITES = {
    "fct_mrr_movements": fct_mrr_movements,
    "fct_subscription_changes": fct_subscription_changes,
    "fct_invoice_lines": fct_invoice_lines,
    "fct_customer_months": fct_customer_months,
    "rpt_mrr_months": rpt_mrr_months,
    "dim_revenue_policies": dim_revenue_policies,
    "dim_fx_rates": dim_fx_rates,
    "fct_failed_invoices": fct_failed_invoices,
    "fct_policy_differences": fct_policy_differences,
    "rpt_failed_payments": rpt_failed_payments,
    "rpt_definition_reconciliation": rpt_definition_reconciliation,
    "fct_billing_differences": fct_billing_differences,
    "rpt_billing_reconciliation": rpt_billing_reconciliation,
    "fct_renewals": fct_renewals,
    "rpt_renewal_rates": rpt_renewal_rates,
}
