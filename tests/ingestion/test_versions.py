"""Exports of systems: versions in any order, full exports and tombstones, columns that come, go and change."""

import random
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contracts import Contracts
from tests.conftest import examples
from tests.ingestion.conftest import Deployment, RefusedFilesError

TICKETS = "id,status,requester_id,created_at,updated_at\n"
COMPANIES = "id,name,createdate,hs_lastmodifieddate\n"
CURRENT = "_superseded_by is null and not _is_deleted"


@pytest.fixture
def hubspot(deployment: Deployment) -> Deployment:
    (deployment.folder / "hubspot").mkdir()
    return deployment


def ticket(number: int, status: str, day: int, *, created: int = 1) -> str:
    return f"{number},{status},u{number},2026-05-{created:02} 08:00:00,2026-05-{day:02} 09:00:00\n"


def company(number: int, name: str, day: int) -> str:
    return f"{number},{name},2026-01-01T00:00:00Z,2026-05-{day:02}T00:00:00Z\n"


def load(deployment: Deployment, system: str, name: str, text: str, **options: bool) -> tuple[int, ...]:
    """Received, loaded, quarantined, superseded, replaced, deleted of one more file of a system; nothing of a copy."""
    deployment.write(f"{system}/{name}", text)
    new = [one for one in deployment.load_all({system: {"exports": system}}, **options) if one.is_new]
    if not new:
        return (0,) * 6
    last = new[-1]
    counts = (last.received_count, last.loaded_count, last.quarantined_count, last.superseded_count)
    return (*counts, last.replaced_count, last.deleted_count)


def statuses(deployment: Deployment) -> list[tuple[str, str]]:
    return deployment.query(f"select id, status from raw_zendesk.tickets where {CURRENT} order by id")


def names(deployment: Deployment) -> list[tuple[str, str]]:
    return deployment.query(f"select id, name from raw_hubspot.companies where {CURRENT} order by id")


def test_the_newest_version_is_current_whenever_it_comes(zendesk: Deployment) -> None:
    assert load(zendesk, "zendesk", "tickets_2.csv", TICKETS + ticket(1, "solved", 9)) == (1, 1, 0, 0, 0, 0)
    late = TICKETS + ticket(1, "new", 3) + ticket(1, "open", 5)
    assert load(zendesk, "zendesk", "tickets_3.csv", late) == (2, 2, 0, 0, 0, 0)
    assert statuses(zendesk) == [("1", "solved")]
    assert load(zendesk, "zendesk", "tickets_4.csv", TICKETS + ticket(1, "closed", 12)) == (1, 1, 0, 0, 1, 0)
    assert statuses(zendesk) == [("1", "closed")]
    # All versions stay, each with the load that brought it.
    assert zendesk.query("select status from raw_zendesk.tickets order by _version") == [
        ("new",),
        ("open",),
        ("solved",),
        ("closed",),
    ]


def test_a_version_that_is_known_is_nothing_new(zendesk: Deployment) -> None:
    both = TICKETS + ticket(1, "new", 3) + ticket(1, "solved", 9)
    assert load(zendesk, "zendesk", "tickets_1.csv", both + ticket(1, "new", 3)) == (3, 2, 0, 1, 0, 0)
    assert load(zendesk, "zendesk", "tickets_2.csv", TICKETS + ticket(1, "new", 3)) == (1, 0, 0, 1, 0, 0)
    assert statuses(zendesk) == [("1", "solved")]


