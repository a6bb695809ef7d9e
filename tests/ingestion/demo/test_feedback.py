"""Delighted: contracts hold, the truth lists what is wrong, scores and silence tell of satisfaction."""

import json
from collections.abc import Iterator

import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import feedback
from ingestion.demo.damage import DEFAULT, NONE
from ingestion.demo.ids import zendesk_ids
from ingestion.demo.tickets import tickets
from ingestion.demo.world import World, build_world
from tests.ingestion.demo import relation_loads as relations
from tests.ingestion.demo.relation_loads import Loaded, System, small_world

DELIGHTED = System("delighted", feedback.exports, feedback.SHAPES)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[Loaded]:
    found = relations.load(tmp_path_factory.mktemp("clean"), DELIGHTED, NONE, contracts)
    yield found
    found.con.close()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[Loaded]:
    found = relations.load(tmp_path_factory.mktemp("damaged"), DELIGHTED, DEFAULT, contracts)
    yield found
    found.con.close()


@pytest.fixture(scope="module")
def larger_world() -> World:
    return build_world(customers=400, months=12, rng=7)


def test_undamaged_rows_fulfil_their_contract(clean: Loaded, contracts: Contracts) -> None:
    relations.check_shapes(DELIGHTED, contracts)
    relations.check_clean(clean, contracts)


def test_the_loader_does_with_damage_what_the_truth_expects(damaged: Loaded, contracts: Contracts) -> None:
    relations.check_loads(damaged, contracts)


def test_the_truth_lists_all_damage_and_nothing_else(damaged: Loaded, clean: Loaded) -> None:
    relations.check_list(damaged, clean)
    relations.check_records(damaged, "person_id")


def test_the_same_seed_gives_the_same_exports() -> None:
    relations.check_repeatable(DELIGHTED)


def test_answers_follow_their_invitations(clean: Loaded) -> None:
    both = clean.current("survey_responses").join(
        clean.current("survey_requests"), left_on="survey_request_id", right_on="id", suffix="_asked"
    )
    assert len(both) == len(clean.current("survey_responses"))
    assert both.select((pl.col("created_at") >= pl.col("sent_at")).all()).item()
    assert both.select((pl.col("person_id") == pl.col("person_id_asked")).all()).item()
    assert both.filter(pl.col("survey_type") == "csat").select(pl.col("score").is_between(1, 5).all()).item()


def test_surveys_about_tickets_name_the_ticket(clean: Loaded) -> None:
    asked = clean.current("survey_requests").filter(pl.col("survey_type") == "csat")
    named = {json.loads(properties)["ticket_id"] for properties in asked["properties"]}
    solved = tickets(small_world()).filter(pl.col("solved_at").is_not_null())
    assert 0 < len(named) == len(asked)
    assert named <= set(zendesk_ids("tickets", solved["ticket"]))


def test_the_unhappy_say_so_or_nothing(larger_world: World) -> None:
    tables = feedback.exports(larger_world, NONE).tables
    requests, answers = tables["survey_requests"][0][1], tables["survey_responses"][0][1]
    asked = requests.join(answers.select("score", id="survey_request_id"), on="id", how="left")
    asked = asked.filter(pl.col("survey_type") == "nps").with_columns(
        month=pl.col("sent_at").str.slice(0, 7) + "-01", score=pl.col("score").cast(pl.Int64)
    )
    people = larger_world.people.select("company", "email")
    panel = larger_world.panel.select("company", "satisfaction", month=pl.col("month").cast(pl.String))
    joined = asked.join(people, on="email").join(panel, on=["company", "month"])
    assert len(joined) == len(asked)
    split = joined.group_by(is_happy=pl.col("satisfaction") > 0.6).agg(
        pl.col("score").mean(), answered=pl.col("score").is_not_null().mean()
    )
    happy, unhappy = (split.filter(pl.col("is_happy") == is_happy).row(0, named=True) for is_happy in (True, False))
    assert happy["score"] > unhappy["score"] + 1
    assert happy["answered"] > unhappy["answered"] + 0.02
    assert 0.1 < joined["score"].is_not_null().mean() < 0.5


def test_nobody_is_asked_who_has_left(larger_world: World) -> None:
    requests = feedback.exports(larger_world, NONE).tables["survey_requests"][0][1]
    left = larger_world.people.select("email", "left_at", "joined_at").join(
        requests.filter(pl.col("survey_type") == "nps"), on="email"
    )
    sent = pl.col("sent_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ")
    assert len(left) > 0
    assert left.filter((sent >= pl.col("left_at")) | (sent <= pl.col("joined_at"))).is_empty()
