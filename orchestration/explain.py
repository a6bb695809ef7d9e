"""What `tenure explain` prints: why two records are one customer or person, or why they aren't; the story of one id."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analytics.evidence_paths import minimum_cut, shortest_path
from ingestion.errors import UserError
from ingestion.home import Home
from ingestion.text import counted
from orchestration.identity_reader import Edge, Named, Reader, open_reader
from orchestration.masks import mask, shown_id, shown_record
from orchestration.refusals import in_words

LISTS = ("person", "customer")
MANY = {"customer": "customers", "person": "people"}
# A bar of more than 20 bits says no more, and a line of the waterfall fits 80 columns.
BITS_A_BLOCK, MOST_BLOCKS = 2, 10
WIDEST = 100_000


def print_explanation(console: Console, home: Home, names: Sequence[str], *, show_values: bool) -> None:
    """Explain one id (or a record's ids), or two records or ids."""
    names = [name.strip() for name in names]
    if len(names) not in (1, 2) or not all(names):
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
        "reduced": "lost, gone from the source,",
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
        two = f"are two {MANY[entity]}" + ("" if {left, right} == {one.name, other.name} else f", {left} and {right}")
        of = f"are one {entity}, {left}" if left == right else two
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
    pair, refused = _one_pair(one, other), None
    if is_one:
        pair = _print_evidence(console, reader, kind, edges, one, other, show_values) or pair
        decider = _joined_by(edges, pair) if pair else None
    else:
        refused = _print_refusal(console, reader, kind, edges, members, one, other, show_values)
        pair = pair or (_ends(refused) if refused else None)
        decider = _kept_apart_by(refused) if refused else None
    if pair:
        _print_waterfall(console, reader, kind, edges, pair, refused, decider, show_values)


def _one_pair(one: Named, other: Named) -> tuple[str, str] | None:
    """The two records, the smaller first, where both arguments name one."""
    if one.is_id or other.is_id:
        return None
    (left,), (right,) = one.records, other.records
    return min(left, right), max(left, right)


def _ends(edge: Edge) -> tuple[str, str]:
    return edge["record_id_l"], edge["record_id_r"]


def _of_pair(edges: Sequence[Edge], pair: tuple[str, str]) -> list[Edge]:
    return [edge for edge in edges if set(_ends(edge)) == set(pair)]


def _joining(edges: Sequence[Edge]) -> list[Edge]:
    """What is kept; what is for review joins nothing."""
    return [edge for edge in edges if edge["is_kept"] and edge["tier"] != "review"]


def _print_evidence(
    console: Console, reader: Reader, kind: str, edges: Sequence[Edge], one: Named, other: Named, show_values: bool
) -> tuple[str, str] | None:
    """The way between them and what would separate them; returns the pair to show the weight of."""
    joining = _joining(edges)
    links = [_ends(edge) for edge in joining]
    steps = list(pairwise(shortest_path(links, one.records, other.records)))
    console.print("\nWhat joins them", style="bold")
    for step in steps:
        _print_edges(console, reader, kind, step, _of_pair(joining, step), show_values)
    cut = minimum_cut(links, one.records, other.records)
    crossing = {pair: _of_pair(joining, pair) for pair in cut}
    count = sum(map(len, crossing.values()))
    are = "This edge" if count == 1 else f"These {count} edges"
    console.print(f"\n{are} would have to go to separate them", style="bold")
    for pair, of_pair in crossing.items():
        console.print(f"  {_between(pair, show_values)}")
        console.print("    " + ", ".join(f"{edge['rule']} ({edge['tier']})" for edge in of_pair))
    console.print("An override different of two of their records does so too (identity_overrides.csv).")
    by_model = [step for step in steps if _model_edge(edges, step)]
    return _one_pair(one, other) or next(iter(by_model or steps), None)


def _print_refusal(
    console: Console,
    reader: Reader,
    kind: str,
    edges: Sequence[Edge],
    members: dict[str, str],
    one: Named,
    other: Named,
    show_values: bool,
) -> Edge | None:
    """The edge between them of which the refusal says most, and why it was refused; returns that edge."""
    left_ids = {members[record] for record in one.records if record in members}
    refused = [
        edge for edge in edges if not edge["is_kept"] and len({members[end] in left_ids for end in _ends(edge)}) == 2
    ]
    if not refused:
        console.print("Nothing links them: no rule, and no pair that the linkage model finds alike.")
        return None
    named = _one_pair(one, other)
    # They come strongest first.
    edge = min(refused, key=lambda edge: (edge["reason"] != "cannot_link", _ends(edge) != named))
    if len(refused) == 1:
        title = "The one refused edge"
    elif edge["reason"] == "cannot_link":
        title = f"Of {len(refused)} refused edges, one that a reviewer decided on"
    elif _ends(edge) == named:
        title = f"Of {len(refused)} refused edges, the one between these two records"
    else:
        title = f"Of {len(refused)} refused edges, the strongest"
    console.print(f"\n{title}", style="bold")
    _print_edges(console, reader, kind, _ends(edge), [edge], show_values)
    steps = reader.waterfall(kind, *_ends(edge)) if edge["tier"] == "review" else []
    decides = "; a reviewer decides" if edge["reason"] == "review" else ""
    console.print(f"It was refused: {in_words(edge, steps)}{decides}.")
    return edge


def _print_edges(
    console: Console, reader: Reader, kind: str, pair: tuple[str, str], edges: Sequence[Edge], show_values: bool
) -> None:
    """A pair of records, what links the two, and which identifiers both have."""
    console.print(f"  {_between(pair, show_values)}")
    for edge in edges:
        console.print(f"    {edge['rule']}: {edge['tier']}, confidence {edge['confidence']:.4f}")
    shared = [
        f"{id_type} {value if show_values else mask(id_type, value)}"
        for id_type, value in reader.shared_values(kind, *pair)
    ]
    if shared:
        console.print(f"    both have {', '.join(shared)}")


def _between(pair: tuple[str, str], show_values: bool) -> str:
    return " - ".join(shown_record(record, show_values) for record in pair)


def _model_edge(edges: Sequence[Edge], pair: tuple[str, str]) -> Edge | None:
    return next((edge for edge in _of_pair(edges, pair) if edge["match_weight"] is not None), None)


def _print_waterfall(
    console: Console,
    reader: Reader,
    kind: str,
    edges: Sequence[Edge],
    pair: tuple[str, str],
    refused: Edge | None,
    decider: str | None,
    show_values: bool,
) -> None:
    """What the linkage model thinks of the pair, and who decided on it where that wasn't the model."""
    steps = reader.waterfall(kind, *pair)
    if not steps:
        return
    left, right = (shown_record(record, show_values) for record in pair)
    console.print(f"\nWeight of {left} and {right}", style="bold")
    if decider:
        console.print(f"Decided by {decider}; the weight is what the linkage model thinks of the pair.")
    rows = [
        [
            step["step"],
            step["level"].removeprefix(f"{step['step']}: "),
            f"{step['weight']:+.2f}",
            f"{step['cumulative_weight']:+.2f}",
            _bar(step["weight"]),
        ]
        for step in steps
    ]
    _print_table(console, ("Step", "Level", "Bits", "Sum", ""), rows)
    bits = steps[-1]["cumulative_weight"]
    console.print(f"{bits:+.2f} bits are a probability of {1 / (1 + 2.0**-bits):.4f}.")
    edge = _model_edge(edges, pair)
    if edge is None:
        console.print("The model gave this pair no edge: it wasn't among those compared, or its weight is too low.")
    elif edge["tier"] == "review" and edge is not refused:
        console.print(f"The model alone doesn't join them: {in_words(edge, steps)}.")


def _joined_by(edges: Sequence[Edge], pair: tuple[str, str]) -> str | None:
    """What joined the two records where it wasn't the linkage model.

    Stronger tiers are taken first, so of the edges between the two it was those of the strongest tier.
    """
    of_pair = _of_pair(_joining(edges), pair)
    strongest = [edge for edge in of_pair if edge["tier"] == of_pair[0]["tier"]]
    if not strongest:
        return "the edges above, not by this pair's own weight"
    if any(edge["match_weight"] is not None for edge in strongest):
        return None
    if strongest[0]["tier"] == "override":
        return "an override (identity_overrides.csv), not by the model"
    rules = [edge["rule"] for edge in strongest]
    return f"the rule{'s' if rules[1:] else ''} {' and '.join(rules)}, not by the model"


def _kept_apart_by(refused: Edge) -> str | None:
    """What kept the two records apart where it wasn't the linkage model."""
    if refused["reason"] == "review":
        return None
    by = "an override (identity_overrides.csv)" if refused["reason"] == "cannot_link" else "the refusal above"
    return f"{by}, not by the model"


def _bar(bits: float) -> str:
    return ("█" if bits > 0 else "░") * min(MOST_BLOCKS, round(abs(bits) / BITS_A_BLOCK))


def _print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Wider than the terminal, so that nothing is ever cut."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(Text(column), no_wrap=True, justify="right" if column in ("Bits", "Sum") else "left")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    wide = Console(file=console.file, width=WIDEST, highlight=False)
    wide.print(table, width=max(wide.measure(table).maximum, 1))