@settings(max_examples=examples(5))
@given(st.data())
def test_any_order_of_deliveries_ends_in_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, contracts: Contracts, data: st.DataObject
) -> None:
    versions = [ticket(number, f"{word}", day) for number in range(4) for day, word in enumerate(WORDS, start=2)]
    pieces = data.draw(st.permutations(versions + versions[::3]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(pieces) - 1), max_size=5)))
    parts = [pieces[start:end] for start, end in zip([0, *cuts], [*cuts, len(pieces)], strict=True)]
    ends = []
    for deliveries in (parts, [sorted(versions)]):
        folder = tmp_path_factory.mktemp("order")
        (folder / "zendesk").mkdir()
        with duckdb.connect() as con:
            deployment = Deployment(folder, con, contracts)
            loaded = 0
            for number, rows in enumerate(deliveries):
                loaded += load(deployment, "zendesk", f"tickets_{number}.csv", TICKETS + "".join(rows))[1]
            ends.append(
                (
                    loaded,
                    deployment.query("select id, status, _superseded_by is null from raw_zendesk.tickets order by all"),
                )
            )
    assert ends[0] == ends[1]


WORDS = ("new", "open", "pending", "solved")


def test_what_a_full_export_lacks_is_gone(hubspot: Deployment) -> None:
    rows = [company(number, f"Company {number}", 1) for number in range(10)]
    load(hubspot, "hubspot", "companies_2026-05-01.csv", COMPANIES + "".join(rows))
    rest = [
        company(number, "Renamed" if number == 3 else f"Company {number}", 9 if number == 3 else 1)
        for number in range(8)
    ]
    assert load(hubspot, "hubspot", "companies_2026-05-09.csv", COMPANIES + "".join(rest)) == (8, 1, 0, 7, 1, 2)
    assert [key for key, _ in names(hubspot)] == [str(number) for number in range(8)]
    # The tombstone keeps what was known last, and the version before it stays.
    assert hubspot.query(
        "select name, _is_deleted, _version::date::varchar from raw_hubspot.companies where id = '9' order by _version"
    ) == [("Company 9", False, "2026-05-01"), ("Company 9", True, "2026-05-09")]
    # One that comes back is back.
    again = [*rest, company(9, "Company 9", 1), company(5, "Company 5 b", 20)]
    assert load(hubspot, "hubspot", "companies_2026-05-20.csv", COMPANIES + "".join(again)) == (10, 2, 0, 8, 2, 0)
    assert ("9", "Company 9") in names(hubspot)


def test_an_older_full_export_buries_nothing(hubspot: Deployment) -> None:
    old = [company(number, f"Company {number}", 1) for number in range(10)]
    new = [company(number, f"Company {number}", 9 if number == 3 else 1) for number in range(8)] + [
        company(20, "New", 9)
    ]
    ends = []
    exports = [("companies_9.csv", old), ("companies_10.csv", new)]
    for order in (exports, exports[::-1]):
        hubspot.con.execute("drop schema if exists raw_hubspot cascade; drop schema if exists ingestion cascade")
        for path in (hubspot.folder / "hubspot").iterdir():
            path.unlink()
        for name, rows in order:
            load(hubspot, "hubspot", name, COMPANIES + "".join(rows))
        ends.append(
            (
                names(hubspot),
                hubspot.query(
                    "select id from raw_hubspot.companies where _is_deleted and _superseded_by is null order by 1"
                ),
            )
        )
    assert ends[0] == ends[1]
    assert ends[0][1] == [("8",), ("9",)]


def test_the_name_says_which_full_export_is_newest(hubspot: Deployment) -> None:
    """The record that was changed last may be the one that is gone: the newest version says nothing of the export."""
    rows = [company(number, f"Company {number}", 1 + number) for number in range(10)]
    load(hubspot, "hubspot", "companies_2026-05-20.csv", COMPANIES + "".join(rows))
    assert load(hubspot, "hubspot", "companies_2026-05-21.csv", COMPANIES + "".join(rows[:9])) == (9, 0, 0, 9, 0, 1)
    assert [key for key, _ in names(hubspot)] == [str(number) for number in range(9)]
    # Of the tombstone's day is nothing older, and an archive that is found later digs nothing up.
    assert load(hubspot, "hubspot", "companies_2026-05-19.csv", COMPANIES + "".join(rows)) == (10, 0, 0, 10, 0, 0)
    assert len(names(hubspot)) == 9


