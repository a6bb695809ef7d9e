"""What `tenure explain` prints: why two records are one customer or person, or why they aren't; the story of one id."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analytics.clustering import TIERS
from analytics.evidence_paths import minimum_cut, shortest_path
from ingestion.errors import UserError
from ingestion.home import Home
from ingestion.text import counted
from orchestration.identity_reader import Edge, Named, Reader, open_reader
from orchestration.masks import mask, shown_id, shown_record

LISTS = ("person", "customer")
REASONS = {
    "cannot_link": "a reviewer decided that they are different (identity_overrides.csv)",
    "different_id": "each side has a number of an authority that contradicts the other's",
    "duplicate_free": "each side has a record of one source that is marked as free of duplicates",
    "cap": "together they would be more records than one customer or person may have",
    "two_cores": "both sides are groups of their own, and weak evidence never joins two groups",
    "review": "it is too little to join records, and is for a reviewer to decide",
}
MANY = {"customer": "customers", "person": "people"}
BAR_BITS = 20
WIDEST = 100_000


def print_explanation(console: Console, home: Home, names: Sequence[str], *, show_values: bool) -> None:
    """Explain one id (or a record's ids), or two records or ids."""
    if len(names) not in (1, 2) or not all(name.strip() for name in names):
        raise UserError("Name one id, or two records or ids; none of them empty.")
    with open_reader(home) as reader:
        if len(names) == 1:
            _print_story(console, reader, reader.find(names[0]), show_values)
        else:
            _print_pair(console, reader, reader.find(names[0]), reader.find(names[1]), show_values)


def _print_story(console: Console, reader: Reader, named: Named, show_values: bool) -> None:
    durable_ids = [named.name] if named.is_id else list(named.ids.values())
    for durable_id in durable_ids:
        entity = reader.rows("select * from map_id_redirects where durable_id = ?", durable_id)[0]
        if entity["current_id"] is None:
            console.print(f"{durable_id}: a {entity['entity']} that is retired; its records are gone.")
        elif entity["current_id"] != durable_id:
            console.print(f"{durable_id}: now {entity['current_id']}, the {entity['entity']} that it was merged into.")
        else:
            console.print(f"{durable_id}: a {entity['entity']}.")
        led = reader.rows(
            "select durable_id from map_id_redirects where current_id = $1 and durable_id <> $1 order by 1", durable_id
        )
        if led:
            console.print(f"Ids that lead to it: {', '.join(row['durable_id'] for row in led)}.")
        records = reader.rows(
            """select source, list_kind, source_record_id, valid_from_date, valid_to_date from map_source_records
            where durable_id = ? order by source, list_kind, source_record_id, valid_from_date""",
            durable_id,
        )
        console.print(f"\n{counted(len(records), 'record')}", style="bold")
        for row in records:
            row["source_record_id"] = shown_id(row["source_record_id"], show_values)
        _print_table(
            console,
            ("Source", "List", "Id", "Since", "Until"),
            [[*(str(value) if value is not None else "" for value in row.values())] for row in records],
        )
        events = reader.rows(
            """select known_date, durable_id, event, other_id, record_count, cause from fct_identity_events
            where durable_id = $1 or other_id = $1 order by event_number""",
            durable_id,
        )
        console.print("\nHistory", style="bold")
        for event in events:
            console.print(f"  {event['known_date']}  {_in_words(event)}")
        console.print("")


def _in_words(event: dict[str, Any]) -> str:
    """An event as a clause; what brought it about behind."""
    by = {
        "created": "created with",
        "extended": "extended by",
        "merged": f"merged into {event['other_id']} with",
        "split": f"split from {event['other_id']} with",
        "retired": "retired with the last of",
        "reinstated": "reinstated with",
    }[event["event"]]
    return f"{event['durable_id']} {by} {counted(event['record_count'], 'record')} (cause: {event['cause']})"


def _print_pair(console: Console, reader: Reader, one: Named, other: Named, show_values: bool) -> None:
    entities = [entity for entity in LISTS if entity in one.ids and entity in other.ids]
    for named in (one, other):
        if not named.ids:
            raise UserError(f"{named.name} is retired: its records are gone, and there is nothing to compare.")
    if not entities and one.kind == other.kind == "person":
        # A customer who is a consumer, and a person: the humans behind them are compared.
        one, other = (
            named if "person" in named.ids else replace(named, ids={"person": reader.human(named)})
            for named in (one, other)
        )
        entities = ["person"]
    if not entities or one.kind != other.kind:
        raise UserError(
            f"{one.name} and {other.name} are never one: one is a company, the other a person; map_customer_people "
            "has the roles of persons at customers."
        )
    ids = [(entity, one.ids[entity], other.ids[entity]) for entity in entities]
    is_one = all(left == right for _, left, right in ids)
    for entity, left, right in ids:
        of = f"are one {entity}, {left}" if left == right else f"are two {MANY[entity]}, {left} and {right}"
        console.print(f"{one.name} and {other.name} {of}.", style="bold")
    kind = one.kind
    members = reader.members(kind, sorted(one.records | other.records))
    edges = reader.edges(kind, sorted(members))
    # Of an old id and the one that it became: its records, and the others.
    one = replace(one, records=one.records - other.records or one.records)
    other = replace(other, records=other.records - one.records)
    if not other.records:
        console.print("They name the same records; tenure explain with one of them tells its story.")
        return
    pair = _one_pair(one, other)
    if is_one:
        pair = _print_evidence(console, reader, kind, edges, one, other, show_values) or pair
    else:
        pair = _print_refusal(console, reader, kind, edges, members, one, other, show_values) or pair
    if pair is not None:
        _print_waterfall(console, reader, kind, edges, pair)


def _one_pair(one: Named, other: Named) -> tuple[str, str] | None:
    """The two records, where both arguments name one."""
    if one.is_id or other.is_id:
        return None
    return next(iter(one.records)), next(iter(other.records))


def _links(edges: Sequence[Edge]) -> list[tuple[str, str]]:
    """Pairs of what is kept; what is for review joins nothing."""
    return [(e["record_id_l"], e["record_id_r"]) for e in edges if e["is_kept"] and e["tier"] != "review"]


def _print_evidence(
    console: Console, reader: Reader, kind: str, edges: Sequence[Edge], one: Named, other: Named, show_values: bool
) -> tuple[str, str] | None:
    """The way between them and what would separate them; returns the pair to show the weight of."""
    links = _links(edges)
    path = shortest_path(links, one.records, other.records)
    steps = list(pairwise(path))
    console.print("\nWhat joins them", style="bold")
    rows = []
    for left, right in steps:
        of_step = [e for e in edges if {e["record_id_l"], e["record_id_r"]} == {left, right} and e["tier"] != "review"]
        values = _values(reader, kind, left, right, show_values)
        for number, edge in enumerate(of_step):
            ends = (shown_record(left, show_values), shown_record(right, show_values)) if number == 0 else ("", "")
            rows.append([*ends, edge["rule"], edge["tier"], f"{edge['confidence']:.4f}", "" if number else values])
    _print_table(console, ("Record", "Record", "Rule", "Tier", "Confidence", "What agrees"), rows)
    cut = set(minimum_cut(links, one.records, other.records))
    crossing = [e for e in edges if (e["record_id_l"], e["record_id_r"]) in cut and e["tier"] != "review"]
    are = "This edge" if len(crossing) == 1 else f"These {len(crossing)} edges"
    console.print(f"\n{are} would have to go to separate them", style="bold")
    for edge in crossing:
        between = " - ".join(shown_record(edge[end], show_values) for end in ("record_id_l", "record_id_r"))
        console.print(f"  {between}  {edge['rule']} ({edge['tier']})")
    console.print("An override different of two of their records does so too (identity_overrides.csv).")
    by_model = [step for step in steps if any(_is_of_model(e, step) for e in edges)]
    return _one_pair(one, other) or next(iter(by_model or steps), None)


def _is_of_model(edge: Edge, pair: tuple[str, str]) -> bool:
    return edge["match_weight"] is not None and {edge["record_id_l"], edge["record_id_r"]} == set(pair)


def _print_refusal(
    console: Console,
    reader: Reader,
    kind: str,
    edges: Sequence[Edge],
    members: dict[str, str],
    one: Named,
    other: Named,
    show_values: bool,
) -> tuple[str, str] | None:
    """The strongest edge between them that was refused; returns its pair."""
    left_ids = {members[record] for record in one.records if record in members}
    refused = [
        edge
        for edge in edges
        if not edge["is_kept"] and len({members[edge[end]] in left_ids for end in ("record_id_l", "record_id_r")}) == 2
    ]
    if not refused:
        console.print("Nothing links them: no rule, and no pair that the linkage model finds alike.")
        return None
    direct = _one_pair(one, other)
    named = None if direct is None else tuple(sorted(direct))
    edge = min(
        refused,
        key=lambda edge: (
            edge["reason"] != "cannot_link",
            (edge["record_id_l"], edge["record_id_r"]) != named,
            TIERS.index(edge["tier"]),
            -edge["confidence"],
        ),
    )
    pair = (str(edge["record_id_l"]), str(edge["record_id_r"]))
    console.print(f"\nThe strongest of {counted(len(refused), 'refused edge')}", style="bold")
    values = _values(reader, kind, *pair, show_values)
    ends = [shown_record(record, show_values) for record in pair]
    row = [*ends, edge["rule"], edge["tier"], f"{edge['confidence']:.4f}", values]
    _print_table(console, ("Record", "Record", "Rule", "Tier", "Confidence", "What agrees"), [row])
    console.print(f"It was refused: {REASONS[edge['reason']]}.")
    return _one_pair(one, other) or pair


def _values(reader: Reader, kind: str, one: str, other: str, show_values: bool) -> str:
    shared = reader.shared_values(kind, one, other)
    return ", ".join(f"{id_type} {value if show_values else mask(id_type, value)}" for id_type, value in shared)


def _print_waterfall(console: Console, reader: Reader, kind: str, edges: Sequence[Edge], pair: tuple[str, str]) -> None:
    steps = reader.waterfall(kind, *pair)
    if not steps:
        return
    console.print(f"\nWeight of {shown_record(pair[0], False)} and {shown_record(pair[1], False)}", style="bold")
    rows = [
        [
            step["step"],
            step["level"],
            f"{step['weight']:+.2f}",
            f"{step['cumulative_weight']:+.2f}",
            _bar(step["weight"]),
        ]
        for step in steps
    ]
    _print_table(console, ("Step", "Level", "Bits", "Sum", ""), rows)
    bits = steps[-1]["cumulative_weight"]
    console.print(f"{bits:+.2f} bits are a probability of {1 / (1 + 2.0**-bits):.4f}.")
    if not any(_is_of_model(edge, pair) for edge in edges):
        console.print("The model gave this pair no edge: it wasn't among those compared, or its weight is too low.")


def _bar(bits: float) -> str:
    return ("█" if bits > 0 else "░") * min(BAR_BITS, round(abs(bits)))


def _print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Wider than the terminal, so that nothing is ever cut."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(Text(column), no_wrap=True, justify="right" if column in ("Bits", "Sum") else "left")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    wide = Console(file=console.file, width=WIDEST, highlight=False)
    wide.print(table, width=max(wide.measure(table).maximum, 1))
