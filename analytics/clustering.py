"""Which links between records hold, so that clusters stay within what is known of the records: protected linking.

Links are taken one by one, the surest first, and a link that would put together what must stay apart is refused
(constrained agglomeration, as single linkage by Kruskal's order with instance constraints: Wagstaff & Cardie 2000;
cores that weak links can't join: as in density clustering, Ester et al. 1996). The clusters are the connected
components of the links that are kept.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.evidence_paths import shortest_path

TIERS = ("override", "strong", "weak", "review")
REASONS = ("cannot_link", "different_id", "duplicate_free", "cap", "two_cores", "review")

_OVERRIDE, _STRONG, _WEAK, _REVIEW = range(len(TIERS))
_CANNOT_LINK, _DIFFERENT_ID, _DUPLICATE_FREE, _CAP, _TWO_CORES, _IN_REVIEW = range(len(REASONS))
_JOINED = -1

_Value = TypeVar("_Value")

_PAIRS = pl.DataFrame(schema={"record_id_l": pl.String, "record_id_r": pl.String})
_VALUES = pl.DataFrame(schema={"record_id": pl.String, "value": pl.String})
_LISTS = pl.DataFrame(schema={"record_id": pl.String, "duplicate_free_list": pl.String})


class OverridesError(ValueError):
    """Overrides that contradict each other, said in one sentence that names the records."""


@dataclass(frozen=True)
class Limits:
    """`max_records` of a cluster; how many records joined by strong links make a core, which no weak link joins to
    another; and how many typing errors apart two values of an exclusive identifier may be (Levenshtein's distance)."""

    max_records: int
    core_records: int = 2
    exclusive_distance: int = 2


@dataclass
class _Clusters:
    """Disjoint sets of records, numbered in the order of their ids, with what each set must not be joined to.

    The lists are by record, and hold what is true of a set at its root; the mappings have only the sets that have any.
    """

    limits: Limits
    parents: list[int]
    sizes: list[int]
    has_core: bytearray
    apart: dict[int, set[int]] = field(default_factory=dict)
    values: dict[int, set[str]] = field(default_factory=dict)
    lists: dict[int, set[str]] = field(default_factory=dict)

    def root(self, record: int) -> int:
        """The record that stands for the set (Tarjan's path halving)."""
        parents = self.parents
        while (parent := parents[record]) != record:
            parents[record] = record = parents[parent]
        return record

    def refusal(self, one: int, other: int, is_weak: bool) -> int:
        """Why the sets of these two roots can't be joined, as an index of REASONS, or _JOINED if they can."""
        if self.are_apart(one, other):
            return _CANNOT_LINK
        if one in self.values and other in self.values and self._values_differ(self.values[one], self.values[other]):
            return _DIFFERENT_ID
        if one in self.lists and other in self.lists and not self.lists[one].isdisjoint(self.lists[other]):
            return _DUPLICATE_FREE
        if self.sizes[one] + self.sizes[other] > self.limits.max_records:
            return _CAP
        if is_weak and self.has_core[one] and self.has_core[other]:
            return _TWO_CORES
        return _JOINED

    def are_apart(self, one: int, other: int) -> bool:
        """Whether a cannot-link stands between the sets of these two roots."""
        return one in self.apart and any(self.root(record) == other for record in self.apart[one])

    def _values_differ(self, one: set[str], other: set[str]) -> bool:
        """Whether a value of one set contradicts one of the other; what a set holds already, it can't be refused."""
        return any(
            not within_distance(left, right, self.limits.exclusive_distance)
            for left, right in product(one - other, other - one)
        )

    def join(self, one: int, other: int) -> None:
        """Put the smaller set of these two roots into the larger."""
        kept, joined = (one, other) if self.sizes[one] >= self.sizes[other] else (other, one)
        self.parents[joined] = kept
        self.sizes[kept] += self.sizes[joined]
        self.has_core[kept] |= self.has_core[joined]
        _unite(self.apart, kept, joined)
        _unite(self.values, kept, joined)
        _unite(self.lists, kept, joined)

    def mark_cores(self) -> None:
        """Take what is joined by now as a core, if it is large enough."""
        self.has_core = bytearray(size >= self.limits.core_records for size in self.sizes)


def _unite(sets: dict[int, set[_Value]], kept: int, joined: int) -> None:
    """Put the set of the root that goes into that of the root that stays."""
    if joined not in sets:
        return
    smaller, larger = sorted((sets.get(kept, set()), sets.pop(joined)), key=len)
    larger |= smaller
    sets[kept] = larger


def decide(
    edges: pl.DataFrame,
    *,
    cannot_links: pl.DataFrame = _PAIRS,
    exclusive: pl.DataFrame = _VALUES,
    duplicate_free: pl.DataFrame = _LISTS,
    limits: Limits,
) -> pl.DataFrame:
    """The edges, sorted by pair and rule, with is_kept and reason (why an edge isn't; null if it is).

    `edges`: record_id_l < record_id_r, rule, tier (of TIERS), confidence (0 to 1); other columns stay. `cannot_links`:
    record_id_l, record_id_r, in either order. `exclusive`: record_id, value; records whose values contradict each other
    are never together. `duplicate_free`: record_id, duplicate_free_list; nor are two records of one such list.

    Overrides come first, and beat everything but a cannot-link; then strong links, then weak ones, each by confidence,
    ties by record ids. Refused is what would put two records of a cannot-link, two contradicting values or two records
    of one list free of duplicates into one cluster, what would make it larger than the limit, what is weak and would
    join two cores, and what is for review. An edge within a cluster is kept, whatever joined it, so that the connected
    components of the kept edges are the clusters. The result doesn't depend on the order of rows in any frame.

    Raises OverridesError where overrides contradict each other, ValueError where a tier is unknown or a pair is the
    wrong way round.
    """
    _check(edges, cannot_links)
    ids = pl.concat([edges["record_id_l"], edges["record_id_r"]]).unique().sort()
    numbered = _numbered(edges, ids)
    left, right = numbered["l"].to_numpy(), numbered["r"].to_numpy()
    order = _order(numbered)
    apart = _pairs(cannot_links, ids)
    clusters = _start(ids, apart, exclusive, duplicate_free, limits)
    reasons = np.full(len(order), _IN_REVIEW, dtype=np.int8)
    tiers = numbered["tier"].to_numpy()[order]
    for tier in (_OVERRIDE, _STRONG, _WEAK):
        rows = order[tiers == tier]
        one, other = left[rows].tolist(), right[rows].tolist()
        reasons[rows] = _link(clusters, one, other, tier)
        if tier == _OVERRIDE:
            _check_overrides(clusters, apart, ids, list(zip(one, other, strict=True)))
        elif tier == _STRONG:
            clusters.mark_cores()
    rows = order[tiers == _REVIEW]
    reasons[rows] = _refusals_of_reviewers(clusters, left[rows].tolist(), right[rows].tolist())
    roots = np.array([clusters.root(record) for record in range(len(ids))], dtype=np.int64)
    names = pl.col("reason").replace_strict(dict(enumerate(REASONS)), default=None, return_dtype=pl.String)
    return (
        edges.with_columns(is_kept=pl.Series(roots[left] == roots[right]), reason=pl.Series(reasons))
        .with_columns(reason=pl.when(~pl.col("is_kept")).then(names))
        .select(pl.all().gather(_by_pair(numbered)))
    )


def _check(edges: pl.DataFrame, cannot_links: pl.DataFrame) -> None:
    unknown = edges.filter(~pl.col("tier").is_in(TIERS).fill_null(False))
    if unknown.height:
        raise ValueError(f"An edge has the tier {unknown['tier'].sort()[0]}; the tiers are {', '.join(TIERS)}.")
    turned = edges.filter(~(pl.col("record_id_l") < pl.col("record_id_r")).fill_null(False))
    if turned.height:
        left, right = turned.select("record_id_l", "record_id_r").sort(pl.all()).row(0)
        raise ValueError(f"The edge of {left} and {right} does not name two records, the smaller id first.")
    alone = cannot_links.filter(pl.col("record_id_l") == pl.col("record_id_r"))
    if alone.height:
        raise ValueError(f"The record {alone['record_id_l'].sort()[0]} is to stay apart from itself; name two records.")


def _numbered(edges: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """The edges as numbers: l and r (places in the sorted ids), tier, confidence, and the rule as it is."""
    number = _places(ids)
    tier = pl.col("tier").replace_strict({name: index for index, name in enumerate(TIERS)}, return_dtype=pl.Int8)
    return (
        edges.select(
            "rule", pl.col("confidence").cast(pl.Float64).fill_null(0.0), tier, id_l="record_id_l", id_r="record_id_r"
        )
        .join(number.rename({"number": "l"}), left_on="id_l", right_on="id", how="left", maintain_order="left")
        .join(number.rename({"number": "r"}), left_on="id_r", right_on="id", how="left", maintain_order="left")
        .drop("id_l", "id_r")
    )


def _places(ids: pl.Series) -> pl.DataFrame:
    """Each id with its number, its place among the sorted ids."""
    return pl.DataFrame({"id": ids, "number": pl.int_range(len(ids), eager=True)})


def _order(numbered: pl.DataFrame) -> NDArray[np.int64]:
    """Rows in the order in which they are decided."""
    by = [pl.col("tier"), -pl.col("confidence"), pl.col("l"), pl.col("r")]
    return np.asarray(numbered.select(pl.arg_sort_by(by).cast(pl.Int64)).to_series().to_numpy(), dtype=np.int64)


def _by_pair(numbered: pl.DataFrame) -> pl.Series:
    """Rows by pair; what differs in nothing that is decided by can come in any order."""
    return numbered.select(pl.arg_sort_by("l", "r", "rule", "tier", -pl.col("confidence"))).to_series()


def _pairs(cannot_links: pl.DataFrame, ids: pl.Series) -> list[tuple[int, int]]:
    """The cannot-links between records that have edges, as numbers, the smaller first, in order."""
    place = _places(ids)
    found = cannot_links.join(place.rename({"number": "l"}), left_on="record_id_l", right_on="id").join(
        place.rename({"number": "r"}), left_on="record_id_r", right_on="id"
    )
    return sorted({(min(pair), max(pair)) for pair in found.select("l", "r").iter_rows()})


def _start(
    ids: pl.Series,
    apart: list[tuple[int, int]],
    exclusive: pl.DataFrame,
    duplicate_free: pl.DataFrame,
    limits: Limits,
) -> _Clusters:
    """Every record alone."""
    clusters = _Clusters(limits, list(range(len(ids))), [1] * len(ids), bytearray(len(ids)))
    for left, right in apart:
        clusters.apart.setdefault(left, set()).add(right)
        clusters.apart.setdefault(right, set()).add(left)
    place = _places(ids)
    clusters.values = _texts_by_record(exclusive.select("record_id", text="value"), place)
    clusters.lists = _texts_by_record(duplicate_free.select("record_id", text="duplicate_free_list"), place)
    return clusters


def _texts_by_record(texts: pl.DataFrame, place: pl.DataFrame) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    placed = texts.drop_nulls().join(place, left_on="record_id", right_on="id")
    for number, text in placed.select("number", "text").iter_rows():
        found.setdefault(number, set()).add(text)
    return found


def _link(clusters: _Clusters, left: list[int], right: list[int], tier: int) -> NDArray[np.int8]:
    """Join what can be joined, in order; why the others were refused, by row."""
    refused = np.full(len(left), _JOINED, dtype=np.int8)
    root, refusal, join = clusters.root, clusters.refusal, clusters.join
    for row, (one, other) in enumerate(zip(left, right, strict=True)):
        one, other = root(one), root(other)
        if one == other:
            continue
        reason = _JOINED if tier == _OVERRIDE else refusal(one, other, tier == _WEAK)
        if reason == _JOINED:
            join(one, other)
        else:
            refused[row] = reason
    return refused


def _refusals_of_reviewers(clusters: _Clusters, left: list[int], right: list[int]) -> NDArray[np.int8]:
    """What is for review and what a reviewer has decided, by row."""
    root = clusters.root
    kept_apart = [clusters.are_apart(root(one), root(other)) for one, other in zip(left, right, strict=True)]
    return np.where(kept_apart, _CANNOT_LINK, _IN_REVIEW).astype(np.int8)


def _check_overrides(
    clusters: _Clusters, apart: list[tuple[int, int]], ids: pl.Series, overrides: list[tuple[int, int]]
) -> None:
    """Raise OverridesError if overrides join two records that are to stay apart; it names the first such pair."""
    for one, other in apart:
        if clusters.root(one) == clusters.root(other):
            links = [(str(ids[left]), str(ids[right])) for left, right in overrides]
            chain = " = ".join(shortest_path(links, [str(ids[one])], [str(ids[other])]))
            raise OverridesError(
                f"The overrides contradict each other: {ids[one]} and {ids[other]} are to stay apart, and are to be "
                f"joined by {chain}; take one of these back."
            )


def within_distance(one: str, other: str, distance: int) -> bool:
    """Whether at most `distance` letters are to be changed, added or left out to make one text the other.

    Levenshtein 1966; only cells nearer to the diagonal than the distance are filled (Ukkonen 1985).
    """
    if one == other:
        return True
    if abs(len(one) - len(other)) > distance:
        return False
    far = distance + 1
    row = [min(column, far) for column in range(len(other) + 1)]
    for line, letter in enumerate(one, start=1):
        low, high = max(1, line - distance), min(len(other), line + distance)
        above, row = row, [far] * (len(other) + 1)
        row[0] = min(line, far)
        for column in range(low, high + 1):
            changed = above[column - 1] + (letter != other[column - 1])
            row[column] = min(changed, above[column] + 1, row[column - 1] + 1, far)
        if min(row) >= far:
            return False
    return row[-1] <= distance