def test_an_export_that_is_written_anew_is_the_newest(hubspot: Deployment) -> None:
    rows = [company(number, f"Company {number}", 1) for number in range(10)]
    load(hubspot, "hubspot", "companies.csv", COMPANIES + "".join(rows))
    load(hubspot, "hubspot", "companies_2026-05.csv", COMPANIES + "".join(rows[:9]))
    assert load(hubspot, "hubspot", "companies.csv", COMPANIES + "".join(rows[:8])) == (8, 0, 0, 8, 0, 1)
    assert len(names(hubspot)) == 8


def test_an_older_export_without_versions_changes_nothing_of_the_present(hubspot: Deployment) -> None:
    header = "from_object_type,from_object_id,to_object_type,to_object_id,association_label\n"
    links = [f"contacts,{number},companies,1,{{}}\n" for number in range(5)]
    load(hubspot, "hubspot", "associations_2.csv", header + "".join(links).format(*"abcde"))
    load(hubspot, "hubspot", "associations_1.csv", header + "".join(links).format(*"vwxyz"))
    labels = "string_agg(association_label, '' order by from_object_id)"
    assert hubspot.query(f"select {labels} from raw_hubspot.associations where {CURRENT}") == [("abcde",)]


def test_a_full_export_that_equals_an_earlier_one_is_news(hubspot: Deployment) -> None:
    """Labels have no version: what comes later is true, even where it was true before."""
    header = "from_object_type,from_object_id,to_object_type,to_object_id,association_label\n"
    links = [f"contacts,{number},companies,1,\n" for number in range(5)]
    ends = []
    for day, rows in enumerate((links, links[:4], links), start=1):
        load(hubspot, "hubspot", f"associations_{day}.csv", header + "".join(rows))
        ends.append(hubspot.query(f"select count(*) from raw_hubspot.associations where {CURRENT}")[0][0])
    assert ends == [5, 4, 5]
    again = hubspot.load_all({"hubspot": {"exports": "hubspot"}})
    assert not any(one.is_new for one in again)


def test_who_is_gone_stays_gone_while_nothing_changes(hubspot: Deployment) -> None:
    rows = [company(number, f"Company {number}", 1 + number) for number in range(5)]
    for day, whole in enumerate((rows, rows[1:], rows[1:], rows[1:]), start=1):
        load(hubspot, "hubspot", f"companies_{day}.csv", COMPANIES + "".join(whole))
        tombstones = "select id from raw_hubspot.companies where _is_deleted and _superseded_by is null"
        assert hubspot.query(tombstones) == ([] if day == 1 else [("0",)])


def test_an_export_without_rows_is_an_export(hubspot: Deployment) -> None:
    assert load(hubspot, "hubspot", "deals.csv", "id,createdate,hs_lastmodifieddate\n") == (0, 0, 0, 0, 0, 0)
    assert load(hubspot, "hubspot", "companies_1.csv", COMPANIES) == (0, 0, 0, 0, 0, 0)
    load(hubspot, "hubspot", "companies_2.csv", COMPANIES + company(1, "One", 1))
    hubspot.write("hubspot/companies_3.csv", COMPANIES)
    with pytest.raises(RefusedFilesError, match=r"companies_3\.csv has 0 rows where the last load had 1"):
        hubspot.load_all({"hubspot": {"exports": "hubspot"}})


def test_nothing_is_buried_beside_a_row_whose_key_cannot_be_read(hubspot: Deployment) -> None:
    rows = [company(number, f"Company {number}", 1) for number in range(10)]
    load(hubspot, "hubspot", "companies_1.csv", COMPANIES + "".join(rows))
    broken = "".join(rows[:9]) + "9,Company 9,2026-01-01T00:00:00Z\n"
    assert load(hubspot, "hubspot", "companies_2.csv", COMPANIES + broken) == (10, 0, 1, 9, 0, 0)
    # A row that is only faulty still says that its record is there.
    faulty = "".join(rows[:9]) + "9,Company 9,never,2026-05-01T00:00:00Z\n"
    assert load(hubspot, "hubspot", "companies_3.csv", COMPANIES + faulty) == (10, 0, 1, 9, 0, 0)
    assert len(names(hubspot)) == 10


