"""Zendesk: contracts hold, the truth lists what is wrong, and the world's friction can be read from the records."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo import hubspot, support
from ingestion.demo.damage import BREAKING, DEFAULT, MISSING_DAY, NONE
from ingestion.demo.ids import zendesk_ids
from ingestion.demo.tickets import CHANNELS, tickets
from tests.ingestion.demo import relation_loads as relations
from tests.ingestion.demo.relation_loads import Loaded, System, small_world

ZENDESK = System("zendesk", support.exports, support.SHAPES)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[Loaded]:
    found = relations.load(tmp_path_factory.mktemp("clean"), ZENDESK, NONE, contracts)
    yield found
    found.con.close()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Iterator[Loaded]:
    found = relations.load(tmp_path_factory.mktemp("damaged"), ZENDESK, DEFAULT, contracts)
    yield found
    found.con.close()


def test_undamaged_rows_fulfil_their_contract(clean: Loaded, contracts: Contracts) -> None:
    relations.check_shapes(ZENDESK, contracts)
    relations.check_clean(clean, contracts)


def test_the_loader_does_with_damage_what_the_truth_expects(damaged: Loaded, contracts: Contracts) -> None:
    relations.check_loads(damaged, contracts)


def test_the_truth_lists_all_damage_and_nothing_else(damaged: Loaded, clean: Loaded) -> None:
    relations.check_list(damaged, clean)
    relations.check_records(damaged)


def test_the_same_seed_gives_the_same_exports() -> None:
    relations.check_repeatable(ZENDESK)


def test_tickets_are_as_many_and_as_slow_as_the_panel_says() -> None:
    world = small_world()
    asked = tickets(world).with_columns(month=pl.col("created_at").dt.truncate("1mo").dt.date())
    by_month = asked.group_by("company", "month").agg(count=pl.len(), slow=pl.col("is_slow").sum())
    panel = world.panel.filter(pl.col("ticket_count") > 0).with_columns(
        slow=(pl.col("slow_reply_share") * pl.col("ticket_count")).round()
    )
    both = panel.join(by_month, on=["company", "month"], how="full", suffix="_told")
    assert both["count"].null_count() == both["ticket_count"].null_count() == 0
    assert (both["count"] == both["ticket_count"]).all()
    assert (both["slow_told"] == both["slow"]).all()


def test_slow_replies_break_their_target(clean: Loaded) -> None:
    asked = (
        tickets(small_world())
        .filter(pl.col("replied_at").is_not_null())
        .with_columns(
            ticket_id=zendesk_ids(
                "tickets", tickets(small_world()).filter(pl.col("replied_at").is_not_null())["ticket"]
            )
        )
    )
    waited = (pl.col("replied_at") - pl.col("created_at")).dt.total_seconds() > pl.col("target_minutes") * 60
    assert asked.select((waited == pl.col("is_slow")).all()).item()
    events = clean.current("sla_events")
    broken = events.filter(pl.col("type") == "breach")["ticket_id"]
    assert set(asked.filter("is_slow")["ticket_id"]) <= set(broken)
    assert not set(asked.filter(~pl.col("is_slow"))["ticket_id"]) & set(broken)
    replies = (
        clean.current("ticket_comments")
        .filter("public")
        .sort("created")
        .group_by("ticket_id")
        .agg(pl.col("created").get(1, null_on_oob=True))
    )
    both = asked.join(replies, on="ticket_id")
    assert both.select((pl.col("created") == pl.col("replied_at")).mean()).item() > 0.99


def test_requesters_are_people_of_the_company_who_are_there() -> None:
    world = small_world()
    people = world.people.select(pl.col("person").cast(pl.Int64), "joined_at", "left_at", "role", employer="company")
    asked = tickets(world).join(people, on="person", how="left")
    assert (asked["company"] == asked["employer"]).all()
    assert asked.filter(pl.col("created_at") >= pl.col("left_at")).is_empty()
    usual = asked.filter(pl.col("role") != "billing")
    assert usual.filter(pl.col("created_at") + timedelta(seconds=1) < pl.col("joined_at")).is_empty()


def test_users_of_social_channels_have_an_address_only_where_an_agent_asked(clean: Loaded) -> None:
    users = clean.newest("users")
    social = users.filter(pl.any_horizontal(pl.col("twitter_id", "facebook_id", "whatsapp_number").is_not_null()))
    assert len(social) > 0
    noted = social["email"].is_not_null().to_numpy()
    assert abs(noted.mean() - support.NOTED_EMAIL_SHARE) < 4 * np.sqrt(0.25 / len(social))
    assert set(clean.newest("tickets")["via_channel"]) == set(CHANNELS)
    agents = users.filter(pl.col("role") != "end-user")
    assert set(agents["role"]) == {"agent", "admin"}
    records = clean.exports.truth["records"].select("entity_id", id="record_id")
    people = small_world().people.select("phone", work="email", entity_id=pl.format("person-{}", "person"))
    known = social.join(records, on="id").join(people, on="entity_id")
    assert len(known) == len(social)
    assert (known["email"].str.replace(r"\+[a-z]+@", "@") == known["work"]).drop_nulls().all()
    assert 0 < known["email"].str.contains("+", literal=True).sum() < known["email"].count()
    assert (known["whatsapp_number"] == known["phone"]).drop_nulls().all()
    # It is the number that the CRM has.
    contacts = hubspot.exports(small_world(), NONE)
    numbers = contacts.tables["contacts"][0][1].select("mobilephone", record_id="id")
    of_crm = contacts.truth["records"].join(numbers, on="record_id").join(known, on="entity_id")
    assert of_crm["whatsapp_number"].count() > 5
    assert (of_crm["whatsapp_number"] == of_crm["mobilephone"]).drop_nulls().all()


def test_statuses_follow_the_history(clean: Loaded) -> None:
    history = clean.current("ticket_field_history").filter(pl.col("field_name") == "status").sort("updated")
    last = history.group_by("ticket_id", maintain_order=True).agg(pl.col("value", "updated").last())
    rows = clean.current("tickets").join(last, left_on="id", right_on="ticket_id", how="left")
    # A ticket waits for its customer without leaving a trace.
    told = rows.filter(pl.col("status") != "pending")
    assert told.select((pl.col("status") == pl.col("value")).all()).item()
    assert rows.filter(pl.col("updated_at") < pl.col("created_at")).is_empty()


def test_a_second_organization_has_tickets_of_its_own() -> None:
    exports = support.exports(small_world(), replace(NONE, duplicates=0.5))
    records = exports.truth["records"].filter(pl.col("table") == "organizations")
    company = dict(records.select("record_id", "entity_id").iter_rows())
    second = set(records.filter(pl.col("damage") == "duplicate")["record_id"])
    tickets, users, organizations = (exports.tables[name][0][1] for name in ("tickets", "users", "organizations"))
    theirs = tickets.filter(pl.col("organization_id").is_in(list(second)))
    assert len(theirs) > 20
    assert 3 < theirs["organization_id"].n_unique() < len(second)
    since = dict(organizations.select("id", "created_at").iter_rows())
    clean = dict(
        support.exports(small_world(), NONE).tables["tickets"][0][1].select("id", "organization_id").iter_rows()
    )
    member = dict(users.select("id", "organization_id").iter_rows())
    for ticket, asked_by, organization, at in theirs.select(
        "id", "requester_id", "organization_id", "created_at"
    ).iter_rows():
        assert company[organization] == company[clean[ticket]]
        assert at >= since[organization]
        assert member[asked_by] in (organization, None)
    assert set(tickets["organization_id"]) & {one for one in company if one not in second}


def test_one_day_of_comments_is_missing(damaged: Loaded, clean: Loaded) -> None:
    days = {
        which: each.current("ticket_comments")["created"].dt.date() for which, each in (("a", clean), ("b", damaged))
    }
    assert (days["a"] == MISSING_DAY).sum() == len(damaged.listed("ticket_comments", "missing")) > 0
    assert not (days["b"] == MISSING_DAY).any()


def test_a_retyped_column_is_refused_and_the_other_tables_go_on(
    tmp_path_factory: pytest.TempPathFactory, contracts: Contracts
) -> None:
    broken = relations.load(tmp_path_factory.mktemp("breaking"), ZENDESK, BREAKING, contracts)
    listed = broken.damaged.filter(pl.col("expected") == "refused")
    assert listed.select("table", "record_id").rows() == [("tickets", "created_at")]
    assert [refusal.table for refusal in broken.report.refusals] == ["tickets"]
    assert "created_at" in broken.report.refusals[0].reason
    assert {each.table_name for each in broken.report.loads} == set(broken.exports.tables)
    broken.con.close()
