"""What would put strangers together is demoted or refused, and listed; what a reviewer says holds."""

import re
from datetime import date
from itertools import pairwise

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.identity import VARS, Ledger, template
from tests.linking import Linked

NAMES = ("anna", "bert", "carla", "dirk", "emil", "fritzi", "gustav", "hilde", "ivo", "jana", "karl", "lore", "marek")
SURNAMES = ("adler", "brunner", "castell", "dorn", "eckstein", "falk", "grau", "hofer", "immel", "jost", "kern")


def _stranger(number: int, **values: object) -> dict[str, object]:
    """People who share nothing but what is given; a name comes again after 143."""
    name = f"{NAMES[number % len(NAMES)]} {SURNAMES[number % len(SURNAMES)]}{'xyzvwq'[number // 143 % 6] * 3}"
    return {"source_person_id": f"p{number}", "full_name": name, **values}


def test_one_mailbox_on_two_hundred_people_joins_nobody() -> None:
    linked = Linked([_stranger(n, email="team@agency.example") for n in range(200)])
    assert linked.groups() == []
    assert linked.demoted()["email_canonical", "team@agency.example"] == ("role mailbox", 200)
    linked = Linked([_stranger(n, email="acme@agency.example") for n in range(200)])
    assert linked.groups() == []
    assert linked.demoted()["email_canonical", "acme@agency.example"] == ("on many records", 200)


def test_one_phone_on_fifty_people_joins_nobody() -> None:
    linked = Linked([_stranger(n, phone="+4930123456") for n in range(50)])
    assert linked.groups() == []
    assert linked.demoted()["phone", "+4930123456"] == ("on many records", 50)


def test_a_switchboard_of_few_joins_nobody_but_the_same_name() -> None:
    people = [_stranger(n, phone="+4930123456") for n in range(6)]
    linked = Linked([*people, {**people[0], "source_person_id": "again"}])
    assert linked.groups() == [{"p0", "again"}]
    assert linked.demoted()["phone", "+4930123456"] == ("several names", 7)


def test_test_data_joins_nobody() -> None:
    people = [{"source_person_id": f"t{n}", "full_name": "Test Test", "email": "test@test.com"} for n in range(30)]
    linked = Linked(people, [{"source_customer_id": f"c{n}", "customer_name": "Test Company"} for n in range(9)])
    assert linked.groups() == []
    assert linked.groups("company") == []
    assert linked.demoted()["email_canonical", "test@test.com"] == ("test data", 30)
    assert linked.demoted()["name", "test test"] == ("test data", 30)


def test_free_mail_is_no_company_s_domain() -> None:
    companies = [
        {"source_customer_id": f"c{n}", "customer_name": f"{SURNAMES[n]} GmbH", "domain": "gmail.com",
         "email": f"{SURNAMES[n]}@gmail.com"} for n in range(10)
    ]  # fmt: skip
    linked = Linked(customers=companies)
    assert linked.groups("company") == []
    assert linked.demoted()["domain", "gmail.com"] == ("free mail", 10)


@pytest.mark.parametrize("named", [True, False])
def test_a_child_with_a_parent_s_mailbox_stays_a_person(named: bool) -> None:
    parent = {"source_person_id": "parent", "email": "lee@gmx.de", "birth_date": date(1980, 1, 1)}
    child = {"source_person_id": "child", "email": "lee@gmx.de", "birth_date": date(2010, 5, 5)}
    again = {"source_person_id": "again", "email": "lee@gmx.de", "full_name": "Ann Lee"}
    if named:
        parent["full_name"], child["full_name"] = "Ann Lee", "Tim Lee"
        assert Linked([parent, child, again]).groups() == [{"parent", "again"}]
    else:
        assert Linked([parent, child]).groups() == []