def test_a_column_more_is_kept_and_recorded(zendesk: Deployment) -> None:
    load(zendesk, "zendesk", "tickets_1.csv", TICKETS + ticket(1, "new", 2))
    header = TICKETS.replace("\n", ",mood\n")
    rows = ticket(2, "new", 3).replace("\n", ",grumpy\n") + ticket(3, "new", 3).replace("\n", ",\n")
    load(zendesk, "zendesk", "tickets_2.csv", header + rows)
    load(zendesk, "zendesk", "tickets_3.csv", header + rows.replace("grumpy", "glad").replace("2,new", "4,new"))
    assert zendesk.query("select id, _extra from raw_zendesk.tickets order by id") == [
        ("1", None),
        ("2", '{"mood":"grumpy"}'),
        ("3", None),
        ("4", '{"mood":"glad"}'),
    ]
    changes = "select source, table_name, column_name, change, file from ingestion.schema_changes"
    assert zendesk.query(changes) == [("zendesk", "tickets", "mood", "added", "zendesk/tickets_2.csv")]


def refused(deployment: Deployment) -> str:
    with pytest.raises(RefusedFilesError) as caught:
        deployment.load_all({"zendesk": {"exports": "zendesk"}})
    return str(caught.value)


def test_a_missing_column_refuses_the_table_and_no_other(zendesk: Deployment) -> None:
    load(zendesk, "zendesk", "tickets_1.csv", TICKETS + ticket(1, "new", 2))
    zendesk.write("zendesk/tickets_2.csv", "id,state,requester_id,created_at,updated_at\n" + ticket(2, "new", 3))
    zendesk.write("zendesk/ticket_comments.csv", "id,ticket_id,created\nc1,1,2026-05-02\n")
    told = refused(zendesk)
    assert told.startswith(
        "zendesk.tickets: tickets_2.csv lacks the column status (did you mean 'state'?): export it as before"
    )
    assert zendesk.query("select count(*) from raw_zendesk.ticket_comments") == [(1,)]
    assert statuses(zendesk) == [("1", "new")]
    assert zendesk.query("select table_name, reason like '%lacks the column%' from ingestion.refusals") == [
        ("tickets", True)
    ]
    assert zendesk.query("select column_name, change from ingestion.schema_changes") == [("status", "missing")]
    # Once it is mended, nothing of the refusal is left.
    load(zendesk, "zendesk", "tickets_2.csv", TICKETS + ticket(2, "new", 3))
    assert zendesk.query("from ingestion.refusals") == []


def test_an_optional_column_that_was_there_is_missed(zendesk: Deployment) -> None:
    with_priority = TICKETS.replace("\n", ",priority\n") + ticket(1, "new", 2).replace("\n", ",high\n")
    load(zendesk, "zendesk", "tickets_1.csv", with_priority)
    zendesk.write("zendesk/tickets_2.csv", TICKETS + ticket(2, "new", 3))
    assert "lacks the column priority" in refused(zendesk)
    zendesk.load_all({"zendesk": {"exports": "zendesk"}}, accept_shrink=True)
    assert len(statuses(zendesk)) == 2


def test_a_column_that_changes_its_type_refuses_the_table(zendesk: Deployment) -> None:
    rows = [ticket(number, "new", 2).replace("2026-05-02 09:00:00", "last Tuesday") for number in range(30)]
    zendesk.write("zendesk/tickets.csv", TICKETS + "".join(rows))
    assert "tickets.csv breaks the type of updated_at in 100% of its rows" in refused(zendesk)
    assert zendesk.query("select count(*) from raw_zendesk.tickets") == [(0,)]
    assert zendesk.query("select column_name, change from ingestion.schema_changes") == [("updated_at", "retyped")]
    # A minority of broken rows is a matter for the quarantine.
    good = [ticket(number, "new", 3) for number in range(40)]
    assert load(zendesk, "zendesk", "tickets.csv", TICKETS + "".join(good + rows)) == (70, 40, 30, 0, 0, 0)


