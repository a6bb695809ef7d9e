"""The sections of the page `revenue` that set MRR beside invoices, payments and other tools' figures."""

from typing import Any

from markupsafe import Markup

from publishing.report import revenue_figures as figures
from publishing.report.source import Release, Row
from publishing.report.tables import styled_table
from publishing.report.words import count, interval, money, month_name, percent, plural

REASONS = {
    "prepayment": "Paid in advance: a period of more than a month",
    "period": "Invoiced in another month than its period",
    "proration": "Made up for changes within a period",
    "change": "Changed since the period began",
    "tax": "Tax",
    "discount": "Discounts that MRR doesn't count",
    "rounding": "Rounded discounts",
    "void": "Void invoices",
    "credit": "Credits",
    "one_off": "One-off lines",
    "usage": "Metered use",
    "trial": "Trials",
    "dunning": "Payment failed: invoiced, and counts no more",
    "pause": "Pauses",
    "cancellation": "Ended within a paid period",
    "never_invoiced": "Never invoiced",
    "no_subscription": "Lines of unknown subscriptions",
    "currency": "Invoiced in another currency",
    "unexplained": "Unexplained",
}
RULES = {
    "churn_recognition": "A customer is lost",
    "dunning_days": "Dunning, days",
    "unpaid": "Unpaid",
    "grace_days": "Gap, days",
    "trials": "Trials",
    "pauses": "Pauses",
    "free": "Free of charge",
    "discounts": "Discounts",
    "same_month": "In one month",
    "usage_months": "Metered, months",
    "time_zone": "Time zone",
}
VALUES: dict[str, dict[Any, str]] = {
    "churn_recognition": {
        "service_end": "when billing ends it",
        "cancel_request": "when it is asked for",
        "payment_failure_final": "when billing gives up",
    },
    "dunning_days": {None: "until billing ends it"},
    "unpaid": {"churn": "lost", "count": "counts"},
    "trials": {"exclude": "don't count", "count": "count"},
    "pauses": {"count": "count", "suspend": "at nothing", "count_collection": "only of collection count"},
    "free": {"keep": "is a customer's still", "churn": "is none's"},
    "discounts": {
        "recurring": "all but of one invoice",
        "forever": "forever",
        "forever_and_once": "forever, and of one invoice",
        "all": "all",
        "none": "none",
    },
    "same_month": {"keep": "came and left", "ignore": "never there"},
    "usage_months": {0: "don't count"},
}
POLICY_REASONS = ("trial", "dunning", "pause", "cancellation", "usage", "discount")


def sections(release: Release) -> dict[str, Any]:
    """What `templates/revenue_billing.html.j2` shows."""
    reconciliation = figures.read_reconciliation(release)
    definitions = figures.read_definitions(release)
    return {
        "reconciled_month": month_name(reconciliation[0]["month"]) if reconciliation else None,
        "reconciliation_table": _reconciliation(reconciliation),
        "unexplained": _unexplained(reconciliation),
        "definitions_table": _definitions(definitions),
        "definitions_month": month_name(definitions[0]["month"]) if definitions else None,
        "rules_table": _rules(figures.read_policies(release)),
        "recovery_table": _recovery(figures.read_recovery(release)),
    }


def _reconciliation(rows: list[Row]) -> Markup | None:
    """Of each currency: what was invoiced, less each reason, is MRR."""
    lines = []
    for place, row in enumerate(rows):
        if not place or rows[place - 1]["currency"] != row["currency"]:
            lines.append(_line(row["currency"], "Invoiced in the month, with tax", "", row["invoiced_amount"]))
        lines.append(_line(row["currency"], REASONS[row["reason"]], count(row["row_count"]), -row["amount"]))
        if place + 1 == len(rows) or rows[place + 1]["currency"] != row["currency"]:
            lines.append(_line(row["currency"], "Recurring revenue at the end of the month", "", row["mrr_amount"]))
    labels = {"reason": "Reason", "number": "Lines", "amount": "Amount"}
    return styled_table("reconciliation", lines, labels, group="currency") if lines else None


def _line(currency: str, reason: str, number: str, amount: Any) -> dict[str, str]:
    return {"currency": currency, "reason": reason, "number": number, "amount": money(amount, currency)}


def _unexplained(rows: list[Row]) -> str:
    amounts = [
        money(-row["amount"], row["currency"]) for row in rows if row["reason"] == "unexplained" and row["amount"]
    ]
    if not rows:
        return ""
    if amounts:
        return f"No reason is known for {', '.join(amounts)}."
    return "Nothing is left unexplained."


def _definitions(rows: list[Row]) -> Markup | None:
    told = [reason for reason in POLICY_REASONS if any(row[f"{reason}_amount"] for row in rows)]
    lines = [
        {
            "policy": _named(row),
            "mrr": money(row["policy_mrr_amount"], row["currency"]),
            **{reason: count(row[f"{reason}_amount"]) for reason in told},
            "number": count(row["subscription_count"]),
        }
        for row in rows
    ]
    names = {
        "trial": "Trials",
        "dunning": "Failed payments",
        "pause": "Pauses",
        "cancellation": "Cancellations",
        "usage": "Metered use",
        "discount": "Discounts",
    }
    labels = {
        "policy": "As counted by",
        "mrr": "Recurring revenue a month",
        **{reason: names[reason] for reason in told},
        "number": "Subscriptions counted otherwise",
    }
    return styled_table("definitions", lines, labels) if lines else None


def _named(policy: Row) -> str:
    return f"{policy['policy']} (ours)" if policy["is_active"] else str(policy["policy"])


def _rules(rows: list[Row]) -> Markup | None:
    """A line for each rule, a column for each policy."""
    lines = [
        {
            "rule": words,
            **{row["policy"]: str(VALUES.get(rule, {}).get(row[rule], row[rule])) for row in rows},
        }
        for rule, words in RULES.items()
    ]
    labels = {
        "rule": "Rule",
        **{row["policy"]: _named(row) for row in rows},
    }
    return styled_table("rules", lines, labels, left=[row["policy"] for row in rows]) if rows else None


def _recovery(rows: list[Row]) -> Markup | None:
    lines = [
        {
            "month": f"{month_name(row['month'])}, within {plural(row['recovery_days'], 'day')}",
            "currency": row["currency"],
            "number": count(row["failed_invoice_count"]),
            "failed": money(row["failed_amount"], row["currency"]),
            "recovered": money(row["recovered_amount"], row["currency"]),
            "rate": percent(row["recovery_rate"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
        }
        for row in rows
    ]
    labels = {
        "month": "First failed in",
        "number": "Invoices",
        "failed": "They came to",
        "recovered": "Paid in time",
        "rate": "Invoices paid in time",
        "interval": "95% interval",
    }
    return styled_table("recovery", lines, labels, group="currency") if lines else None
