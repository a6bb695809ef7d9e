"""What the gate found, and what became of every line that was received."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from publishing.report.source import Release, Row
from publishing.report.words import count, day_name, listing, percent, plural

MOST_FINDINGS = 12
MOST_REASONS = 10
LEAST_LAG_WORTH_A_WORD = 3


@dataclass(frozen=True)
class Finding:
    """A check that did not hold."""

    severity: str
    table: str
    text: str


@dataclass(frozen=True)
class Gate:
    """The gate's result: failed checks, errors first, and how many more there are than the page shows."""

    summary: str
    findings: list[Finding]
    more: int


def read_gate(release: Release) -> Gate:
    """The failed checks of `gate.json` in sentences."""
    checks = release.gate.get("checks") or []
    failed = sorted((check for check in checks if not check["passed"]), key=lambda check: check["severity"] != "error")
    findings = [_finding(check) for check in failed]
    held = len(checks) - len(failed)
    if not checks:
        summary = "No check is recorded for this release."
    elif not failed:
        summary = f"All {plural(len(checks), 'check')} held." if len(checks) > 1 else "The one check held."
    else:
        errors = sum(finding.severity == "error" for finding in findings)
        counted = [plural(errors, "error")] if errors else []
        counted += [plural(len(findings) - errors, "warning")] if len(findings) > errors else []
        summary = f"{count(held)} of {plural(len(checks), 'check')} held; {listing(counted)}."
    return Gate(summary, findings[:MOST_FINDINGS], max(0, len(findings) - MOST_FINDINGS))


def _finding(check: dict[str, Any]) -> Finding:
    text = check.get("finding") or f"The check {check['check']} did not hold."
    return Finding(check["severity"], "" if check["table"] in text else check["table"], text)


def read_balance(release: Release) -> list[Row]:
    """Lines by what became of them; the rarer reasons are added up as one."""
    return release.rows(
        """
        with lines as (
            select
                * exclude (reason),
                -- How a cancellation was matched is of no interest here.
                case when disposition in ('cancellation_unmatched', 'quarantined') then reason end as reason
            from marts.rpt_order_line_balance
        ),

        reasons as (
            select
                disposition, reason, sum(line_count) as line_count,
                coalesce(sum(line_count) filter (where has_customer), 0) as known_line_count,
                coalesce(sum(line_count) filter (where not has_customer), 0) as unknown_line_count,
                sum(line_amount) as line_amount,
                row_number() over (
                    partition by disposition order by sum(line_count) desc, reason nulls first
                ) <= $most as is_shown
            from lines
            group by disposition, reason
        )

        select
            disposition,
            case when is_shown then reason else 'other reasons' end as reason,
            sum(line_count)::bigint as line_count,
            sum(known_line_count)::bigint as known_line_count,
            sum(unknown_line_count)::bigint as unknown_line_count,
            sum(line_amount) as line_amount
        from reasons
        group by disposition, is_shown, case when is_shown then reason else 'other reasons' end
        order by
            list_position(
                [
                    'sale', 'free_item', 'adjustment', 'cancellation_matched', 'cancellation_unmatched', 'quarantined'
                ],
                disposition
            ) nulls last,
            is_shown desc, line_count desc, reason nulls first
        """,
        most=MOST_REASONS,
    )


def balance_sentence(balance: list[Row], anonymous_order_count: int) -> str:
    """What stands outside the customer figures."""
    total = sum(row["line_count"] for row in balance)
    unknown = sum(row["unknown_line_count"] for row in balance)
    refused = sum(row["line_count"] for row in balance if row["disposition"] == "quarantined")
    parts = []
    if unknown:
        parts.append(
            f"{count(unknown)} ({percent(unknown / total)}) have no known customer: they are kept, and their "
            f"{plural(anonymous_order_count, 'order')} count as revenue but in no customer figure"
        )
    if refused:
        parts.append(f"{count(refused)} broke a rule and are quarantined, in no figure at all")
    return f"Of the {plural(total, 'line')} up to the as-of date, {'; '.join(parts)}." if parts else ""


def loads_sentence(release: Release) -> str:
    """What this run read."""
    loads = release.manifest.get("loads") or {}
    if not loads.get("new"):
        return "Nothing new was loaded since the last release."
    return (
        f"New since the last release: {plural(loads['new'], 'file')} with {plural(loads['received'], 'row')}, of which "
        f"{count(loads['loaded'])} were loaded, {count(loads['quarantined'])} quarantined, and "
        f"{count(loads['superseded'])} known already."
    )


def change_sentence(release: Release) -> str:
    """How this release relates to the one before it."""
    previous = release.manifest.get("previous_release_id")
    if not previous:
        return "It is the first release."
    return f"Its content {'differs from' if release.manifest.get('is_changed') else 'equals'} release {previous}."


def freshness(release: Release) -> str:
    """The newest record's date over all sources; the page of the sources has each one's."""
    through = release.data_through
    return day_name(max(through.values())) if through else "no data yet"


def lag_sentence(as_of_date: date, through: date | None) -> str:
    """A warning where the newest order is days older than the date that the report speaks about."""
    lag = (as_of_date - through).days if through else 0
    if lag < LEAST_LAG_WORTH_A_WORD:
        return ""
    return f"The newest order is {plural(lag, 'day')} older than the as-of date: later ones may be missing."
