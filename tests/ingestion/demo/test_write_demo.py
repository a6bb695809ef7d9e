"""The demo as a whole: the same bytes from the same arguments, loadable, and true to its list of damage."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml

from ingestion.contracts import Contracts
from ingestion.demo import PROFILES, write_demo
from ingestion.demo.contradictions import KINDS
from ingestion.errors import UserError
from ingestion.load import LoadReport, load_sources
from ingestion.sources import read_sources

SIZE = {"customers": 120, "months": 12, "events": 20_000}
RECEIVED_AT = datetime(2026, 6, 18, 6, 0, tzinfo=UTC)
SYSTEMS = {
    "hubspot", "salesforce", "stripe", "zendesk", "segment", "delighted", "klaviyo", "shopify", "smile", "files",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo"), **SIZE).parent


@pytest.fixture(scope="module")
def loaded(home: Path, contracts: Contracts) -> Iterator[tuple[duckdb.DuckDBPyConnection, LoadReport]]:
    with duckdb.connect(config={"threads": 2}) as con:
        yield con, _load(con, home / "sources.yml", contracts)


def _load(con: duckdb.DuckDBPyConnection, path: Path, contracts: Contracts) -> LoadReport:
    landing = path.parent / "landing"
    return load_sources(
        con, read_sources(path), contracts, landing=landing, accept_shrink=False, received_at=RECEIVED_AT
    )


def _truth(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(home / "truth" / f"{name}.parquet")


def _content(home: Path) -> dict[Path, bytes]:
    return {path.relative_to(home): path.read_bytes() for path in sorted(home.rglob("*.*")) if path.is_file()}


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    small = {"customers": 30, "months": 4, "events": 2_000}
    seeds = {"a": 1, "b": 1, "c": 2}
    first, second, other = (
        _content(write_demo(tmp_path / name, **small, rng=rng).parent) for name, rng in seeds.items()
    )
    assert first == second
    assert first.keys() != other.keys() or any(first[path] != other[path] for path in first)


def test_every_system_and_every_format_is_there(home: Path) -> None:
    assert {path.name for path in (home / "exports").iterdir()} == SYSTEMS
    endings = {path.parent.name: path.suffix for path in (home / "exports").rglob("*.*")}
    assert set(endings.values()) == {".csv", ".jsonl", ".parquet"}
    assert endings["segment"] == ".parquet"
    assert endings["zendesk"] == ".jsonl"
    assert not (home / ".demo").exists()


def test_the_truth_stays_apart(home: Path) -> None:
    assert "truth" not in (home / "sources.yml").read_text()
    assert not list((home / "exports").rglob("*truth*"))
    names = {path.stem for path in (home / "truth").iterdir()}
    assert {
        "records", "damaged", "contradictions", "customer_months", "mrr_movements", "potential_outcomes",
    } <= names  # fmt: skip


def test_the_whole_demo_loads(
    home: Path, loaded: tuple[duckdb.DuckDBPyConnection, LoadReport], contracts: Contracts
) -> None:
    _, report = loaded
    assert not report.refusals
    mapped = {"interventions", "milestones", "meetings", "contact_roles"}
    expected = {key for key in contracts if key[0] in SYSTEMS - {"files"}} | {("files", table) for table in mapped}
    assert {(load.source, load.table_name) for load in report.loads} == expected
    for load in report.loads:
        assert load.received_count == load.loaded_count + load.quarantined_count + load.superseded_count


def test_the_quarantine_is_what_the_truth_lists(
    home: Path, loaded: tuple[duckdb.DuckDBPyConnection, LoadReport]
) -> None:
    con, report = loaded
    damaged = _truth(home, "damaged")
    planted = damaged.filter(pl.col("expected") == "quarantined")
    assert set(planted["source"]) >= {"hubspot", "salesforce", "stripe", "segment", "shopify"}
    refused = Counter({(load.source, load.table_name): 0 for load in report.loads})
    for load in report.loads:
        refused[load.source, load.table_name] += load.quarantined_count
    listed = Counter(planted.select("source", "table").iter_rows())
    assert {key: count for key, count in refused.items() if count} == dict(listed)
    for source, table, reason in planted.select("source", "table", "reason").unique().iter_rows():
        found = con.execute(f"select reason from quarantine.{source}__{table}").pl()["reason"]
        assert found.str.contains(reason, literal=True).any(), (source, table, reason)
    deleted = Counter(damaged.filter(pl.col("expected") == "deleted").select("source", "table").iter_rows())
    gone: Counter[tuple[str, str]] = Counter()
    for load in report.loads:
        gone[load.source, load.table_name] += load.deleted_count
    assert {key: count for key, count in gone.items() if count} == dict(deleted)


def test_the_truth_covers_every_kind_of_damage(home: Path) -> None:
    damaged = _truth(home, "damaged")
    assert {
        "duplicate", "test_account", "null_like", "legal_suffix", "name_variant", "address_variant", "merged",
        "cross_system", "shared_mailbox", "shared_phone", "clock_skew", "late", "twice_delivered", "corrected",
        "hard_deleted", "missing_day", "added_column", "broken_row",
    } <= set(damaged["damage"])  # fmt: skip
    assert set(damaged["expected"]) <= {"quarantined", "superseded", "corrected", "deleted", "kept", "missing"}
    assert len(_truth(home, "contradictions")) == 20
    records = _truth(home, "records")
    assert set(records["source"]) == SYSTEMS - {"files"}
    assert set(records["entity_type"]) == {"company", "person", "shopper"}
    both = records.filter(pl.col("entity_type") == "person").group_by("entity_id").agg(pl.col("source").n_unique())
    assert both["source"].max() >= 4


def _current(con: duckdb.DuckDBPyConnection, table: str, columns: str) -> pl.DataFrame:
    return con.execute(f"select {columns} from {table} where _superseded_by is null and not _is_deleted").pl()


@pytest.mark.parametrize("table", ["hubspot.contacts", "zendesk.users", "klaviyo.profiles", "smile.customers"])
def test_a_system_that_takes_an_address_once_has_it_once(
    loaded: tuple[duckdb.DuckDBPyConnection, LoadReport], table: str
) -> None:
    email = _current(loaded[0], f"raw_{table}", "lower(trim(email)) as email")["email"].drop_nulls()
    assert len(email) > 100
    assert email.is_unique().all()
    assert email.str.contains("@", literal=True).all()


def test_a_shared_mailbox_is_one_and_the_same_in_all_systems(
    home: Path, loaded: tuple[duckdb.DuckDBPyConnection, LoadReport]
) -> None:
    shared = _truth(home, "damaged").filter(pl.col("damage") == "shared_mailbox")
    assert len(shared) > shared["source"].n_unique() > 1
    owners: dict[str, set[str]] = {}
    for table in ("hubspot.contacts", "salesforce.contacts", "zendesk.users", "stripe.customers"):
        source, name = table.split(".")
        own = shared.filter((pl.col("source") == source) & (pl.col("table") == name))["record_id"]
        rows = _current(loaded[0], f"raw_{table}", "id, lower(email) as email")
        for email in rows.filter(pl.col("id").is_in(own.implode()))["email"].drop_nulls():
            owners.setdefault(email.strip(), set()).add(source)
    domains = [email.partition("@")[2] for email in owners]
    assert len(domains) == len(set(domains))
    assert any(len(sources) > 1 for sources in owners.values())


def test_nothing_is_wrong_without_damage(tmp_path: Path, contracts: Contracts) -> None:
    home = write_demo(tmp_path, **SIZE, damage=PROFILES["none"]).parent
    assert _truth(home, "damaged").is_empty()
    assert _truth(home, "contradictions").is_empty()
    with duckdb.connect(config={"threads": 2}) as con:
        report = _load(con, home / "sources.yml", contracts)
    assert not report.refusals
    assert sum(load.quarantined_count + load.superseded_count for load in report.loads) == 0


def test_a_breaking_change_refuses_its_tables_and_no_others(tmp_path: Path, contracts: Contracts) -> None:
    home = write_demo(tmp_path, **SIZE, damage=PROFILES["breaking"]).parent
    listed = set(_truth(home, "damaged").filter(pl.col("expected") == "refused").select("source", "table").iter_rows())
    assert ("stripe", "invoices") in listed
    broken = {source for source, _ in listed}
    assert broken < SYSTEMS
    only = home / "only.yml"
    only.write_text(yaml.safe_dump({"sources": {source: {"exports": f"exports/{source}"} for source in broken}}))
    with duckdb.connect(config={"threads": 2}) as con:
        report = _load(con, only, contracts)
    assert {(refusal.source, refusal.table) for refusal in report.refusals} == listed


def test_writing_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    write_demo(tmp_path, customers=20, months=6, events=500)
    again = _content(write_demo(tmp_path, customers=20, months=2, events=500, is_acausal=True).parent)
    fresh = write_demo(tmp_path / "fresh", customers=20, months=2, events=500, is_acausal=True).parent
    assert _content(fresh) == again


def test_the_smallest_demo(tmp_path: Path) -> None:
    assert write_demo(tmp_path, customers=1, months=1, events=1).exists()
    for few in ({"customers": 0}, {"months": 0}, {"events": 0}):
        with pytest.raises(UserError, match="at least 1 customer, 1 month and 1 event"):
            write_demo(tmp_path, **few)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="the demo can't be written to"):
        write_demo(tmp_path / "file", customers=1, months=1, events=1)


def test_the_demo_never_overwrites_what_is_another_s(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("sources: {}\n")
    with pytest.raises(UserError, match=r"sources.yml is not the demo's"):
        write_demo(tmp_path, customers=1, months=1, events=1)
    assert (tmp_path / "sources.yml").read_text() == "sources: {}\n"
    mine = tmp_path / "mine"
    (mine / "exports").mkdir(parents=True)
    (mine / "exports" / "orders.csv").write_text("id\n1\n")
    with pytest.raises(UserError, match=r"exports is there without the demo's sources\.yml"):
        write_demo(mine, customers=1, months=1, events=1)
    assert (mine / "exports" / "orders.csv").exists()


def test_each_stage_says_what_it_took_and_names_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tenure.demo"):
        write_demo(tmp_path, customers=5, months=2, events=100)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert len(lines) == len(SYSTEMS) + 3
    assert all(line.endswith(" s") for line in lines)
    people = _truth(tmp_path, "people")
    assert not any(email in line for email in people["email"] for line in lines)


def test_a_demo_that_is_too_small_says_what_it_lacks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_demo(tmp_path, customers=5, months=2, events=100)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    planted = set(_truth(tmp_path, "contradictions")["kind"])
    assert warning.startswith("no company fits some kinds of contradictions, so they are missing: ")
    assert set(warning.partition(": ")[2].split(", ")) == set(KINDS) - planted
    caplog.clear()
    write_demo(tmp_path, customers=5, months=2, events=100, damage=PROFILES["none"])
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]
