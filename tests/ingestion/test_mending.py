"""What was wrong and was mended is told no more; what is wrong is told by its file, and shows nobody's data."""

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from ingestion.connectors import api
from ingestion.connectors.api import Extract
from ingestion.tables import quarantine_summary
from tests.ingestion.conftest import HEADER, Deployment, RefusedFilesError

TICKETS = "id,status,requester_id,created_at,updated_at\n"
RATINGS = "id,ticket_id,score,reason,created_at,updated_at\n"


def ticket(number: int, *, created: str = "2026-05-01 08:00:00", updated: str = "2026-05-02 08:00:00") -> str:
    return f"{number},new,u{number},{created},{updated}\n"


def load(deployment: Deployment, name: str, text: str) -> None:
    deployment.write(f"zendesk/{name}", text)
    deployment.load_all({"zendesk": {"exports": "zendesk"}})


def refused(deployment: Deployment) -> str:
    with pytest.raises(RefusedFilesError) as caught:
        deployment.load_all({"zendesk": {"exports": "zendesk"}})
    return str(caught.value)


def in_quarantine(deployment: Deployment, table: str = "tickets") -> list[tuple[int, int]]:
    """Rows ever quarantined, and those that still wait for mending."""
    (ever,) = deployment.query(f"select count(*) from quarantine.zendesk__{table}")[0]
    (waiting,) = deployment.query(
        f"select open_quarantine_count from ingestion.tables where source = 'zendesk' and table_name = '{table}'"
    )[0]
    assert sum(rows for name, _, rows in quarantine_summary(deployment.con) if name == f"zendesk__{table}") == waiting
    return [(ever, waiting)]


def test_a_record_that_comes_well_mends_its_row_in_quarantine(zendesk: Deployment) -> None:
    broken = ticket(2, created="never") + ticket(3, created="never") + ",new,u4,2026-05-01,2026-05-02\n"
    load(zendesk, "tickets_1.csv", TICKETS + ticket(1) + broken)
    assert in_quarantine(zendesk) == [(3, 3)]
    load(zendesk, "tickets_2.csv", TICKETS + ticket(2))
    assert in_quarantine(zendesk) == [(3, 2)]
    # The same file corrected mends all that it had.
    load(zendesk, "tickets_1.csv", TICKETS + ticket(1) + ticket(3) + ticket(4, created="never"))
    assert in_quarantine(zendesk) == [(4, 1)]


def test_a_table_may_have_a_column_called_reason(zendesk: Deployment) -> None:
    good = "1,7,good,,2026-05-01,2026-05-02\n"
    load(zendesk, "satisfaction_ratings.csv", RATINGS + good + "2,7,great,why not,2026-05-01,2026-05-02\n")
    assert in_quarantine(zendesk, "satisfaction_ratings") == [(1, 1)]


def test_what_the_columns_are_now_is_told(zendesk: Deployment) -> None:
    changes = "select column_name, change from ingestion.schema_changes order by all"
    more = TICKETS.replace("\n", ",mood\n")
    load(zendesk, "tickets_1.csv", more + ticket(1).replace("\n", ",grumpy\n"))
    assert zendesk.query(changes) == [("mood", "added")]
    zendesk.write("zendesk/tickets_2.csv", "id,requester_id,created_at,updated_at\n2,u2,2026-05-01,2026-05-02\n")
    assert "lacks the column status" in refused(zendesk)
    assert zendesk.query(changes) == [("mood", "added"), ("status", "missing")]
    load(zendesk, "tickets_2.csv", TICKETS + ticket(2))
    assert zendesk.query(changes) == []