def test_a_shared_device_joins_nobody() -> None:
    people = [_stranger(n) for n in range(6)]
    linked = Linked(people, devices=[(f"p{n}", "kiosk") for n in range(6)])
    assert linked.groups() == []
    assert linked.demoted()["device", "kiosk"] == ("on many records", 6)


def test_ten_thousand_records_with_one_null_like_join_nobody() -> None:
    people = [{"source_person_id": f"n{n}", "full_name": "N/A", "email": "n/a", "phone": "-", "city": "unknown"}
              for n in range(10_000)]  # fmt: skip
    linked = Linked(people)
    assert linked.groups() == []
    assert linked.sql("select distinct id_type from int_customers__identifiers") == [("external_id",)]


def test_no_group_is_larger_than_its_bound() -> None:
    chained = [
        {"source_person_id": f"k{n:03}", "full_name": "Kim Falk", "email": f"kim{n // 2}@falk.example",
         "other_emails": f"kim{(n + 1) // 2}@falk.example"} for n in range(400)
    ]  # fmt: skip
    linked = Linked(chained)
    largest = linked.sql(
        "select max(n) from (select count(*) as n from int_customers__person_clusters group by cluster_id)"
    )
    assert largest[0][0] <= VARS["max_person_records"]
    assert linked.sql("select count(*) > 0 from int_customers__person_edges where reason = 'cap'") == [(True,)]


CHAIN = [
    {"source_person_id": "a", "full_name": "Ann Lee", "email": "ann@lee.example"},
    {"source_person_id": "b", "full_name": "Ann Lee", "email": "ann@lee.example", "other_emails": "al@lee.example"},
    {"source_person_id": "c", "full_name": "Ann Lee", "email": "al@lee.example"},
]


def _decision(decision: str, left: str, right: str) -> dict[str, object]:
    return {
        "decision": decision,
        "entity": "person",
        "record_id_l": f"crm/person/{left}",
        "record_id_r": f"crm/person/{right}",
    }