def test_late_rows_are_counted_by_their_own_day(zendesk: Deployment) -> None:
    load(zendesk, "zendesk", "tickets_1.csv", TICKETS + "".join(ticket(n, "new", 9, created=9) for n in range(5)))
    late = ticket(10, "new", 8, created=7) + ticket(0, "open", 10, created=9) + ticket(11, "new", 12, created=12)
    load(zendesk, "zendesk", "tickets_2.csv", TICKETS + late + "12,new,u,never,2026-05-09\n")
    counts = "received_count, loaded_count, quarantined_count, late_count"
    days = f"select record_date::varchar, {counts} from ingestion.load_days"
    assert zendesk.query(
        f"{days} where load_id = (select max(load_id) from ingestion.loads) order by record_date nulls last"
    ) == [
        ("2026-05-07", 1, 1, 0, 1),
        ("2026-05-09", 1, 1, 0, 0),
        ("2026-05-12", 1, 1, 0, 0),
        (None, 1, 0, 1, 0),
    ]


def test_what_may_be_planned_is_never_late(hubspot: Deployment) -> None:
    header = "id,type,hs_timestamp,hs_lastmodifieddate\n"
    planned = header + "1,MEETING,2026-07-17T10:00:00Z,2026-05-09T10:00:00Z\n"
    load(hubspot, "hubspot", "engagements_1.csv", planned)
    load(hubspot, "hubspot", "engagements_2.csv", header + "2,CALL,2026-05-10T10:00:00Z,2026-05-10T10:00:00Z\n")
    assert hubspot.query("select sum(new_count), sum(late_count) from ingestion.load_days") == [(2, 0)]


def test_a_folder_of_exports_that_is_not_there_is_a_refusal(zendesk: Deployment) -> None:
    with pytest.raises(RefusedFilesError, match=r"zendesk\.tickets: .*/zendesk holds no export"):
        zendesk.load_all({"zendesk": {"exports": "zendesk"}})
    with pytest.raises(RefusedFilesError, match=r"no connector \(did you mean 'zendesk'\?\)"):
        zendesk.load_all({"zendesc": {"exports": "zendesk"}})


def test_orphans_are_counted(zendesk: Deployment) -> None:
    zendesk.write("zendesk/users.csv", "id,role,created_at,updated_at\nu1,end-user,2026-01-01,2026-01-01\n")
    load(zendesk, "zendesk", "tickets.csv", TICKETS + "".join(ticket(number, "new", 2) for number in (1, 2, 3)))
    orphans = "select column_name, references_column, checked_count, orphan_count from ingestion.orphans"
    assert zendesk.query(orphans) == [("requester_id", "users.id", 3, 2)]


def test_exports_in_every_format_give_the_same_rows(zendesk: Deployment, tmp_path: Path) -> None:
    rows = [ticket(number, random.Random(number).choice(WORDS), 2) for number in range(30)]
    text = TICKETS + "".join(rows)
    ends = []
    for ending in ("csv", "jsonl", "parquet"):
        for path in (zendesk.folder / "zendesk").iterdir():
            path.unlink()
        zendesk.con.execute("drop schema if exists raw_zendesk cascade; drop schema if exists ingestion cascade")
        source = zendesk.write("tickets_source.csv", text)
        target = zendesk.folder / "zendesk" / f"tickets.{ending}"
        kind = "json" if ending == "jsonl" else ending
        zendesk.con.execute(f"copy (from read_csv('{source}')) to '{target}' (format {kind})")
        zendesk.load_all({"zendesk": {"exports": "zendesk"}})
        ends.append(
            zendesk.query(
                "select id, status, requester_id, created_at, updated_at, _version from raw_zendesk.tickets order by id"
            )
        )
    assert len(ends[0]) == 30
    assert ends[0] == ends[1] == ends[2]
