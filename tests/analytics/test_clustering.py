"""Protected linking: known answers of what must not be joined, and what holds for any links in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.clustering import TIERS, Limits, decide, within_distance
from tests.conftest import examples

LIMITS = Limits(max_records=10)
Edge = tuple[str, str, str, float]
Pair = tuple[str, str]


def _edges(edges: Sequence[Edge]) -> pl.DataFrame:
    return pl.DataFrame(
        [(*sorted((one, other)), f"{tier} rule", tier, confidence) for one, other, tier, confidence in edges],
        schema={
            "record_id_l": pl.String,
            "record_id_r": pl.String,
            "rule": pl.String,
            "tier": pl.String,
            "confidence": pl.Float64,
        },
        orient="row",
    )


def _pairs(pairs: Sequence[Pair]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"record_id_l": pl.String, "record_id_r": pl.String}, orient="row")


def _texts(texts: Sequence[Pair], column: str) -> pl.DataFrame:
    return pl.DataFrame(texts, schema={"record_id": pl.String, column: pl.String}, orient="row")


def _decide(
    edges: Sequence[Edge],
    apart: Sequence[Pair] = (),
    values: Sequence[Pair] = (),
    lists: Sequence[Pair] = (),
    limits: Limits = LIMITS,
) -> pl.DataFrame:
    return decide(
        _edges(edges),
        cannot_links=_pairs(apart),
        exclusive=_texts(values, "value"),
        duplicate_free=_texts(lists, "duplicate_free_list"),
        limits=limits,
    )


def _components(edges: Sequence[Pair], records: Sequence[str]) -> list[set[str]]:
    """Connected components, the plain way."""
    found = [{record} for record in records]
    for pair in edges:
        joined = [one for one in found if one & set(pair)]
        found = [one for one in found if not one & set(pair)] + [set[str]().union(*joined)]
    return found


def _kept(decided: pl.DataFrame) -> list[Pair]:
    return decided.filter("is_kept").select("record_id_l", "record_id_r").rows()


def _reasons(decided: pl.DataFrame) -> list[tuple[str, str, str]]:
    return decided.filter(~pl.col("is_kept")).select("record_id_l", "record_id_r", "reason").rows()


def _clusters(decided: pl.DataFrame) -> list[str]:
    records = {record for pair in decided.select("record_id_l", "record_id_r").rows() for record in pair}
    return sorted("".join(sorted(one)) for one in _components(_kept(decided), sorted(records)))


def test_a_chain_joins_what_no_edge_names() -> None:
    decided = _decide([("a", "b", "strong", 1), ("b", "c", "weak", 0.9), ("d", "e", "weak", 0.8)])
    assert _clusters(decided) == ["abc", "de"]
    assert decided["reason"].null_count() == 3


def test_without_edges_nothing_is_decided() -> None:
    decided = decide(_edges([]), limits=LIMITS)
    assert decided.is_empty()
    assert decided.columns[-2:] == ["is_kept", "reason"]


def test_a_cannot_link_holds_over_a_chain_and_costs_its_weakest_edge() -> None:
    edges: list[Edge] = [("a", "b", "strong", 0.9), ("b", "c", "strong", 0.8), ("c", "d", "strong", 0.95)]
    decided = _decide(edges, apart=[("d", "a")])
    assert _clusters(decided) == ["ab", "cd"]
    assert _reasons(decided) == [("b", "c", "cannot_link")]


def test_a_typing_slip_in_a_tax_id_is_no_contradiction_but_another_id_is_over_any_chain() -> None:
    edges: list[Edge] = [("a", "b", "strong", 0.9), ("b", "c", "strong", 0.8), ("b", "d", "weak", 0.7)]
    values = [("a", "de811907980"), ("c", "de118907980"), ("d", "de129273398")]
    decided = _decide(edges, values=values)
    assert _clusters(decided) == ["abc", "d"]
    assert _reasons(decided) == [("b", "d", "different_id")]


def test_a_reviewer_s_decision_is_the_reason_where_a_pair_was_for_review_too() -> None:
    decided = _decide([("a", "b", "strong", 0.9), ("b", "c", "review", 0.8), ("b", "d", "review", 0.8)], [("c", "a")])
    assert _reasons(decided) == [("b", "c", "cannot_link"), ("b", "d", "review")]


def test_slips_do_not_add_up_along_a_chain() -> None:
    values = [("a", "11111111"), ("b", "11111122"), ("c", "11112222")]
    decided = _decide([("a", "b", "strong", 0.9), ("b", "c", "strong", 0.8)], values=values)
    assert _reasons(decided) == [("b", "c", "different_id")]


def test_one_record_of_a_list_free_of_duplicates_in_a_cluster() -> None:
    edges: list[Edge] = [("a", "x", "strong", 0.9), ("b", "x", "strong", 0.95), ("c", "x", "weak", 0.9)]
    decided = _decide(edges, lists=[("a", "crm"), ("b", "crm"), ("c", "billing")])
    assert _clusters(decided) == ["a", "bcx"]
    assert _reasons(decided) == [("a", "x", "duplicate_free")]


@pytest.mark.parametrize("tier", ["strong", "weak"])
def test_one_mailbox_on_200_records_stays_within_the_cap(tier: str) -> None:
    names = [f"r{index:03}" for index in range(200)]
    decided = _decide([(one, other, tier, 0.99) for one, other in combinations(names, 2)])
    sizes = {len(one) for one in _components(_kept(decided), names)}
    assert max(sizes) == LIMITS.max_records
    assert set(decided["reason"].drop_nulls()) == {"cap"}


def test_a_weak_bridge_does_not_join_two_cores_but_a_strong_one_does() -> None:
    cores: list[Edge] = [("a", "b", "strong", 0.9), ("c", "d", "strong", 0.9)]
    bridges: list[Edge] = [("a", "c", "weak", 0.999), ("b", "d", "weak", 0.999), ("b", "e", "weak", 0.5)]
    decided = _decide(cores + bridges)
    assert _clusters(decided) == ["abe", "cd"]
    assert _reasons(decided) == [("a", "c", "two_cores"), ("b", "d", "two_cores")]
    assert _clusters(_decide([*cores, *bridges, ("b", "c", "strong", 0.1)])) == ["abcde"]


def test_a_single_record_does_not_carry_one_core_into_another() -> None:
    edges: list[Edge] = [("a", "b", "strong", 0.9), ("c", "d", "strong", 0.9)]
    decided = _decide([*edges, ("a", "x", "weak", 0.9), ("c", "x", "weak", 0.8)])
    assert _reasons(decided) == [("c", "x", "two_cores")]
    crowd: list[Edge] = [("x", "y", "weak", 0.99), ("y", "z", "weak", 0.99), ("c", "z", "weak", 0.8)]
    assert _clusters(_decide([*edges, *crowd, ("a", "x", "weak", 0.9)])) == ["abxyz", "cd"]


def test_larger_cores_can_be_asked_for() -> None:
    edges: list[Edge] = [("a", "b", "strong", 0.9), ("c", "d", "strong", 0.9), ("a", "c", "weak", 0.9)]
    assert _clusters(_decide(edges, limits=Limits(10, core_records=3))) == ["abcd"]


def test_review_joins_nothing_but_lies_within_what_others_joined() -> None:
    decided = _decide(
        [("a", "b", "review", 1), ("a", "c", "strong", 1), ("b", "c", "weak", 1), ("c", "d", "review", 1)]
    )
    assert _clusters(decided) == ["abc", "d"]
    assert _reasons(decided) == [("c", "d", "review")]


def test_an_override_beats_all_but_a_cannot_link() -> None:
    override: Edge = ("a", "b", "override", 1)
    assert _clusters(_decide([override], values=[("a", "123456"), ("b", "987654")])) == ["ab"]
    assert _clusters(_decide([override], lists=[("a", "crm"), ("b", "crm")])) == ["ab"]
    assert _clusters(_decide([override], limits=Limits(1))) == ["ab"]
    assert _clusters(_decide([override, ("b", "c", "override", 1)], limits=Limits(2))) == ["abc"]


def test_what_an_override_joined_against_the_rules_takes_no_third_value() -> None:
    edges: list[Edge] = [("a", "b", "override", 1), ("a", "c", "strong", 1), ("a", "d", "strong", 0.9)]
    decided = _decide(edges, values=[("a", "123456"), ("b", "987654"), ("c", "987654"), ("d", "555555")])
    assert _clusters(decided) == ["abc", "d"]


def test_overrides_that_contradict_each_other_are_named_with_their_chain() -> None:
    edges: list[Edge] = [("a", "b", "override", 1), ("b", "c", "override", 1), ("c", "d", "override", 1)]
    with pytest.raises(ValueError, match=r"^The overrides .*: a and c are to stay apart, .* by a = b = c; take"):
        _decide(edges, apart=[("d", "b"), ("c", "a")])


@pytest.mark.parametrize(
    ("edges", "apart", "says"),
    [
        (_edges([("a", "b", "sure", 1)]), [], "has the tier sure; the tiers are override, strong, weak, review"),
        (_edges([("a", "a", "weak", 1)]), [], "of a and a does not name two records"),
        (_edges([]), [("a", "a")], "The record a is to stay apart from itself"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(edges: pl.DataFrame, apart: list[Pair], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decide(edges, cannot_links=_pairs(apart), limits=LIMITS)


def test_other_columns_stay() -> None:
    edges = _edges([("b", "c", "weak", 1), ("a", "b", "weak", 1)]).with_columns(match_weight=pl.Series([1.0, 2.0]))
    assert decide(edges, limits=LIMITS)["match_weight"].to_list() == [2.0, 1.0]


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.integers(0, 3))
def test_distance_is_levenshteins(one: str, other: str, distance: int) -> None:
    def plain(left: str, right: str) -> int:
        if not left or not right:
            return len(left) + len(right)
        swapped = plain(left[1:], right[1:]) + (left[0] != right[0])
        return min(swapped, plain(left[1:], right) + 1, plain(left, right[1:]) + 1)

    assert within_distance(one, other, distance) == (plain(one, other) <= distance)


@dataclass(frozen=True)
class World:
    edges: list[Edge]
    apart: list[Pair]
    values: list[Pair]
    lists: list[Pair]

    def decide(self) -> pl.DataFrame:
        return _decide(self.edges, self.apart, self.values, self.lists, Limits(max_records=5))


@st.composite
def worlds(draw: st.DrawFn, tiers: Sequence[str] = TIERS[1:]) -> World:
    record = st.sampled_from("abcdefghij")
    pair = st.tuples(record, record).filter(lambda two: two[0] != two[1])
    confidence = st.sampled_from([0.5, 0.7, 0.7, 0.9, 1.0])
    edge = st.tuples(pair, st.sampled_from(tiers), confidence).map(lambda one: (*one[0], *one[1:]))
    value = st.sampled_from(["10000000", "10000002", "10000222", "99999999"])
    return World(
        draw(st.lists(edge, max_size=30)),
        draw(st.lists(pair, max_size=4)),
        draw(st.lists(st.tuples(record, value), max_size=5, unique_by=lambda one: one[0])),
        draw(
            st.lists(st.tuples(record, st.sampled_from(["crm", "billing"])), max_size=5, unique_by=lambda one: one[0])
        ),
    )


def _forbidden(world: World, one: set[str], other: set[str]) -> set[str]:
    """Why two sets of records can't be one cluster, the plain way; without what only weak links mind."""
    values, lists = dict(world.values), dict(world.lists)
    across = list(product(one, other))
    return {
        reason
        for reason, is_so in (
            ("cannot_link", any(pair in across or pair[::-1] in across for pair in world.apart)),
            (
                "different_id",
                any(
                    left in values and right in values and not within_distance(values[left], values[right], 2)
                    for left, right in across
                ),
            ),
            (
                "duplicate_free",
                any(left in lists and lists[left] == lists.get(right) for left, right in across),
            ),
            ("cap", len(one) + len(other) > 5),
        )
        if is_so
    }


