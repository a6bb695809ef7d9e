"""Ways between records and what would cut them."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.evidence_paths import minimum_cut, shortest_path

CHAIN = [("a", "b"), ("b", "c"), ("c", "d")]
LINKS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")).filter(lambda link: link[0] != link[1])
)


def test_the_shortest_way() -> None:
    assert shortest_path(CHAIN, {"a"}, {"d"}) == ["a", "b", "c", "d"]
    assert shortest_path([*CHAIN, ("d", "a")], {"a"}, {"d"}) == ["a", "d"]
    assert shortest_path([("a", "x"), ("a", "b"), ("b", "d"), ("x", "d")], {"a"}, {"d"}) == ["a", "b", "d"]
    assert shortest_path(CHAIN, {"a", "c"}, {"d"}) == ["c", "d"]
    assert shortest_path(CHAIN, {"a"}, {"e"}) == []


def test_a_bridge_is_cut_and_a_pair_counts_as_often_as_it_is_linked() -> None:
    triangles = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("d", "f")]
    assert minimum_cut(triangles, {"a"}, {"f"}) == [("c", "d")]
    assert minimum_cut([("a", "b"), ("b", "a"), ("b", "c")], {"a"}, {"c"}) == [("b", "c")]
    assert minimum_cut(CHAIN, {"a"}, {"e"}) == []
    with pytest.raises(ValueError, match="itself"):
        minimum_cut(CHAIN, {"a"}, {"a"})


@given(LINKS)
def test_a_cut_parts_and_none_is_smaller(links: list[tuple[str, str]]) -> None:
    pairs = sorted({(min(link), max(link)) for link in links})
    cut = minimum_cut(pairs, {"a"}, {"f"})
    assert shortest_path([pair for pair in pairs if pair not in cut], {"a"}, {"f"}) == []
    for fewer in combinations(pairs, max(len(cut) - 1, 0)) if cut else ():
        assert shortest_path([pair for pair in pairs if pair not in fewer], {"a"}, {"f"})
