"""Linkage of people and companies: known answers of the arithmetic, determinism, poor input, and real data."""

import json
from datetime import date
from itertools import pairwise as neighbours
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest

from analytics.linkage import count_comparisons, explain, score, train
from analytics.linkage_model import FORMAT_VERSION, LevelWeights, Model, ModelError, prior_model
from analytics.linkage_quality import pairwise
from analytics.linkage_specification import SPECIFICATIONS, Kind
from analytics.linkage_training import Pass, correct_u, dependence_weights, expectation_maximisation, monotone
from tests.labelled import decided_clusters, fake_1000, febrl, fodors_zagats, synthetic_people, with_truth

SMALL = synthetic_people(600)
PEOPLE = SPECIFICATIONS["people"]


@pytest.fixture(scope="module")
def model() -> Model:
    return train(SMALL.records, "people")


@pytest.fixture(scope="module")
def scored(model: Model) -> pl.DataFrame:
    return score(SMALL.records, model)


def test_weights_are_bits_of_evidence() -> None:
    assert [LevelWeights("", m, u).weight for m, u in ((0.5, 0.5), (0.8, 0.1), (0.05, 0.8))] == [0.0, 3.0, -4.0]


def test_probability_follows_from_weight(scored: pl.DataFrame) -> None:
    odds = 2 ** scored["match_weight"]
    assert np.allclose(scored["match_probability"], odds / (1 + odds))
    assert [round(2.0**w / (1 + 2.0**w), 3) for w in (0, 2, 3, 4, 7)] == [0.5, 0.8, 0.889, 0.941, 0.992]
    assert round(2.0**9.47 / (1 + 2.0**9.47), 4) == 0.9986


def test_people_of_one_entity_are_found(scored: pl.DataFrame) -> None:
    quality = pairwise(with_truth(SMALL, decided_clusters(SMALL, scored)))
    assert quality.precision >= 0.98
    assert quality.recall >= 0.85


def test_pairs_have_a_rule_and_are_in_order(scored: pl.DataFrame) -> None:
    assert (scored["record_id_l"] < scored["record_id_r"]).all()
    assert set(scored["blocking_rule"]) <= {rule.name for rule in PEOPLE.blocking_rules}
    assert not scored.select("record_id_l", "record_id_r").is_duplicated().any()


def test_order_of_records_changes_nothing(model: Model, scored: pl.DataFrame) -> None:
    shuffled = SMALL.records.sample(fraction=1, shuffle=True, seed=7)
    assert train(shuffled, "people") == model
    assert score(shuffled, model).equals(scored)


def test_a_score_does_not_depend_on_the_others_in_the_batch(model: Model, scored: pl.DataFrame) -> None:
    strongest = scored.sort("match_weight").tail(1)
    two = SMALL.records.filter(pl.col("record_id").is_in([strongest[0, "record_id_l"], strongest[0, "record_id_r"]]))
    assert score(two, model)["match_weight"].to_list() == pytest.approx(strongest["match_weight"].to_list())


def test_waterfall_ends_at_the_weight(model: Model, scored: pl.DataFrame) -> None:
    for row in scored.sort("match_weight").gather([0, -1]).iter_rows(named=True):
        two = SMALL.records.filter(pl.col("record_id").is_in([row["record_id_l"], row["record_id_r"]]))
        steps = explain(two, model)
        assert steps["cumulative_weight"][-1] == pytest.approx(row["match_weight"])
        assert steps["step"].to_list() == ["prior", *(c.name for c in PEOPLE.weighed)]
        assert np.allclose(np.log2(steps["bayes_factor"]), steps["weight"])
    with pytest.raises(ValueError, match="is two records, not 600"):
        explain(SMALL.records, model)


def test_model_survives_its_document(model: Model) -> None:
    assert Model.from_json(model.to_json(), "people") == model
    assert json.loads(model.to_json())["splink_version"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format_version": FORMAT_VERSION + 1}, f"of format version {FORMAT_VERSION + 1}"),
        ({"kind": "companies"}, "for companies, not for people"),
        ({"format": "other"}, "train it again"),
        ({"prior": 1.5}, "outside 0 to 1"),
        ({"comparisons": {}}, "other comparisons"),
        ({"term_frequencies": None}, "damaged"),
    ],
)
def test_model_of_another_kind_is_refused(model: Model, change: dict[str, object], says: str) -> None:
    document = json.loads(model.to_json()) | change
    with pytest.raises(ModelError, match=says):
        Model.from_json(json.dumps(document), "people")
    with pytest.raises(ModelError, match="not a linkage model"):
        Model.from_json("[]", "people")


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("count", [0, 1, 40])
def test_records_without_any_value(kind: Kind, count: int) -> None:
    empty = pl.DataFrame({"record_id": [f"r{index}" for index in range(count)]}, schema={"record_id": pl.String})
    model = train(empty, kind)
    model.check()
    assert score(empty, model).is_empty()
    assert count_comparisons(empty, model.kind)["comparison_count"].sum() == 0


def test_columns_of_nulls_leave_sane_weights() -> None:
    nulled = SMALL.records.with_columns(email=None, national_id=None, birth_date=None, address=pl.lit(None))
    model = train(nulled, "people")
    for comparison in PEOPLE.comparisons:
        weights = [level.weight for level in model.levels[comparison.name]]
        assert all(stronger >= weaker - 1e-6 for stronger, weaker in neighbours(weights))
        assert weights[0] > 0 > weights[-1]
    shipped = prior_model("people").levels["national_id"]
    assert [level.m for level in model.levels["national_id"]] == pytest.approx([level.m for level in shipped])


