"""The page `identity`: how many records became how many customers and people, how sure that is, what needs a decision.

It shows ids that Tenure made, and no name, value or id of a source.
"""

from typing import Any

from publishing.report import charts, identity_figures, identity_tables
from publishing.report.identity_figures import MOST_LISTED, Listed, Share
from publishing.report.source import Release, Row
from publishing.report.words import count, day_name, interval, listing, near_percent, plural, sentence_case

# Kind → one and many of them, as ids and in "records of …".
KINDS = {
    "person": ("person", "people"),
    "company": ("company", "companies"),
    "consumer": ("consumer", "consumers"),
    "customer": ("customer", "customers"),
}
ENTITIES = {"person": "people", "customer": "customers"}
LABELLED = ("pair_precision", "pair_recall")
MOST_GROUPS = 16


def context(release: Release) -> dict[str, Any]:
    """Everything that `templates/identity.html.j2` shows."""
    listed = identity_figures.read_listed(release)
    shares = identity_figures.read_shares(release)
    status_conflicts, queue = identity_figures.read_status_conflicts(release), identity_figures.read_queue(release)
    undecided = _undecided(release, queue)
    return {
        "has_records": bool(listed),
        "sentences": _sentences(listed, shares, status_conflicts, undecided),
        "notice": _notice(shares),
        **_records(release, listed),
        **_quality(shares),
        **_events(release),
        "demoted_table": identity_tables.demoted_table(demoted)
        if (demoted := identity_figures.read_demoted(release))
        else None,
        **_conflicts(release, status_conflicts),
        "sponsors": _sponsors(identity_figures.read_sponsors(release)),
        **_queue(queue, undecided),
    }


def _sentences(
    listed: list[Listed], shares: list[Share], status_conflicts: list[Row], undecided: dict[str, int]
) -> list[str]:
    """What is, how sure it is, and what somebody should look at."""
    if not listed:
        return ["No source lists people or customers, so there is nobody to tell apart yet."]
    return [_totals(listed), _sureness(shares), _waiting(status_conflicts, undecided)]


def _totals(listed: list[Listed]) -> str:
    """How many records are how many, by kind."""
    parts = []
    for kind, (one, many) in KINDS.items():
        together = next((row for row in listed if row.kind == kind and row.source is None), None)
        if together is None:
            continue
        sources = sum(row.kind == kind and row.source is not None for row in listed)
        is_one = together.record_count == 1
        parts.append(
            f"{plural(together.record_count, 'record')} of {many} in {plural(sources, 'source')} "
            f"{'is' if is_one else 'are'} {plural(together.id_count, one, many)}"
        )
    sentence = f"{sentence_case('; '.join(parts))}."
    if not any(row.kind == "person" for row in listed):
        sentence += " No source lists people."
    if all(row.kind == "person" for row in listed):
        sentence += " No source lists customers."
    return sentence


def _sureness(shares: list[Share]) -> str:
    right, found = (
        [
            f"{near_percent(share.value)} ({KINDS[kind][1]})"
            for kind in KINDS
            if (share := _labelled(shares, metric, kind))
        ]
        for metric in LABELLED
    )
    if right and found:
        sentence = (
            f"Checked against labels, of the pairs of records put together {listing(right)} are right; of those that "
            f"belong together {listing(found)} were found."
        )
    else:
        sentence = "How often that is right is not known: no labels say which records belong together."
    if kept := _stable(shares):
        sentence += f" Of the records known before this run, {near_percent(kept)} keep their id."
    return sentence


def _stable(shares: list[Share]) -> float | None:
    """Records that kept their id, people's and customers' together; None in a first run."""
    known = [share for share in shares if share.metric == "id_stability" and share.den]
    total = sum(share.den or 0 for share in known)
    return sum(share.num or 0 for share in known) / total if total else None


