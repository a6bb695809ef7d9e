"""The tables of the page `identity`."""

from collections.abc import Mapping

from markupsafe import Markup

from publishing.report.identity_figures import BASES, Listed, Share, added_up
from publishing.report.source import Row
from publishing.report.tables import drawn_interval, styled_table
from publishing.report.words import (
    MISSING,
    count,
    interval,
    listing,
    money,
    near_percent,
    percent,
    plural,
    sentence_case,
    share_of,
)

# More sums in several currencies than these, and nobody reads on.
MOST_AMOUNTS = 4
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
    "review": "Likely, but too little is alike to be certain",
    "two_cores": "Weak evidence alone, between two groups that strong evidence made",
    "different_id": "Different numbers, of which each has one",
    "duplicate_free": "Both in one list that holds nobody twice",
    "cap": "Together they would have more records than one may have",
    "cannot_link": "A reviewer said that they are different",
}
EVENTS = {
    "created": "New",
    "extended": "Grown by new records",
    "merged": "Merged into another",
    "split": "Got records of another, split",
    "reduced": "Some records gone from their sources",
    "retired": "Gone from all sources",
    "reinstated": "Back again",
}
CAUSES = {"data": "the data", "rule": "a rule", "model": "the linkage model", "override": "a reviewer"}


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
    return styled_table("listed", lines, labels, group="kind")


def quality_table(measured: list[tuple[str, Share]]) -> Markup:
    """One line per measure, under the group that stands beside it."""
    lines = [
        {
            "group": group,
            "measure": LABEL_MEASURES.get(share.metric)
            or f"Kept their id, records of {'people' if share.entity == 'person' else 'customers'}",
            "value": near_percent(share.value),
            "interval": interval(share.low, share.high, 2),
            "num": count(share.num),
            "den": count(share.den),
        }
        for group, share in measured
    ]
    labels = {"measure": "Measure", "value": "Share", "interval": "95% interval", "num": "So many", "den": "Of"}
    return styled_table("quality", lines, labels, group="group")


def group_table(groups: list[Share]) -> Markup:
    """What was found of each group of labels, least first."""
    lines = [
        {
            "entity": "Customers" if share.entity == "customer" else "People",
            "group": share.segment.replace("_", " "),
            "value": near_percent(share.value),
            "interval": interval(share.low, share.high, 2),
            "num": count(share.num),
            "den": count(share.den),
            "drawn": str(drawn_interval(share.low, share.high, share.value)),
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
    return styled_table("groups", lines, labels, drawn="drawn", group="entity")


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
    return styled_table("refused", lines, {"reason": "Why not", **OWNERS})


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
    return styled_table("events", lines, labels, left=["cause"], group="entity")


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
    return styled_table("demoted", lines, labels, left=["types"], group="entity")


DECIDED_BY = {
    "customer": {"authority": "Decided by authority", "recency": "By recency", "validity": "By validity"},
    "person": {"recency": "Decided by recency", "validity": "By validity", "majority": "By majority"},
}
"""Entity → what decides between its values, but for the order of names."""


def conflict_table(conflicts: list[Row], entity: str) -> Markup:
    """Fields on which records of one customer, or person, disagree, and what decided."""
    rules = {**DECIDED_BY[entity], "tie": "By nothing but order"}
    lines = [
        {
            "field": sentence_case(row["field"].replace("_", " ")),
            "num": count(row["num"]),
            "den": count(row["den"]),
            "rate": near_percent(row["rate"]),
            "interval": interval(row["ci_low"], row["ci_high"], 2),
            **{rule: count(row[f"{rule}_count"]) for rule in rules},
        }
        for row in conflicts
    ]
    whom = "Customers" if entity == "customer" else "People"
    labels = {
        "field": "Field",
        "num": f"{whom} in conflict",
        "den": f"{whom} with the field",
        "rate": "Share",
        "interval": "95% interval",
        **rules,
    }
    return styled_table(f"conflicts-{entity}", lines, labels)


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
    return styled_table("status", lines, labels, left=["winning", "losing"])


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
    return styled_table("queue", lines, labels, group="entity")


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
    return styled_table("pairs", lines, labels, left=["ids", "rule"])


def amounts(rows: list[Row]) -> str:
    """What is at stake in these rows together: EUR 1,674 a month and USD 9,000 in last contracts; empty for nothing."""
    parts = [f"{money(one.amount, one.currency)} {BASES[one.basis]}" for one in added_up(rows)]
    if len(parts) > MOST_AMOUNTS:
        parts = [*parts[: MOST_AMOUNTS - 1], plural(len(parts) - MOST_AMOUNTS + 1, "further sum")]
    return listing(parts) if parts else ""
