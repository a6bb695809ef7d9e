"""Shopify tells what befell parcels elsewhere than in their orders, many at a time."""

from pathlib import Path

from ingestion.contracts import Contracts
from tests.ingestion.connectors.fakes.shopify import points
from tests.ingestion.connectors.reading import Bench, connected
from tests.ingestion.connectors.rows import Row

THROTTLED = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}


def refuse(bench: Bench, refusal: Row, times: int) -> list[int]:
    """Refuse the first queries; the list that is given back gets how many parcels each query names."""
    told = bench.system.told
    asked: list[int] = []

    def answer(ids: list[str]) -> Row:
        asked.append(len(ids))
        got: Row = refusal if len(asked) <= times else told(ids)
        return got

    bench.system.told = answer
    return asked


def test_parcels_are_asked_about_many_at_a_time(contracts: Contracts, tmp_path: Path) -> None:
    with connected("shopify", contracts, tmp_path) as bench:
        parcels = bench.system.rows["fulfillments"]
        told = next(row for row in parcels if row["shipment_status"])
        parcels += [{**told, "id": f"9{index:08}"} for index in range(600)]
        asked = refuse(bench, {}, times=0)
        extracts = bench.read("orders", "fulfillments")
        assert bench.came(extracts["fulfillments"]) == bench.given("fulfillments")
        assert sum(asked) == len([row for row in parcels if row["shipment_status"]])
        # One for each page of orders, and two more for the one order of many parcels.
        pages = bench.server.page_requests
        assert bench.server.requests - pages == len(asked) <= pages + 2


def test_a_parcel_of_which_nothing_is_told_costs_nothing(contracts: Contracts, tmp_path: Path) -> None:
    with connected("shopify", contracts, tmp_path) as bench:
        for row in bench.system.rows["fulfillments"]:
            row.update(shipment_status=None, estimated_delivery_at=None, delivered_at=None)
        bench.read("orders", "fulfillments")
        assert bench.server.requests == bench.server.page_requests


def test_a_query_waits_until_it_can_be_paid(contracts: Contracts, tmp_path: Path) -> None:
    with connected("shopify", contracts, tmp_path) as bench:
        asked = refuse(bench, {**THROTTLED, **points(requested=7, available=6)}, times=2)
        extracts = bench.read("orders", "fulfillments")
        assert len(asked) > 2
        assert bench.came(extracts["fulfillments"]) == bench.given("fulfillments")


def test_a_query_that_can_never_be_paid_ends_the_reading(contracts: Contracts, tmp_path: Path) -> None:
    with connected("shopify", contracts, tmp_path) as bench:
        refuse(bench, {**THROTTLED, **points(requested=7, available=6)}, times=1000)
        problem = bench.read("orders", "fulfillments")["orders"].problem
        assert "it asks for more patience, again and again; run again later" in str(problem)


def test_a_token_that_may_not_read_parcels_is_told(contracts: Contracts, tmp_path: Path) -> None:
    with connected("shopify", contracts, tmp_path) as bench:
        denied = {"errors": [{"message": "Access denied", "extensions": {"code": "ACCESS_DENIED"}}], "data": None}
        asked = refuse(bench, denied, times=1000)
        problem = bench.read("orders", "fulfillments")["orders"].problem
        assert "check what the `token` of shopify may read" in str(problem)
        assert len(asked) == 1
