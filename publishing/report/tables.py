"""The report's tables, made with Great Tables and styled by the page."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from great_tables import GT
from markupsafe import Markup, escape

from publishing.report import health
from publishing.report.charts import window_name
from publishing.report.health import Delivery, SourceTable
from publishing.report.identity_figures import BASES, Listed, Share, added_up
from publishing.report.source import Row
from publishing.report.words import (
    MISSING,
    count,
    interval,
    listing,
    moment,
    money,
    near_percent,
    percent,
    plural,
    sentence_case,
    share_of,
    short_day,
    short_month,
)

DISPOSITIONS = {
    "sale": "Sales",
    "free_item": "Free items (price 0)",
    "adjustment": "Adjustments, neither sale nor cancellation",
    "cancellation_matched": "Cancellations matched to their sale",
    "cancellation_unmatched": "Cancellations without a matching sale",
    "quarantined": "Quarantined",
}

# Counts of a table, and of what a run loaded, with their labels.
STANDING = {
    "current": "Records",
    "deleted": "Deleted",
    "open_quarantine": "In quarantine",
    "orphan": "Orphans",
}
ACCOUNT = {
    "received": "Received",
    "loaded": "Loaded",
    "quarantined": "Quarantined",
    "superseded": "Superseded",
    "late": "Came late",
}
BROUGHT = {
    "file": "Files",
    "received": "Received",
    "loaded": "Loaded",
    "quarantined": "Quarantined",
    "superseded": "Superseded",
    "replaced": "Replaced",
    "deleted": "Deleted",
}
# More sums in several currencies than these, and nobody reads on.
MOST_AMOUNTS = 4
ALL_TABLES = {"system": "Together", "table": "all tables"}
# Whose records a link between two of them is of.
OWNERS = {"customer": "Companies", "person": "People"}
LABEL_MEASURES = {
    "pair_precision": "Right: of the pairs put together, those that are one",
    "pair_recall": "Found: of the pairs that are one, those put together",
    "pair_f1": "Both in one figure (F1)",
    "b3_precision": "Right, record by record (B-cubed)",
    "b3_recall": "Found, record by record (B-cubed)",
    "blocking_recall": "Within reach: of the pairs that are one, those that were compared or that a rule gives",
}
REFUSALS = {
    "review": "Likely, but not certain enough",
    "two_cores": "Weak evidence alone, between two groups that strong evidence made",
    "different_id": "Different numbers, of which each has one",
    "duplicate_free": "Both in one source that holds nobody twice",
    "cap": "Together they would have more records than one may have",
    "cannot_link": "A reviewer said that they are different",
}
EVENTS = {
    "created": "New",
    "extended": "Grown by new records",
    "merged": "Merged into another",
    "split": "Got records of another, split",
    "retired": "Gone from all sources",
    "reinstated": "Back again",
}
CAUSES = {"data": "the data", "rule": "a rule", "model": "the linkage model", "override": "a reviewer"}
CONNECTIONS = {"api": "API", "exports": "exports", "files": "own files"}


def months_table(months: list[Row], currency: str | None) -> Markup:
    """One line per month, newest first; without one currency there are no amounts."""
    lines = [
        {
            "month": short_month(row["order_month"]) + ("" if row["is_complete"] else " *"),
            "customers": count(row["customer_count"]),
            "new": count(row["new_customer_count"]),
            "share": percent(row["returning_customer_rate"]),
            "interval": _interval(row),
            "orders": count(row["order_count"]),
            "net": count(row["net_amount"]),
            "average": count(row["average_order_amount"]),
            "returned": percent(row["return_rate"]),
        }
        for row in reversed(months)
    ]
    unit = f" ({currency})" if currency else ""
    return _table(
        "months",
        lines,
        {
            "month": "Month",
            "customers": "Customers",
            "new": "New",
            "share": "Returning",
            "interval": "95% interval",
            "orders": "Orders",
            "net": f"Net revenue{unit}",
            "average": "Average order",
            "returned": "Returned",
        },
    )


def repeat_table(windows: list[Row]) -> Markup:
    """Repeat purchase per window with what it rests on."""
    lines = [
        {
            "window": f"Within {window_name(row['window_days'])}" if row["window_days"] else "Ever (all time)",
            "num": count(row["num"]),
            "den": count(row["den"]),
            "rate": percent(row["rate"]),
            "interval": _interval(row),
            "waiting": count(row["immature_customer_count"]),
        }
        for row in windows
    ]
    return _table(
        "repeat",
        lines,
        {
            "window": "Window",
            "num": "Came back",
            "den": "Customers counted",
            "rate": "Rate",
            "interval": "95% interval",
            "waiting": "Window not over yet",
        },
    )


def country_table(countries: list[Row], overall: Row | None) -> Markup:
    """Repeat purchase per country with the interval drawn beside; all customers come first, to compare with."""
    rows = ([overall | {"segment": "All customers"}] if overall else []) + countries
    lines = [
        {
            "country": row["segment"],
            "num": count(row["num"]),
            "den": count(row["den"]),
            "rate": percent(row["rate"]),
            "interval": _interval(row),
            "drawn": str(_drawn_interval(row)),
        }
        for row in rows
    ]
    labels = {
        "country": "Country",
        "num": "Came back",
        "den": "Customers counted",
        "rate": "Rate",
        "interval": "95% interval",
        "drawn": "0 to 100%",
    }
    return _table("countries", lines, labels, drawn="drawn")


def balance_table(balance: list[Row], currency: str | None) -> Markup:
    """Every line received, by what became of it; the last line adds them up."""
    total = sum(row["line_count"] for row in balance)
    lines = [
        {
            "what": DISPOSITIONS.get(row["disposition"], row["disposition"].replace("_", " ").capitalize())
            + (f": {row['reason']}" if row["reason"] else ""),
            "known": MISSING if row["disposition"] == "quarantined" else count(row["known_line_count"]),
            "unknown": MISSING if row["disposition"] == "quarantined" else count(row["unknown_line_count"]),
            "lines": count(row["line_count"]),
            "share": share_of(row["line_count"], total),
            "amount": money(row["line_amount"], currency).removeprefix(f"{currency} "),
        }
        for row in balance
    ]
    lines.append(
        {
            "what": "All lines received",
            "known": count(sum(row["known_line_count"] for row in balance)),
            "unknown": count(sum(row["unknown_line_count"] for row in balance)),
            "lines": count(total),
            "share": share_of(total, total),
            "amount": "",
        }
    )
    labels = {
        "what": "What became of the line",
        "known": "Known customer",
        "unknown": "No known customer",
        "lines": "Lines",
        "share": "Share",
        "amount": f"Amount ({currency})" if currency else "Amount",
    }
    return _table("balance", lines, labels)


def role_table(roles: Mapping[str, str], known: list[SourceTable]) -> Markup:
    """One line per role: what is connected for it, or could be."""
    lines = []
    for role, name in roles.items():
        of_role = [table for table in known if table.role == role]
        connected = [table for table in of_role if table.is_connected]
        lines.append(
            {
                "role": sentence_case(name),
                "systems": _systems(connected) if connected else f"none; possible: {_systems(of_role)}",
                "tables": count(len(connected)),
                "loaded": count(sum(table.loaded_count for table in connected)),
                "newest": _day(health.newest(connected)),
                "status": str(_status(health.worst(connected))),
            }
        )
    labels = {
        "role": "Role",
        "systems": "Connected",
        "tables": "Tables",
        "loaded": "Rows loaded",
        "newest": "Newest record",
        "status": "Status",
    }
    return _table("roles", lines, labels, left=["systems"], drawn="status")


def source_table(connected: list[SourceTable]) -> Markup:
    """One line per connected table, under its system: what it holds and how it stands; the last line is of all."""
    lines = [
        _named(table)
        | _summed([table], STANDING)
        | {
            "newest": _day(table.newest_record_date),
            "behind": MISSING if table.days_behind is None else f"{count(table.days_behind)} / {table.freshness_days}",
            "coverage": percent(table.coverage_rate, 0),
            "changes": count(len(table.schema_change.split(", ")) if table.schema_change else 0),
            "status": str(_status(table.status)),
        }
        for table in connected
    ]
    together = {"newest": _day(health.newest(connected)), "behind": "", "coverage": "", "changes": ""}
    status = {"status": str(_status(health.worst(connected)))}
    lines.append(ALL_TABLES | _summed(connected, STANDING) | together | status)
    labels = {
        "table": "Table",
        **STANDING,
        "newest": "Newest record",
        "behind": "Days behind / target",
        "coverage": f"Coverage, {health.COVERAGE_DAYS} days",
        "changes": "Columns changed",
        "status": "Status",
    }
    return _table("sources", lines, labels, drawn="status", group="system")


def account_table(connected: list[SourceTable]) -> Markup:
    """One line per connected table, under its system: what became of each row; the last line adds them up."""
    lines = [_named(table) | _summed([table], ACCOUNT) for table in connected]
    lines.append(ALL_TABLES | _summed(connected, ACCOUNT))
    return _table("account", lines, {"table": "Table", **ACCOUNT}, group="system")


def delivery_table(deliveries: list[Delivery]) -> Markup:
    """One line per run and system: what was loaded, newest first."""
    lines = [{"run": moment(one.received_at), "system": one.system} | _summed([one], BROUGHT) for one in deliveries]
    return _table("deliveries", lines, {"system": "Source", **BROUGHT}, group="run")


def listed_table(listed: list[Listed], systems: Mapping[str, str], kinds: Mapping[str, str]) -> Markup:
    """One line per kind and source: its records, and how many they are; each kind begins with all its sources."""
    lines = [
        {
            "kind": sentence_case(kinds[row.kind]),
            "source": "All sources together" if row.source is None else systems.get(row.source, row.source),
            "records": count(row.record_count),
            "ids": count(row.id_count),
            "ratio": f"{row.record_count / row.id_count:.2f}",
            "shared": count(row.shared_count),
            "share": share_of(row.shared_count, row.id_count),
        }
        for row in listed
    ]
    labels = {
        "source": "Source",
        "records": "Records",
        "ids": "Ids",
        "ratio": "Records of each",
        "shared": "In other sources, too",
        "share": "Share",
    }
    return _table("listed", lines, labels, group="kind")


def quality_table(measured: list[tuple[str, Share]]) -> Markup:
    """One line per measure, under the group that stands beside it."""
    lines = [
        {
            "group": group,
            "measure": LABEL_MEASURES.get(share.metric)
            or f"Kept their id, records of {'people' if share.entity == 'person' else 'customers'}",
            "value": near_percent(share.value),
            "interval": _share_interval(share),
            "num": count(share.num),
            "den": count(share.den),
        }
        for group, share in measured
    ]
    labels = {"measure": "Measure", "value": "Share", "interval": "95% interval", "num": "So many", "den": "Of"}
    return _table("quality", lines, labels, group="group")


def group_table(groups: list[Share]) -> Markup:
    """What was found of each group of labels, least first."""
    lines = [
        {
            "entity": "Customers" if share.entity == "customer" else "People",
            "group": share.segment.replace("_", " "),
            "value": near_percent(share.value),
            "interval": _share_interval(share),
            "num": count(share.num),
            "den": count(share.den),
            "drawn": str(_drawn(share.low, share.high, share.value)),
        }
        for share in sorted(groups, key=lambda share: share.entity, reverse=True)
    ]
    labels = {
        "group": "Group of labels",
        "value": "Found",
        "interval": "95% interval",
        "num": "Pairs found",
        "den": "Pairs",
        "drawn": "0 to 100%",
    }
    return _table("groups", lines, labels, drawn="drawn", group="entity")


def refused_table(refused: list[Share]) -> Markup:
    """Links that were not made, by reason."""
    reasons = [*REFUSALS, *sorted({share.segment for share in refused} - set(REFUSALS))]
    counts = {(share.entity, share.segment): share.value for share in refused}
    lines = [
        {
            "reason": REFUSALS.get(reason, sentence_case(reason.replace("_", " "))),
            **{entity: count(counts.get((entity, reason), 0)) for entity in OWNERS},
        }
        for reason in reasons
        if any((entity, reason) in counts for entity in OWNERS)
    ]
    return _table("refused", lines, {"reason": "Why not", **OWNERS})


def event_table(events: list[Row]) -> Markup:
    """What happened to ids, by event and cause: how many ids, and with how many records."""
    lines = [
        {
            "entity": "Customers" if row["entity"] == "customer" else "People",
            "event": EVENTS.get(row["event"], row["event"]),
            "cause": CAUSES.get(row["cause"], row["cause"]),
            "ids": count(row["id_count"]),
            "records": count(row["record_count"]),
        }
        for row in sorted(events, key=lambda row: str(row["entity"]), reverse=True)
    ]
    labels = {"event": "What happened", "cause": "Because of", "ids": "Ids", "records": "Records"}
    return _table("events", lines, labels, left=["cause"], group="entity")


def demoted_table(demoted: list[Row]) -> Markup:
    """Values that tell nobody apart, by reason; none of them is shown."""
    lines = [
        {
            "entity": OWNERS[row["entity"]],
            "reason": sentence_case(row["reason"]),
            "types": ", ".join(id_type.replace("_", " ") for id_type in row["id_types"]),
            "values": count(row["value_count"]),
            "records": count(row["record_count"]),
            "named": count(row["with_name_count"]),
        }
        for row in demoted
    ]
    labels = {
        "reason": "Reason",
        "types": "Of type",
        "values": "Values",
        "records": "Records with one",
        "named": "Still count with a name",
    }
    return _table("demoted", lines, labels, left=["types"], group="entity")


def conflict_table(conflicts: list[Row]) -> Markup:
    """Fields on which records of one customer disagree, and what decided."""
    lines = [
        {
            "field": sentence_case(row["field"].replace("_", " ")),
            "num": count(row["num"]),
            "den": count(row["den"]),
            "rate": near_percent(row["rate"]),
            "interval": interval(row["ci_low"], row["ci_high"], 2),
            **{rule: count(row[f"{rule}_count"]) for rule in ("authority", "recency", "validity", "tie")},
        }
        for row in conflicts
    ]
    labels = {
        "field": "Field",
        "num": "Customers in conflict",
        "den": "Customers with the field",
        "rate": "Share",
        "interval": "95% interval",
        "authority": "Decided by authority",
        "recency": "By recency",
        "validity": "By validity",
        "tie": "By nothing but order",
    }
    return _table("conflicts", lines, labels)


def status_table(conflicts: list[Row], systems: Mapping[str, str]) -> Markup:
    """Customers of whom billing and another source disagree whether they still are one."""
    lines = [
        {
            "customer": row["customer_id"],
            **{
                side: f"{systems.get(row[f'{side}_source'], row[f'{side}_source'])}: {row[f'{side}_status']}"
                for side in ("winning", "losing")
            },
            "stake": amounts([row]) or MISSING,
        }
        for row in conflicts
    ]
    labels = {"customer": "Customer", "winning": "What counts", "losing": "What another says", "stake": "At stake"}
    return _table("status", lines, labels, left=["winning", "losing"])


def queue_table(queue: list[Row]) -> Markup:
    """Pairs that wait for a decision, by why they were kept apart."""
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in queue:
        pairs.setdefault((row["entity"], row["reason"]), []).append(row)
    lines = [
        {
            "entity": OWNERS[entity],
            "reason": REFUSALS.get(reason, reason),
            "pairs": count(len(found)),
            "valued": count(sum(row["amount"] is not None for row in found)),
            "stake": amounts(found) or MISSING,
        }
        for (entity, reason), found in sorted(pairs.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    ]
    labels = {"reason": "Why they were kept apart", "pairs": "Pairs", "valued": "With a value", "stake": "At stake"}
    return _table("queue", lines, labels, group="entity")


def pair_table(queue: list[Row]) -> Markup:
    """The first pairs that wait for a decision, by ids."""
    lines = [
        {
            "rank": count(row["rank"]),
            "ids": f"{row['id_l']} {row['id_r']}",
            "rule": sentence_case(row["rule"]),
            "confidence": percent(min(row["confidence"], 0.999)),
            "stake": amounts([row]) or MISSING,
        }
        for row in queue
    ]
    labels = {
        "rank": "Place",
        "ids": "The two ids",
        "rule": "What speaks for it",
        "confidence": "How likely",
        "stake": "At stake",
    }
    return _table("pairs", lines, labels, left=["ids", "rule"])


def amounts(rows: list[Row]) -> str:
    """What is at stake in these rows together: EUR 1,674 a month and USD 9,000 in last contracts; empty for nothing."""
    parts = [f"{money(one.amount, one.currency)} {BASES[one.basis]}" for one in added_up(rows)]
    if len(parts) > MOST_AMOUNTS:
        parts = [*parts[: MOST_AMOUNTS - 1], plural(len(parts) - MOST_AMOUNTS + 1, "further sum")]
    return listing(parts) if parts else ""


def _named(table: SourceTable) -> dict[str, str]:
    system = f"{table.system} · {CONNECTIONS[table.connection or 'files']}"
    return {"system": system, "table": table.table_name.replace("_", " ")}


def _summed(counted: Sequence[SourceTable | Delivery], names: Collection[str]) -> dict[str, str]:
    return {name: count(sum(getattr(one, f"{name}_count") for one in counted)) for name in names}


def _systems(tables: Sequence[SourceTable]) -> str:
    return listing(list(dict.fromkeys(table.system for table in tables)) or [MISSING])


def _day(day: date | None) -> str:
    return short_day(day) if day else MISSING


def _status(status: str) -> Markup:
    return Markup('<span class="status {}">{}</span>').format(status.replace(" ", "-"), status)


def _interval(row: Row) -> str:
    return MISSING if row["ci_low"] is None or row["ci_high"] is None else interval(row["ci_low"], row["ci_high"])


def _share_interval(share: Share) -> str:
    return MISSING if share.low is None or share.high is None else interval(share.low, share.high, 2)


def _drawn_interval(row: Row) -> Markup:
    return _drawn(row["ci_low"], row["ci_high"], row["rate"])


def _drawn(from_share: float | None, to_share: float | None, share: float) -> Markup:
    if from_share is None or to_share is None:
        return Markup("")
    low, high, rate = (100 * float(number) for number in (from_share, to_share, share))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="range" viewBox="0 0 100 10" width="100" height="10" '
        'aria-hidden="true"><path d="M0 5H100" stroke="#dfe4e9"/>'
        '<path d="M{:.1f} 5H{:.1f}" stroke="#2171b5" stroke-opacity=".45" stroke-width="4"/>'
        '<circle cx="{:.1f}" cy="5" r="2.6" fill="#08306b"/></svg>'
    ).format(low, high, rate)


def _table(
    name: str,
    lines: list[dict[str, Any]],
    labels: dict[str, str],
    *,
    left: Collection[str] = (),
    drawn: str | None = None,
    group: str | None = None,
) -> Markup:
    """Columns are text already: the first names the row, those of words are `left`, the others are numbers.

    `drawn`: the one column that holds markup. `group`: the one whose values head the rows that share them.
    """
    first, *others = labels
    columns = [group, *labels] if group else list(labels)
    table = (
        GT(
            pl.DataFrame(lines, schema=dict.fromkeys(columns, pl.String)),
            id=f"table-{name}",
            rowname_col=first,
            groupname_col=group,
        )
        .tab_stubhead(label=labels[first])
        .cols_label(cases={column: labels[column] for column in others})
        .cols_align("right", columns=others)
    )
    if left:
        table = table.cols_align("left", columns=list(left))
    if drawn:
        # The text columns stay escaped by Great Tables.
        table = table.cols_align("left", columns=[drawn]).fmt(lambda value: value, columns=[drawn])
    html = table.as_raw_html()
    # Each table would bring 8 kB of rules of its own; report.css dresses them all alike.
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r' (headers|data-[a-z-]+|colspan="1"|rowspan="1")(="[^"]*")?', "", html)
    html = re.sub(r'<div id="[^"]*" style="[^"]*">', f'<div class="table table-{escape(name)}">', html, count=1)
    return Markup(html)
