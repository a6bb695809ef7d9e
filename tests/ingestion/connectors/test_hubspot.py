"""HubSpot's searches know nothing of the bin, and its links are asked for from where records are few."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.contracts import Contracts
from tests.ingestion.conftest import Deployment
from tests.ingestion.connectors.fakes.hubspot import KINDS
from tests.ingestion.connectors.reading import READ_AT, Bench, connected
from tests.ingestion.connectors.rows import Row, read_lines
from tests.ingestion.connectors.server import Answer, Asked


def put_in_bin(row: Row, at: datetime) -> None:
    row.update(archived=True, hs_lastmodifieddate=at)


@pytest.mark.parametrize("table", ["deals", "engagements"])
def test_what_was_put_in_the_bin_comes_as_archived(table: str, contracts: Contracts, tmp_path: Path) -> None:
    with connected("hubspot", contracts, tmp_path) as bench, duckdb.connect() as con:
        deployment = Deployment(tmp_path, con, contracts)
        # It was last changed long before the time from which a later run reads.
        old = min((row for row in bench.system.rows[table] if not row["archived"]), key=_changed_at)
        at = READ_AT - timedelta(hours=1)
        for since in ({}, {table: READ_AT}):
            bench.read(table, since=since)
            deployment.load_all({"hubspot": {"exports": str(tmp_path / "hubspot")}}, accept_shrink=True)
            put_in_bin(old, at.replace(tzinfo=None))
        state = f"select archived, _version, _superseded_by is null from raw_hubspot.{table} where id = ? order by all"
        versions = con.execute(state, [old["id"]]).fetchall()
        assert [(archived, is_current) for archived, _, is_current in versions] == [(False, False), (True, True)]
        assert versions[1][1] == at.replace(tzinfo=None)


def _changed_at(row: Row) -> datetime:
    time: datetime = row["hs_lastmodifieddate"]
    return time


@pytest.mark.parametrize("table", ["companies", "contacts", "deals"])
def test_a_record_in_the_bin_is_dated_by_when_it_was_put_there(
    table: str, contracts: Contracts, tmp_path: Path
) -> None:
    with connected("hubspot", contracts, tmp_path) as bench:
        path = bench.read(table)[table].path
        assert path is not None
        version = bench.contracts[table].meta.version or ""
        came = {row["id"]: datetime.fromisoformat(row[version]) for row in read_lines(path) if row["archived"]}
        assert came == {
            row["id"]: row[version].replace(tzinfo=UTC) for row in bench.system.rows[table] if row["archived"]
        }


def asked_for(bench: Bench) -> Counter[str]:
    """Count what is asked for from now on, by its path."""
    paths: Counter[str] = Counter()
    answer = bench.system.answer

    def counted(asked: Asked) -> Answer:
        paths[asked.path] += 1
        got: Answer = answer(asked)
        return got

    bench.system.answer = counted
    return paths


def test_links_cost_nothing_more_for_more_deals_and_activities(contracts: Contracts, tmp_path: Path) -> None:
    counts = []
    for more in (0, 300):
        with connected("hubspot", contracts, tmp_path) as bench:
            for table in ("deals", "engagements"):
                rows = bench.system.rows[table]
                rows += [{**rows[0], "id": f"9{index:08}"} for index in range(more)]
            paths = asked_for(bench)
            (one,) = bench.read("associations").values()
            assert bench.came(one) == bench.given("associations")
            counts.append(paths)
    assert counts[0] == counts[1]
    assert not [path for path in counts[0] if path.startswith(("/crm/v3/objects/deals", "/crm/v3/objects/meetings"))]


def test_links_are_asked_for_a_thousand_records_at_a_time(contracts: Contracts, tmp_path: Path) -> None:
    with connected("hubspot", contracts, tmp_path) as bench:
        contact = next(row for row in bench.system.rows["contacts"] if not row["archived"])
        bench.system.rows["contacts"] += [{**contact, "id": f"9{index:08}"} for index in range(1000)]
        bench.system.rows["associations"].clear()
        paths = asked_for(bench)
        bench.read("associations")
        links = {path: count for path, count in paths.items() if "associations" in path}
        assert links == {
            **{f"/crm/v4/associations/companies/{kind}/batch/read": 1 for kind in ("contacts", "deals", *KINDS)},
            **{f"/crm/v4/associations/contacts/{kind}/batch/read": 2 for kind in ("deals", *KINDS)},
        }