def test_a_reviewer_s_decision_holds_through_others() -> None:
    assert Linked(CHAIN).groups() == [{"a", "b", "c"}]
    apart = Linked(CHAIN, overrides=[_decision("different", "c", "a")])
    assert apart.groups() in ([{"a", "b"}], [{"b", "c"}])
    strangers = [_stranger(n) for n in range(3)]
    assert Linked(strangers, overrides=[_decision("same", "p0", "p2")]).groups() == [{"p0", "p2"}]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([_decision("same", "a", "zz")], "identity_overrides.csv, row 1: there is no person record crm/person/zz"),
        ([_decision("same", "a", "b"), _decision("different", "b", "a")], "The overrides contradict each other"),
        (
            [_decision("same", "a", "b"), _decision("same", "b", "c"), _decision("different", "a", "c")],
            "The overrides contradict each other",
        ),
    ],
)
def test_a_decision_that_cannot_hold_is_named(overrides: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Linked(CHAIN, overrides=overrides)


def test_where_a_bridge_goes_the_larger_part_keeps_the_id() -> None:
    core = [{**CHAIN[0], "source_person_id": f"a{n}"} for n in range(3)]
    ledger = Ledger()
    for day, people in ((1, [*core, CHAIN[1], CHAIN[2]]), (2, [*core, {**CHAIN[2], "full_name": "Al Lee"}])):
        ledger.run(date(2024, 1, day), Linked(people).clusters())
        if day == 1:
            (first,) = set(ledger.ids().values())
    ids = {record[3]: durable_id for record, durable_id in ledger.ids().items()}
    assert {ids["a0"], ids["a1"], ids["a2"]} == {first}
    assert ids["c"] != first
    ledger.build_marts()
    events = ledger.sql("select event, durable_id, other_id from fct_identity_events where event = 'split'")
    assert events == [("split", ids["c"], first)]
    assert ledger.failing() == {}


def test_a_rule_that_goes_splits_whom_nothing_else_joins() -> None:
    company = [{"source_customer_id": "x", "customer_name": "Falk GmbH"}]
    people = [{"source_person_id": n, "full_name": "Ann Lee", "source_customer_id": "x"} for n in ("a", "b")]
    assert Linked(people, company).groups() == [{"a", "b"}]
    rules = Linked().frame("identity_rules")
    fewer = rules.filter(~pl.col("rule").str.starts_with("person customer"))
    assert Linked(people, company, rules=fewer).groups() == []


def test_the_order_of_records_changes_nothing() -> None:
    people = [_stranger(n, email=f"m{n // 2}@x.example") for n in range(40)]
    query = "select entity, source_record_id, cluster_id from int_customers__clusters order by all"
    assert Linked(people).sql(query) == Linked(people[::-1]).sql(query)


def test_nothing_at_all_is_linked_too() -> None:
    assert Linked().groups() == []


def test_a_list_free_of_duplicates_holds_nobody_twice() -> None:
    """A third record joins one of two alike, never both."""
    twins = [{"source_person_id": n, "full_name": "Anna Adler", "email": "anna@adler.example"} for n in ("p1", "p2")]
    other = {"source": "shop", "source_person_id": "s1", "full_name": "Anna Adler", "email": "anna@adler.example"}
    assert Linked([*twins, other]).groups() == [{"p1", "p2", "s1"}]
    linked = Linked([*twins, other], duplicate_free=["person"])
    assert linked.groups() == [{"p1", "s1"}]
    refused = linked.sql(
        """select distinct record_id_l, record_id_r, reason from int_customers__person_edges
        where not is_kept and tier <> 'review' order by all"""
    )
    assert refused == [
        ("crm/person/p1", "crm/person/p2", "duplicate_free"), ("crm/person/p2", "shop/person/s1", "duplicate_free"),
    ]  # fmt: skip
    assert linked.sql("select count(*) from int_customers__person_edges where rule = 'linkage model'") == [(2,)]


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ("crmm,person", "an unknown source; there are crm."),
        ("crm,people", "an unknown list; there are person and customer."),
        ("crm,person", "a list that stands in another row."),
    ],
)
def test_a_wrong_list_free_of_duplicates_stops_the_build_and_is_named(row: str, mistake: str) -> None:
    linked = Linked(duplicate_free=["person"])
    linked.connection.execute("insert into duplicate_free_lists values (?, ?, 'of this test')", row.split(","))
    query = template("int_customers__duplicate_free_lists", ref=str).render()
    with pytest.raises(duckdb.Error, match=re.escape(f'duplicate_free_lists.csv: the row "{row}" has {mistake}')):
        linked.sql(query)


@settings(max_examples=examples(10))
@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29), st.booleans()), max_size=40), st.permutations(range(12))
)
def test_clusters_are_what_kept_edges_connect(pairs: list[tuple[int, int, bool]], chain: list[int]) -> None:
    """Any edges among thirty records, and a chain of a dozen more in any order."""
    edges = [*pairs, *((30 + one, 30 + other, True) for one, other in pairwise(chain))]
    label = list(range(42))
    for _ in label:
        for one, other, is_kept in edges:
            if is_kept:
                label[one] = label[other] = min(label[one], label[other])
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(
        "create table int_customers__compared_people as select format('r{:02}', i) as record_id from range(42) as t(i)"
    )
    connection.execute(
        "create table int_customers__person_edges (record_id_l varchar, record_id_r varchar, is_kept boolean)"
    )
    rows = [(f"r{min(pair):02}", f"r{max(pair):02}", is_kept) for *pair, is_kept in edges if pair[0] != pair[1]]
    connection.executemany("insert into int_customers__person_edges values (?, ?, ?)", rows)
    found = connection.sql(template("int_customers__person_clusters", "connected", ref=str).render()).fetchall()
    assert sorted(found) == [(f"r{record:02}", f"r{smallest:02}") for record, smallest in enumerate(label)]