def _undecided(release: Release, queue: list[Row]) -> dict[str, int]:
    """Pairs that wait for a decision, by entity, companies first: all of them, not only those in the queue."""
    known = identity_figures.read_undecided(release)
    counts = {
        entity: max(known.get(entity, 0), sum(row["entity"] == entity for row in queue))
        for entity in identity_tables.OWNERS
    }
    # The queue alone knows every decision, so where it holds nothing, nothing waits.
    return {entity: number for entity, number in counts.items() if any(row["entity"] == entity for row in queue)}


def _waiting(status_conflicts: list[Row], undecided: dict[str, int]) -> str:
    parts = []
    if undecided:
        named = [
            f"{plural(number, 'pair')} of {identity_tables.OWNERS[entity].lower()}"
            for entity, number in undecided.items()
        ]
        is_one = sum(undecided.values()) == 1
        parts.append(f"{listing(named)} may each be one and {'waits' if is_one else 'wait'} for a decision")
    if status_conflicts:
        stake = identity_tables.amounts(status_conflicts)
        parts.append(
            f"billing and another source disagree whether {plural(len(status_conflicts), 'customer')} still "
            f"{'is one' if len(status_conflicts) == 1 else 'are customers'}" + (f": {stake} at stake" if stake else "")
        )
    return f"{sentence_case('; '.join(parts))}." if parts else "Nothing waits for a decision."


def _notice(shares: list[Share]) -> str:
    silent = sum(share.value for share in shares if share.metric == "changed_without_event")
    if not silent:
        return ""
    return f"{plural(int(silent), 'record')} changed the id without an event in the ledger: that must not be."


def _records(release: Release, listed: list[Listed]) -> dict[str, Any]:
    systems = identity_figures.read_systems(release)
    panels = []
    for kind, (_, many) in KINDS.items():
        of_kind = [row for row in listed if row.kind == kind and row.source is not None]
        if not of_kind:
            continue
        names = [systems.get(str(row.source), str(row.source)) for row in of_kind]
        described = [
            f"{name}: {count(row.record_count)} records are {count(row.id_count)}"
            for name, row in zip(names, of_kind, strict=True)
        ]
        panels.append(
            {
                "title": sentence_case(many),
                "chart": charts.records_and_ids(of_kind, names, f"ids-{kind}"),
                "alt": f"Records and ids of {many} by source. {'; '.join(described)}.",
            }
        )
    return {
        "panels": panels,
        "listed_table": identity_tables.listed_table(
            listed, systems, {kind: many for kind, (_, many) in KINDS.items()}
        ),
        "has_consumers": any(row.kind == "consumer" for row in listed),
    }


def _labelled(shares: list[Share], metric: str, kind: str) -> Share | None:
    """A figure against labels. Customers as a whole say something only where no kind of them is known."""
    entity = "person" if kind == "person" else "customer"
    segment = "all" if kind in ("person", "customer") else kind
    found = {(share.entity, share.segment): share for share in shares if share.metric == metric}
    if kind == "customer" and any(entity == "customer" and segment != "all" for entity, segment in found):
        return None
    return found.get((entity, segment))


def _quality(shares: list[Share]) -> dict[str, Any]:
    lines: list[tuple[str, Share]] = []
    for kind, (_, many) in KINDS.items():
        lines += [
            (sentence_case(many), share)
            for metric in identity_tables.LABEL_MEASURES
            if (share := _labelled(shares, metric, kind))
        ]
    stable = [
        ("All records", share)
        for entity in ENTITIES
        for share in shares
        if share.metric == "id_stability" and share.entity == entity
    ]
    drawn = [
        (f"{group}, {'right' if share.metric == 'pair_precision' else 'found'}", share)
        for group, share in lines
        if share.metric in LABELLED
    ]
    groups = sorted(
        (share for share in shares if share.metric == "group_pair_recall"),
        key=lambda share: (share.value, share.segment),
    )
    refused = [share for share in shares if share.metric == "refused_edges"]
    labelled = [
        f"{count(share.value)} records of {ENTITIES[share.entity]}"
        for entity in ENTITIES
        for share in shares
        if share.metric == "labelled_record_count" and share.segment == "all" and share.entity == entity
    ]
    return {
        "labelled": listing(labelled) if labelled else "",
        "quality_chart": charts.near_certain(drawn, "quality") if drawn else None,
        "quality_alt": "; ".join(f"{name}: {_with_interval(share)}" for name, share in drawn),
        "quality_table": identity_tables.quality_table(lines + stable) if lines or stable else None,
        "is_first_run": not stable,
        "group_table": identity_tables.group_table(groups[:MOST_GROUPS]) if groups else None,
        "hidden_groups": max(0, len(groups) - MOST_GROUPS),
        "refused_table": identity_tables.refused_table(refused) if refused else None,
    }