@settings(max_examples=examples(100))
@given(worlds())
def test_every_protection_holds_within_and_every_refusal_has_its_reason(world: World) -> None:
    decided = world.decide()
    clusters = _components(_kept(decided), "abcdefghij")
    cluster_of = {record: number for number, one in enumerate(clusters) for record in one}
    sure = decided.filter(pl.col("is_kept") & (pl.col("tier") == "strong"))
    cores = [one for one in _components(_kept(sure), "abcdefghij") if len(one) > 1]
    for one in clusters:
        assert len(one) <= 5
        assert not {reason for two in combinations(one, 2) for reason in _forbidden(world, {two[0]}, {two[1]})}
        assert sum(core <= one for core in cores) <= 1
    for left, right, tier, is_kept, reason in decided.drop("rule", "confidence").iter_rows():
        assert is_kept == (cluster_of[left] == cluster_of[right])
        if is_kept:
            assert reason is None
            continue
        one, other = clusters[cluster_of[left]], clusters[cluster_of[right]]
        both_cores = all(any(core <= side for core in cores) for side in (one, other))
        if tier == "review":
            assert reason == ("cannot_link" if "cannot_link" in _forbidden(world, one, other) else "review")
        elif reason == "two_cores":
            assert tier == "weak"
            assert both_cores
        else:
            assert reason in _forbidden(world, one, other)


@settings(max_examples=examples(50))
@given(worlds(TIERS), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(world: World, random: Random) -> None:
    shuffled = World(*(random.sample(part, len(part)) for part in vars(world).values()))
    assert _outcome(world) == _outcome(shuffled)


def _outcome(world: World) -> object:
    try:
        return world.decide().rows()
    except ValueError as error:
        return str(error)