def test_record_ids_must_be_unique() -> None:
    with pytest.raises(ValueError, match="not unique"):
        train(pl.DataFrame({"record_id": ["a", "a"]}), "people")


def test_dates_and_texts_are_compared_alike() -> None:
    shared = {"first_name": ["ann", "ann"], "last_name": ["lee", "lee"], "record_id": ["a", "b"]}
    texts = pl.DataFrame({**shared, "birth_date": ["1980-02-01", "1980-01-02"]})
    dates = pl.DataFrame({**shared, "birth_date": [date(1980, 2, 1), date(1980, 1, 2)]})
    scores = [score(frame, prior_model("people")) for frame in (texts, dates)]
    assert scores[0].equals(scores[1])
    assert scores[0]["level_birth_date"].to_list() == [2]


def test_a_value_on_many_records_is_left_out_and_reported() -> None:
    count = 10_000
    records = pl.DataFrame(
        {
            "record_id": [f"r{index:05}" for index in range(count)],
            "email": "test@test.com",
            "phone": "+440000000000",
            "first_name": [f"name{index}" for index in range(count)],
        }
    )
    counts = count_comparisons(records, "people")
    assert counts["comparison_count"].sum() == 0
    left_out = dict(counts.select("rule", "left_out_record_count").iter_rows())
    assert left_out["e-mail"] == left_out["phone"] == count
    assert score(records, prior_model("people")).is_empty()


def test_lists_free_of_duplicates_give_no_pairs_within() -> None:
    records = pl.DataFrame(
        {
            "record_id": ["a", "b", "c", "d"],
            "duplicate_free_list": ["crm", "crm", "shop", None],
            "name": "acme",
            "domain": "acme.com",
        }
    )
    pairs = score(records, prior_model("companies"))
    assert pairs.select("record_id_l", "record_id_r").rows() == [
        ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d"),
    ]  # fmt: skip


def test_a_family_is_not_one_person() -> None:
    shared = {"last_name": "okonkwo", "address": "12 elm street", "city": "leeds", "postal_code": "ls1 2ab"}
    family = pl.DataFrame({"record_id": ["a", "b"], "first_name": ["ada", "chike"], **shared})
    weight = score(family, train(SMALL.records, "people"), weight_floor=-99)["match_weight"]
    assert weight.to_list()[0] < 0


def test_u_is_cleared_of_the_matches_in_the_sample() -> None:
    shipped, m = np.array([1e-5, 1 - 1e-5]), np.array([0.9, 0.1])
    corrected = correct_u(np.array([0.0036, 0.9964]), 1e6, m, 0.004, shipped)
    assert corrected[0] == pytest.approx(1e-5 * 20_000 / (1e6 * (1 - 0.004) + 20_000), rel=0.01)


def test_monotone_keeps_sums_and_orders_weights() -> None:
    m, u = monotone(np.array([0.5, 0.1, 0.3, 0.1]), np.array([0.01, 0.1, 0.05, 0.84]))
    assert m.sum() == pytest.approx(1)
    weights = np.log2(m / u)
    assert (np.diff(weights) <= 1e-12).all()
    assert weights[1] == pytest.approx(np.log2(0.4 / 0.15))


def test_dependence_takes_back_what_a_shared_home_is_overrated_by() -> None:
    """10,000 records, 3,000 pairs of relatives: they are 3000 / (5e7 · .4) of random pairs, 176 times independence."""
    (weight,) = dependence_weights(2900, 10_000, 50_000_000, 8.5e-4, [0.4], [1e-3])
    assert weight == pytest.approx(-np.log2(1 + 3000 / 5e7 / (8.5e-4 * 1e-3)))


def test_em_recovers_m_of_a_known_mixture() -> None:
    random = np.random.default_rng(3)
    is_match = random.random(40_000) < 0.3
    m = {"a": np.array([0.9, 0.1]), "b": np.array([0.7, 0.3]), "c": np.array([0.8, 0.2])}
    u = {"a": np.array([0.05, 0.95]), "b": np.array([0.1, 0.9]), "c": np.array([0.02, 0.98])}
    seen = np.column_stack(
        [np.where(is_match, random.random(40_000) > m[name][0], random.random(40_000) > u[name][0]) for name in "abc"]
    ).astype(np.int64)
    patterns, counts = np.unique(seen, axis=0, return_counts=True)
    one = Pass(patterns, counts.astype(float), frozenset(), "all", 40_000.0)
    shipped = {name: np.array([0.6, 0.4]) for name in "abc"}
    found, _, shares = expectation_maximisation([one], "abc", shipped, u, {n: (u[n], 1e8) for n in "abc"}, 1e-6)
    assert shares[0] == pytest.approx(0.3, abs=0.01)
    for name in "abc":
        assert found[name] == pytest.approx(m[name], abs=0.02)


@pytest.mark.wide
@pytest.mark.parametrize("number", [1, 2, 3])
def test_febrl(data: Path, number: int) -> None:
    labelled = febrl(data, number)
    pairs = score(labelled.records, train(labelled.records, "people"))
    assert pairwise(with_truth(labelled, decided_clusters(labelled, pairs))).f1 >= 0.99


def test_fake_1000(data: Path) -> None:
    labelled = fake_1000(data)
    pairs = score(labelled.records, train(labelled.records, "people"))
    quality = pairwise(with_truth(labelled, decided_clusters(labelled, pairs)))
    assert quality.f1 >= 0.80
    assert quality.precision >= 0.95


def test_fodors_zagats(data: Path) -> None:
    labelled = fodors_zagats(data)
    pairs = score(labelled.records, train(labelled.records, "companies"))
    assert pairwise(with_truth(labelled, decided_clusters(labelled, pairs))).f1 >= 0.95