def test_a_mapped_file_that_grows_a_column(deployment: Deployment) -> None:
    row = "{0},,C1,2026-05-01 10:00:00,P1,1,9.90"
    deployment.write("a.csv", HEADER + row.format(1) + "\n")
    deployment.load()
    changes = "select column_name, change from ingestion.schema_changes"
    assert deployment.query(changes) == []
    deployment.write("b.csv", HEADER.replace("\n", ",colour\n") + row.format(2) + ",red\n")
    deployment.load()
    assert deployment.query(changes) == [("colour", "added")]
    deployment.write("c.csv", HEADER.replace("price", "cost") + row.format(3) + "\n")
    with pytest.raises(RefusedFilesError, match=r"c\.csv has no column 'price' \(for unit_price\)"):
        deployment.load()
    assert deployment.query(f"{changes} where change = 'missing'") == [("unit_price", "missing")]


@pytest.mark.parametrize(("rows", "is_refused"), [(4, False), (5, True), (18, True)])
def test_of_few_rows_all_must_break_a_type(zendesk: Deployment, rows: int, is_refused: bool) -> None:
    broken = "".join(ticket(number, created="never") for number in range(rows))
    zendesk.write("zendesk/tickets.csv", TICKETS + broken)
    if is_refused:
        assert "breaks the type of created_at in 100% of its rows" in refused(zendesk)
        load(zendesk, "tickets.csv", TICKETS + broken + ticket(99))
    else:
        load(zendesk, "tickets.csv", TICKETS + broken)
    assert in_quarantine(zendesk) == [(rows, rows)]


def test_what_belongs_to_no_table_is_told(zendesk: Deployment) -> None:
    folder = zendesk.folder / "zendesk"
    (folder / "june").mkdir()
    (folder / "june" / "tickets.csv").write_text(TICKETS + ticket(1))
    (folder / "notes").mkdir()
    (folder / "readme.txt").write_text("who exports this")
    zendesk.write("zendesk/tickest.csv", TICKETS + ticket(1))
    zendesk.write("zendesk/users.xlsx", b"PK")
    zendesk.write("zendesk/tickets_export.csv", TICKETS + ticket(2))
    told = refused(zendesk).splitlines()
    assert [line.split(": ")[1].split(";")[0] for line in told] == [
        "june is a folder with files in it",
        "tickest.csv is named for no table (did you mean 'tickets'?)",
        "users.xlsx is none of .csv, .csv.gz, .parquet, .jsonl, .ndjson, .jsonl.gz",
    ]
    assert zendesk.query("select id from raw_zendesk.tickets") == [("2",)]
    assert zendesk.query("select distinct source, table_name from ingestion.refusals") == [("zendesk", None)]


def test_a_table_whose_files_vanish_is_still_connected(zendesk: Deployment) -> None:
    load(zendesk, "tickets.csv", TICKETS + ticket(1))
    connected = "select table_name from ingestion.tables where connection is not null order by all"
    assert zendesk.query(connected) == [("tickets",)]
    (zendesk.folder / "zendesk" / "tickets.csv").unlink()
    load(zendesk, "users.csv", "id,role,created_at,updated_at\nu1,end-user,2026-01-01,2026-01-01\n")
    assert zendesk.query(connected) == [("tickets",), ("users",)]


def test_a_file_without_a_header_shows_no_row(deployment: Deployment) -> None:
    deployment.write("a.csv", "Ann Canary,Canary Street,Rome,yes\nBob,Elm Street,Bern,no\n")
    with pytest.raises(RefusedFilesError, match="check that its first line is a header") as caught:
        deployment.load()
    assert "Canary" not in str(caught.value)
    assert "Canary" not in str(deployment.query("from ingestion.schema_changes"))


