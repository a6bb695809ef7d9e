"""How records hang together by the links between them: the shortest way, and the fewest links to cut."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise

Link = tuple[str, str]


def shortest_path(links: Iterable[Link], starts: Collection[str], ends: Collection[str]) -> list[str]:
    """A shortest way from one of `starts` to one of `ends`, both included; empty if there is none.

    Of several as short the first by name, so that the answer is always the same.
    """
    neighbours: dict[str, set[str]] = {}
    for one, other in links:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    return _path(neighbours, starts, ends)


def minimum_cut(links: Iterable[Link], starts: Collection[str], ends: Collection[str]) -> list[Link]:
    """The pairs that would have to be unlinked to part `starts` from `ends`, with the fewest links, sorted.

    A pair that occurs n times in `links` counts n (Ford & Fulkerson 1956, with shortest augmenting paths: Edmonds &
    Karp 1972). Empty where nothing links them. Raises ValueError where a record is on both sides.
    """
    if set(starts) & set(ends):
        raise ValueError("A record can't be parted from itself.")
    counts = Counter((min(link), max(link)) for link in links)
    room = {link: count for (one, other), count in counts.items() for link in ((one, other), (other, one))}
    while path := _path(_open(room), starts, ends):
        steps = list(pairwise(path))
        flow = min(room[step] for step in steps)
        for one, other in steps:
            room[one, other] -= flow
            room[other, one] += flow
    reached = _reached(_open(room), starts)
    return sorted(link for link in counts if (link[0] in reached) != (link[1] in reached))


def _open(room: Mapping[Link, int]) -> dict[str, set[str]]:
    neighbours: dict[str, set[str]] = {}
    for (one, other), left in room.items():
        if left > 0:
            neighbours.setdefault(one, set()).add(other)
    return neighbours


def _reached(neighbours: Mapping[str, set[str]], starts: Collection[str]) -> dict[str, str | None]:
    """Each record that can be reached, nearest first, with the one before it."""
    before: dict[str, str | None] = dict.fromkeys(sorted(starts))
    queue = list(before)
    for record in queue:
        for neighbour in sorted(neighbours.get(record, ())):
            if neighbour not in before:
                before[neighbour] = record
                queue.append(neighbour)
    return before


def _path(neighbours: Mapping[str, set[str]], starts: Collection[str], ends: Collection[str]) -> list[str]:
    before = _reached(neighbours, starts)
    record: str | None = next((record for record in before if record in ends), None)
    path = []
    while record is not None:
        path.append(record)
        record = before[record]
    return path[::-1]