def _with_interval(share: Share) -> str:
    text = near_percent(share.value)
    return text if share.low is None or share.high is None else f"{text} ({interval(share.low, share.high, 2)})"


def _events(release: Release) -> dict[str, Any]:
    events = identity_figures.read_events(release)
    last, is_first = identity_figures.read_last_change(release)
    before = f" The last change was learned on {day_name(last)}." if last else ""
    return {
        "event_table": identity_tables.event_table(events) if events else None,
        "no_events": f"Nothing changed: no id was made, grew, merged, split or ended.{before}",
        "is_first_day": is_first and bool(events),
    }


def _conflicts(release: Release, status_conflicts: list[Row]) -> dict[str, Any]:
    conflicts = identity_figures.read_conflicts(release)
    systems = identity_figures.read_systems(release)
    shown = status_conflicts[:MOST_LISTED]
    return {
        "conflict_blocks": [block for entity in ENTITIES if (block := _conflict_block(conflicts, entity))],
        "status_count": plural(len(status_conflicts), "customer"),
        "status_stake": identity_tables.amounts(status_conflicts),
        "status_table": identity_tables.status_table(shown, systems) if shown else None,
        "hidden_status": max(0, len(status_conflicts) - len(shown)),
    }


def _sponsors(row: Row) -> list[str]:
    """How many active companies have somebody who answers for them; nothing where no company is active."""
    companies = row["company_count"]
    if not companies:
        return []
    sponsored, contacts = row["sponsor_count"], row["primary_contact_count"]
    sentence = (
        f"Of {plural(companies, 'active company', 'active companies')} {count(sponsored)} "
        f"({near_percent(sponsored / companies)}) {'has' if sponsored == 1 else 'have'} an executive sponsor, "
        f"{count(contacts)} ({near_percent(contacts / companies)}) a primary contact."
    )
    if not (left := row["left_count"]):
        return [sentence]
    return [sentence, f"Of {plural(left, 'company', 'companies')} the sponsor left, and no successor is known."]


def _conflict_block(conflicts: list[Row], entity: str) -> dict[str, Any] | None:
    """The fields on which records of one customer, or person, disagree, and those on which all agree."""
    found = [row for row in conflicts if row["entity"] == entity and row["num"]]
    agreed = [row["field"].replace("_", " ") for row in conflicts if row["entity"] == entity and not row["num"]]
    if not found:
        return None
    return {
        "title": "Of customers" if entity == "customer" else "Of people",
        "table": identity_tables.conflict_table(found, entity),
        "agreed": listing(agreed) if agreed else "",
    }


def _queue(queue: list[Row], undecided: dict[str, int]) -> dict[str, Any]:
    first = queue[:MOST_LISTED]
    cut = {
        identity_tables.OWNERS[entity].lower(): (sum(row["entity"] == entity for row in queue), number)
        for entity, number in undecided.items()
    }
    return {
        "queue_cut": listing(
            [f"{count(held)} of {count(number)} pairs of {owner}" for owner, (held, number) in cut.items()]
        )
        if any(held < number for held, number in cut.values())
        else "",
        "queue_table": identity_tables.queue_table(queue) if queue else None,
        "pair_table": identity_tables.pair_table(first) if first else None,
    }