def test_both_lengths_of_a_salesforce_id_are_one_account(deployment: Deployment) -> None:
    (deployment.folder / "salesforce").mkdir()
    stamps = "2026-01-01,2026-01-01,2026-01-01"
    header = "{},created_date,last_modified_date,system_modstamp\n"
    accounts = f"001000000000AAAAA1,Acme,{stamps}\n"
    deployment.write("salesforce/accounts.csv", header.format("id,name") + accounts)
    contacts = "".join(
        f"003000000000AA{number},{account},{stamps}\n"
        for number, account in enumerate(["001000000000AAA", "001000000000AAAAA1", "001000000000AAB"])
    )
    deployment.write("salesforce/contacts.csv", header.format("id,account_id") + contacts)
    deployment.load_all({"salesforce": {"exports": "salesforce"}})
    orphans = "select checked_count, orphan_count from ingestion.orphans where references_column = 'accounts.id'"
    assert deployment.query(f"{orphans} and table_name = 'contacts'") == [(3, 1)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-04T09:30Z", (9, 30)),
        ("2026-05-04 09:30+02:00", (7, 30)),
        ("2026-05-04 09:30 +02:00", (7, 30)),
        ("2026-05-04 09:30:15 +0200", (7, 30, 15)),
        ("2026-05-04T09:30:15.5-05:00", (14, 30, 15, 500_000)),
        ("\t2026-05-04 09:30:00\N{NO-BREAK SPACE}", (9, 30)),
    ],
)
def test_moments_as_people_write_them(zendesk: Deployment, text: str, moment: tuple[int, ...]) -> None:
    load(zendesk, "tickets.csv", TICKETS + ticket(1, created=text))
    assert zendesk.query("select created_at from raw_zendesk.tickets") == [(datetime(2026, 5, 4, *moment),)]  # type: ignore[arg-type]  # noqa: DTZ001


def test_a_number_is_a_truth_value_only_if_it_is_0_or_1(deployment: Deployment) -> None:
    (deployment.folder / "stripe").mkdir()
    stamps = "timestamp '2026-05-01' as created, timestamp '2026-05-02' as updated"
    values = "values ('a', 1), ('b', 0), ('c', 2)"
    source = f"select id, delinquent, 'eur' as currency, {stamps} from ({values}) as t(id, delinquent)"
    deployment.con.execute(f"copy ({source}) to '{deployment.folder / 'stripe' / 'customers.parquet'}'")
    deployment.load_all({"stripe": {"exports": "stripe"}})
    customers = deployment.query("select id, delinquent from raw_stripe.customers order by id")
    assert customers == [("a", True), ("b", False)]
    assert deployment.query("select reason from quarantine.stripe__customers") == [("delinquent is not true or false",)]


def test_nested_values_of_an_unknown_column_stay_json(zendesk: Deployment) -> None:
    stamps = '"created_at": "2026-05-01", "updated_at": "2026-05-02"'
    row = f'{{"id": 1, "status": "new", "requester_id": 5, {stamps}, "custom": {{"a": [1, "x"]}}}}'
    load(zendesk, "tickets.jsonl", row + "\n")
    zendesk.con.execute(
        "copy (select 2 as id, 'new' as status, 5 as requester_id, timestamp '2026-05-01' as created_at, "
        "timestamp '2026-05-02' as updated_at, [{'a': 1}] as custom) "
        f"to '{zendesk.folder / 'zendesk' / 'tickets_2.parquet'}'"
    )
    zendesk.load_all({"zendesk": {"exports": "zendesk"}})
    extras = zendesk.query("select _extra from raw_zendesk.tickets order by id")
    assert [json.loads(extra)["custom"] for (extra,) in extras] == ['{"a":[1,"x"]}', [{"a": 1}]]


def test_what_was_read_under_another_contract_is_read_whole(
    zendesk: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(zendesk, "tickets.csv", TICKETS + ticket(1))
    load(zendesk, "users.csv", "id,role,created_at,updated_at\nu1,end-user,2026-01-01,2026-01-01\n")
    zendesk.con.execute("update ingestion.loads set mapping_hash = 'an older contract' where table_name = 'users'")
    asked = []

    def extract(*_: object, whole: set[str], **__: object) -> Iterator[Extract]:
        asked.append(whole)
        return iter(())

    monkeypatch.setattr(api, "extract", extract)
    monkeypatch.setenv("ZENDESK_TOKEN", "a secret")
    settings = {"base_url": "https://acme.zendesk.com", "email": "ops@acme.example", "token": "${ZENDESK_TOKEN}"}
    zendesk.load_all({"zendesk": {"api": settings}})
    assert asked == [{"users"}]
