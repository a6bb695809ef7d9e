"""The success teams' files: mapped, they fulfil their contracts; the truth lists what is wrong; ids are the CRMs'."""

from collections.abc import Iterator

import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import hubspot, salesforce, success
from ingestion.demo.damage import DEFAULT, NONE
from tests.ingestion.demo import relation_loads as relations
from tests.ingestion.demo.relation_loads import Loaded, System, small_world

FILES = System("files", success.exports, success.SHAPES, success.COLUMNS)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[Loaded]:
    found = relations.load(tmp_path_factory.mktemp("clean"), FILES, NONE, contracts)
    yield found
    found.con.close()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[Loaded]:
    found = relations.load(tmp_path_factory.mktemp("damaged"), FILES, DEFAULT, contracts)
    yield found
    found.con.close()


def test_undamaged_rows_fulfil_their_contract(clean: Loaded, contracts: Contracts) -> None:
    relations.check_shapes(FILES, contracts)
    relations.check_clean(clean, contracts)


def test_the_loader_does_with_damage_what_the_truth_expects(damaged: Loaded, contracts: Contracts) -> None:
    relations.check_loads(damaged, contracts)


def test_the_truth_lists_all_damage_and_nothing_else(damaged: Loaded, clean: Loaded) -> None:
    relations.check_list(damaged, clean)


def test_the_same_seed_gives_the_same_exports() -> None:
    relations.check_repeatable(FILES)


def test_ids_are_those_of_the_crm_that_the_row_names(clean: Loaded) -> None:
    crm = {
        ("hubspot", "customer_id"): hubspot.exports(small_world(), NONE).tables["companies"][0][1]["id"],
        ("hubspot", "person_id"): hubspot.exports(small_world(), NONE).tables["contacts"][0][1]["id"],
        ("salesforce", "customer_id"): salesforce.exports(small_world(), NONE).tables["accounts"][0][1]["id"],
        ("salesforce", "person_id"): salesforce.exports(small_world(), NONE).tables["contacts"][0][1]["id"],
    }
    for table in clean.exports.tables:
        rows = clean.current(table)
        for (system, column), known in crm.items():
            if column in rows.columns:
                named = rows.filter(pl.col("id_system") == system)[column].drop_nulls()
                assert named.is_in(known.implode()).all(), (table, system, column)
    assert clean.current("meetings")["id_system"].unique().to_list() == ["salesforce"]


def test_the_log_tells_every_case_as_it_was(clean: Loaded) -> None:
    cases = small_world().interventions
    log = clean.current("interventions").sort("intervention_id")
    assert len(log) == len(cases)
    for column in ("playbook", "arm", "assigned_by", "assigned_at", "started_at", "completed_at", "outcome"):
        assert log[column].equals(cases[column], check_names=False), column
    assert (
        (log["cost_amount"].cast(pl.Float64) * 100)
        .round()
        .cast(pl.Int64)
        .equals(cases["cost_minor"], check_names=False)
    )


def test_roles_tell_which_sponsors_left(clean: Loaded) -> None:
    roles = clean.current("contact_roles").filter(pl.col("role") == "executive_sponsor")
    sponsors = small_world().people.filter(pl.col("role") == "executive_sponsor")
    assert len(roles) == len(sponsors)
    assert roles["valid_to"].count() == sponsors["left_at"].count() > 0
    assert roles.filter(pl.col("valid_to") < pl.col("valid_from")).is_empty()


def test_plans_stop_where_the_customer_left(clean: Loaded) -> None:
    world = small_world()
    steps = clean.current("milestones").with_columns(
        company=pl.col("milestone_id").str.extract(r"MS-(\d+)-").cast(pl.Int32)
    )
    assert len(steps) == len(world.companies) * len(success.STEPS)
    assert steps.filter((pl.col("status") == "complete") != pl.col("reached_at").is_not_null()).is_empty()
    gone = world.companies.filter(pl.col("churned_at").is_not_null())["company"]
    assert len(gone) > 0
    left = steps.filter(pl.col("company").is_in(gone.implode()))
    assert set(left["status"]) <= {"complete", "dropped"}
    assert steps.filter(pl.col("status") == "in_progress").group_by("company").len()["len"].max() == 1
