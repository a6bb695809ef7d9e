"""The planted contradictions: enough of them, of several kinds, and really there in both systems."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from ingestion.demo import feedback, hubspot, salesforce
from ingestion.demo.clock import END
from ingestion.demo.contradictions import KINDS, PLANTED, planted
from ingestion.demo.crm import book
from ingestion.demo.damage import CONTRADICTIONS, DEFAULT, NONE
from ingestion.demo.ids import delighted_ids, hubspot_ids, salesforce_ids
from ingestion.demo.tickets import tickets
from ingestion.demo.usage import idle_people, write_events
from ingestion.demo.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    """Large enough for every kind."""
    return build_world(customers=500, months=12, rng=7)


@pytest.fixture(scope="module")
def told(world: World) -> dict[str, pl.DataFrame]:
    """CRM records by id, as the newest exports have them: status, sentiment, renewal_date, plan, owner."""
    hub = hubspot.exports(world, DEFAULT).tables["companies"][-1][1]
    accounts = pl.concat([frame for _, frame in salesforce.exports(world, DEFAULT).tables["accounts"]])
    return {
        "hubspot": hub.select(
            "id", "renewal_date", "plan", status="customer_status", sentiment="csm_sentiment", owner="hubspot_owner_id"
        ),
        "salesforce": accounts.unique("id", keep="last").select(
            "id",
            "renewal_date",
            plan=pl.lit(None, pl.String),
            status=pl.col("type").replace_strict({"Customer": "active", "Former Customer": "former"}, default=None),
            sentiment=pl.col("health").str.to_lowercase(),
            owner="owner_id",
        ),
    }


def _said(told: dict[str, pl.DataFrame], row: dict[str, object], field: str) -> object:
    return told[str(row["source_a"])].filter(pl.col("id") == row["record_a"])[field].item()


def test_twenty_of_seven_kinds_each_in_a_company_of_its_own(world: World) -> None:
    found = planted(world, DEFAULT)
    assert len(found) == DEFAULT.contradictions == 20
    assert len(Counter(found["kind"])) == 7
    assert found["company"].is_unique().all()
    assert planted(world, NONE).is_empty()


@pytest.mark.parametrize("rng", [1, 7, 8])
def test_three_hundred_customers_are_enough_for_every_kind(rng: int) -> None:
    found = planted(build_world(customers=300, months=8, rng=rng), DEFAULT)
    assert set(found["kind"]) == set(KINDS)


def test_promoters_of_a_small_company_were_not_in_the_product_for_two_months(tmp_path: Path) -> None:
    world = build_world(customers=60, months=8, rng=7)
    (person,) = planted(world, DEFAULT).filter(pl.col("kind") == "promoter_without_logins")["person"].head(1)
    write_events(world, DEFAULT, tmp_path, 60_000)
    seen = pl.read_parquet(tmp_path / "*.parquet").filter(pl.col("user_id") == f"u_{person}")["timestamp"]
    assert len(seen) > 0
    assert seen.max() < END.replace(month=END.month - 1, day=1)


def test_each_is_in_the_truth_once(world: World) -> None:
    parts = [module.exports(world, DEFAULT).truth["contradictions"] for module in (hubspot, salesforce, feedback)]
    truth = pl.concat(parts)
    assert truth.columns == list(CONTRADICTIONS)
    assert truth.sort("name").equals(planted(world, DEFAULT).select(truth.columns).sort("name"))


def test_the_crm_says_what_billing_does_not(world: World, told: dict[str, pl.DataFrame]) -> None:
    facts = {row["company"]: row for row in book(world).iter_rows(named=True)}
    wrong = {
        "crm_active_billing_ended": ("status", lambda fact: "former"),
        "crm_former_billing_active": ("status", lambda fact: "active"),
        "renewal_date_differs": ("renewal_date", lambda fact: fact["renewal_date"].isoformat()),
        "plan_differs": ("plan", lambda fact: fact["plan"]),
    }
    checked = 0
    for row in planted(world, DEFAULT).filter(pl.col("kind").is_in(list(wrong))).iter_rows(named=True):
        field, truth = wrong[row["kind"]]
        fact = facts[row["company"]]
        assert _said(told, row, field) == row["says"] != truth(fact)
        assert (fact["churned_at"] is None) == (row["kind"] != "crm_active_billing_ended")
        checked += 1
    assert checked >= 8


def test_sentiment_is_green_where_support_is_red(world: World, told: dict[str, pl.DataFrame]) -> None:
    asked = tickets(world).filter(pl.col("created_at") >= END.replace(month=END.month - 3, day=1))
    for row in planted(world, DEFAULT).filter(pl.col("kind") == "green_while_support_red").iter_rows(named=True):
        assert _said(told, row, "sentiment") == "green"
        own = asked.filter(pl.col("company") == row["company"])
        assert len(own) >= 3
        assert own["is_slow"].mean() >= 0.3


def test_promoters_are_at_companies_that_went_quiet_as_long_as_there_are_any(world: World) -> None:
    answers = pl.concat([frame for _, frame in feedback.exports(world, DEFAULT).tables["survey_responses"]])
    found = planted(world, DEFAULT).filter(pl.col("kind") == "promoter_without_logins")
    lately = world.panel.group_by("company").agg(pl.col("active_users").tail(2).sum())
    users = found.join(lately, on="company", how="left", maintain_order="left")
    is_quiet = users["active_users"] == 0
    assert is_quiet.first()
    assert is_quiet.equals(is_quiet.sort(descending=True))
    assert users.filter(~is_quiet)["person"].is_in(idle_people(world, DEFAULT).implode()).all()
    for row in found.iter_rows(named=True):
        assert row["record_a"] == delighted_ids("survey_responses", pl.Series([row["company"] + PLANTED])).item()
        assert int(answers.filter(pl.col("id") == row["record_a"])["score"].item()) >= 9
        assert row["record_b"] == f"u_{row['person']}"
        assert world.people.row(row["person"], named=True)["company"] == row["company"]


def test_two_owners_are_in_two_crms(world: World, told: dict[str, pl.DataFrame]) -> None:
    owners = {
        system: dict(zip(ids, range(25), strict=True))
        for system, ids in (
            ("hubspot", hubspot_ids("owners", pl.Series(range(25)))),
            ("salesforce", salesforce_ids("005", pl.Series(range(25)))),
        )
    }
    found = planted(world, DEFAULT).filter(pl.col("kind") == "two_owners")
    assert len(found) > 0
    for row in found.iter_rows(named=True):
        one = owners["hubspot"][told["hubspot"].filter(pl.col("id") == row["record_a"])["owner"].item()]
        two = owners["salesforce"][told["salesforce"].filter(pl.col("id") == row["record_b"])["owner"].item()]
        assert one != two


def test_no_other_company_is_contradicted(world: World, told: dict[str, pl.DataFrame]) -> None:
    """What the CRMs say of all other companies is true."""
    facts = book(world)
    others = facts.filter(~pl.col("company").is_in(planted(world, DEFAULT)["company"].implode()))
    for system, ids in (("hubspot", "companies"), ("salesforce", "001")):
        own = others.filter(pl.col("system") == system)
        key = hubspot_ids(ids, own["company"]) if system == "hubspot" else salesforce_ids(ids, own["company"])
        rows = own.with_columns(id=key).join(told[system], on="id", how="inner", suffix="_said")
        assert len(rows) == len(own)
        status = pl.when("is_active").then(pl.lit("active")).otherwise(pl.lit("former"))
        assert rows.filter(pl.col("status") != status).is_empty()
        assert rows.filter(pl.col("sentiment") != pl.col("sentiment_said")).is_empty()
        assert rows.filter(pl.col("renewal_date").cast(pl.String).ne_missing(pl.col("renewal_date_said"))).is_empty()
