"""What becomes of rows over several loads: nothing twice, nothing lost, whatever the order and the interruptions."""

import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contracts import Contracts
from ingestion.errors import UserError
from ingestion.failures import WarehouseError
from ingestion.load import load_sources
from ingestion.sources import read_sources
from ingestion.tables import prepare_warehouse, set_as_of
from tests.conftest import examples
from tests.ingestion.conftest import COLUMNS, HEADER, PROJECT, Deployment, RefusedFilesError

WITHOUT_IDS = {name: value for name, value in COLUMNS.items() if name != "line_id"}


def line(order: str, sku: str = "P1", qty: str = "1", price: str = "2.50", *, line_id: str = "") -> str:
    return f"{order},{line_id},C1,2026-01-01 10:00:00,{sku},{qty},{price}\n"


def counts(deployment: Deployment) -> list[tuple[int, ...]]:
    return deployment.query(
        "select received_count, loaded_count, quarantined_count, superseded_count, replaced_count "
        "from ingestion.loads order by load_id"
    )


def test_tables_exist_for_every_contract(contracts: Contracts) -> None:
    con = duckdb.connect()
    prepare_warehouse(con, contracts)
    prepare_warehouse(con, contracts)
    for contract in contracts.values():
        described = {name: kind for name, kind, *_ in con.execute(f"describe {contract.raw_table}").fetchall()}
        assert described.items() >= {column.name: column.data_type.upper() for column in contract.columns}.items()
        assert con.execute(f"select count(*) from {contract.quarantine_table}").fetchall() == [(0,)]


def test_the_as_of_date_is_that_of_the_last_run(contracts: Contracts) -> None:
    con = duckdb.connect()
    prepare_warehouse(con, contracts)
    con.execute("create view later as select date '2024-03-01' > as_of_date() as is_later")
    for as_of, is_later in ((None, None), (date(2024, 2, 29), True), (date(2024, 3, 1), False), (None, None)):
        set_as_of(con, as_of, None)
        prepare_warehouse(con, contracts)
        assert con.execute("from later").fetchall() == [(is_later,)]


def test_what_is_known_ends_with_a_second(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + line("A1"))
    (load,) = deployment.load()
    loaded_at = datetime.fromisoformat(load.load_id[:15])
    for known_until, is_unknown in ((loaded_at, False), (loaded_at - timedelta(seconds=1), True), (None, None)):
        set_as_of(deployment.con, None, known_until)
        assert deployment.query("select _load_id >= unknown_since() from raw_files.order_lines") == [(is_unknown,)]


def test_a_table_of_an_older_contract_grows(contracts: Contracts) -> None:
    con = duckdb.connect()
    con.execute("create schema raw_files")
    con.execute("create table raw_files.order_lines as select 'A1' as order_id, 3::integer as quantity")
    prepare_warehouse(con, contracts)
    assert con.execute("select order_id, quantity::varchar, country from raw_files.order_lines").fetchall() == [
        ("A1", "3.0000", None)
    ]


def test_a_type_that_the_rows_do_not_fit_is_a_sentence(contracts: Contracts) -> None:
    con = duckdb.connect()
    con.execute("create schema raw_files")
    con.execute("create table raw_files.order_lines as select 'canary' as quantity")
    with pytest.raises(UserError, match=r"quantity that aren't decimal\(18,4\).*new home") as caught:
        prepare_warehouse(con, contracts)
    assert "canary" not in str(caught.value)


def test_the_manifest(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + line("A1").replace("01-01", "03-05") + line("A2") + line("A3", price="-1"))
    (load,) = deployment.load()
    assert load.is_new
    assert load.file == "a.csv"
    assert load.load_id == f"20260701T060100-0001-{load.file_hash[:8]}"
    assert load.received_at == datetime(2026, 7, 1, 6, 1)  # noqa: DTZ001
    assert (load.window_start, load.window_end) == (
        datetime(2026, 1, 1, 10),  # noqa: DTZ001
        datetime(2026, 3, 5, 10),  # noqa: DTZ001
    )
    assert deployment.query("select load_id, window_end from ingestion.loads") == [(load.load_id, load.window_end)]
    assert counts(deployment) == [(3, 2, 1, 0, 0)]


def test_the_same_file_twice_loads_nothing(deployment: Deployment) -> None:
    path = deployment.write("a.csv", HEADER + line("A1"))
    (first,) = deployment.load()
    (again,) = deployment.load()
    assert not again.is_new
    assert again.load_id == first.load_id
    path.rename(path.with_name("b.csv"))
    (renamed,) = deployment.load()
    # Without a version nobody can say that nothing came in between: it is read again, and all of it is known.
    assert renamed.is_new
    assert counts(deployment) == [(1, 1, 0, 0, 0), (1, 0, 0, 1, 0)]


def test_a_correction_that_is_taken_back_is_news(deployment: Deployment) -> None:
    for price in ("3.50", "99.00", "3.50"):
        deployment.write("a.csv", HEADER + line("A1", price=price, line_id="1"))
        deployment.load()
    assert deployment.query("select unit_price from raw_files.order_lines where _superseded_by is null") == [
        (Decimal("3.5000"),)
    ]


@pytest.mark.parametrize("with_id_first", [True, False])
def test_line_ids_that_come_later_replace_the_lines_without(deployment: Deployment, with_id_first: bool) -> None:
    deliveries = [HEADER + line("A1", "P1") + line("A1", "P2"), HEADER + line("A1", "P1", line_id="1")]
    deliveries[1] += line("A1", "P2", line_id="2")
    other = line("B1", "P1") if with_id_first else line("B1", "P1", line_id="1")
    deployment.write("first.csv", deliveries[with_id_first] + other)
    deployment.load()
    deployment.write("second.csv", deliveries[not with_id_first])
    deployment.load()
    current = (
        "select order_id, count(*) from raw_files.order_lines where _superseded_by is null group by all order by 1"
    )
    assert deployment.query(current) == [("A1", 2), ("B1", 1)]


def test_an_identical_copy_beside_it_brings_nothing(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + line("A1"))
    deployment.write("b.csv", HEADER + line("A1"))
    assert [load.loaded_count for load in deployment.load()] == [1, 0]
    assert [load.is_new for load in deployment.load()] == [False, False]


def test_a_correction_is_taken_back_under_another_name(deployment: Deployment) -> None:
    for number, price in enumerate(("3.50", "99.00", "3.50")):
        deployment.write(f"day_{number}.csv", HEADER + line("A1", price=price, line_id="1"))
        deployment.load()
    assert deployment.query("select unit_price from raw_files.order_lines where _superseded_by is null") == [
        (Decimal("3.5000"),)
    ]


def test_a_corrected_file_replaces_its_lines(deployment: Deployment) -> None:
    deployment.columns = WITHOUT_IDS
    deployment.write("a.csv", HEADER + line("A1") + line("A1", "P2") + line("A2"))
    deployment.load()
    deployment.write("a.csv", HEADER + line("A1") + line("A1", "P2", "5") + line("A2") + line("A3"))
    (load,) = deployment.load()
    assert counts(deployment)[1] == (4, 2, 0, 2, 1)
    assert [row[0::2][:3] for row in deployment.current()] == [
        ("A1", "P1", 2.5),
        ("A1", "P2", 2.5),
        ("A2", "P1", 2.5),
        ("A3", "P1", 2.5),
    ]
    assert deployment.query(
        "select quantity::integer, _superseded_by from raw_files.order_lines where product_id = 'P2' order by all"
    ) == [(1, load.load_id), (5, None)]


def test_a_line_is_known_by_its_id(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + line("A1", line_id="1") + line("A1", line_id="2"))
    deployment.load()
    deployment.write("b.csv", HEADER + line("A1", "P9", line_id="2") + line("A1", line_id="3"))
    deployment.load()
    assert [row[1:3] for row in deployment.current()] == [("1", "P1"), ("2", "P9"), ("3", "P1")]
    assert deployment.query("select distinct _occurrence from raw_files.order_lines") == [(0,)]


def test_equal_lines_are_told_apart_by_their_occurrence(deployment: Deployment) -> None:
    deployment.columns = WITHOUT_IDS
    deployment.write("a.csv", HEADER + line("A1") + line("A2") + line("A1") + line("A1", qty="3"))
    deployment.load()
    deployment.write("b.csv", HEADER + line("A1") + line("A1", qty="2") + line("A1", qty="3"))
    deployment.load()
    assert counts(deployment) == [(4, 4, 0, 0, 0), (3, 1, 0, 2, 1)]
    assert deployment.query(
        "select order_id, _occurrence, quantity::integer from raw_files.order_lines "
        "where _superseded_by is null order by all"
    ) == [("A1", 1, 1), ("A1", 2, 2), ("A1", 3, 3), ("A2", 1, 1)]


def test_lines_with_and_without_id_or_product(deployment: Deployment) -> None:
    text = HEADER + line("A1", line_id="1") + line("A1") + line("A1", "") + line("A1", "")
    deployment.write("a.csv", text)
    deployment.load()
    deployment.write("b.csv", text + line("A2"))
    deployment.load()
    assert counts(deployment) == [(4, 4, 0, 0, 0), (5, 1, 0, 4, 0)]


def test_a_quarantined_line_keeps_its_place_among_equals(deployment: Deployment) -> None:
    deployment.columns = WITHOUT_IDS
    deployment.write("a.csv", HEADER + line("A1", qty="1") + line("A1", qty="2"))
    deployment.load()
    deployment.write("b.csv", HEADER + line("A1", qty="bad") + line("A1", qty="2"))
    deployment.load()
    assert [row[3] for row in deployment.current()] == [1.0, 2.0]


@pytest.mark.parametrize("earlier", [False, True], ids=["into an empty table", "over earlier rows"])
def test_an_id_twice_in_one_file(deployment: Deployment, earlier: bool) -> None:
    if earlier:
        deployment.write("0.csv", HEADER + line("A1", qty="9", line_id="1") + line("A0", line_id="1"))
        deployment.load()
    rows = [line("A1", qty=qty, line_id="1") for qty in ("1", "2", "2", "bad")]
    deployment.write("a.csv", HEADER + "".join(rows))
    load = deployment.load()[-1]
    assert (load.loaded_count, load.quarantined_count, load.superseded_count) == (2, 1, 1)
    assert load.replaced_count == int(earlier)
    assert deployment.query(
        f"select quantity::integer, _superseded_by from raw_files.order_lines "
        f"where _load_id = '{load.load_id}' order by all"
    ) == [(1, load.load_id), (2, None)]
    assert deployment.current()[-1][3] == 2.0


def test_customers(deployment: Deployment) -> None:
    deployment.table = "customers"
    deployment.columns = {"customer_id": "id", "country": "land"}
    deployment.write("a.csv", "id,land\nC1,DE\nC2,FR\nC1,AT\n")
    deployment.load()
    deployment.write("a.csv", "id,land\nC1,AT\nC2,NL\n")
    deployment.load()
    assert counts(deployment) == [(3, 3, 0, 0, 0), (2, 1, 0, 1, 1)]
    assert deployment.query(
        "select customer_id, country from raw_files.customers where _superseded_by is null order by all"
    ) == [("C1", "AT"), ("C2", "NL")]
    assert deployment.load()[0].window_start is None


def test_a_changed_mapping_loads_the_same_file_anew(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + line("A1") + line("A2"))
    deployment.load()
    deployment.columns["country"] = "'Wakanda'"
    deployment.load()
    assert counts(deployment)[1] == (2, 2, 0, 0, 2)


def test_a_corrected_key_leaves_no_row_of_the_old_mapping(deployment: Deployment) -> None:
    deployment.columns = {**COLUMNS, "order_id": "sku"}
    deployment.write("a.csv", HEADER + line("A1") + line("A2", "P2") + line("A3", "P3", "bad"))
    deployment.load()
    deployment.columns = dict(COLUMNS)
    deployment.load()
    assert [row[0] for row in deployment.current()] == ["A1", "A2"]
    deployment.columns["quantity"] = "try_cast(qty as integer)"
    deployment.columns["unit_price"] = "if(sku = 'P2', -1, price::double)"
    deployment.load()
    assert [row[0] for row in deployment.current()] == ["A1"]


def test_a_changed_mapping_does_not_bring_old_values_back(deployment: Deployment) -> None:
    deployment.write("b.csv", HEADER + line("A1", qty="1"))
    deployment.load()
    deployment.write("a.csv", HEADER + line("A1", qty="7"))
    deployment.load()
    deployment.columns["country"] = "'Wakanda'"
    deployment.load()
    assert [row[3] for row in deployment.current()] == [7.0]


def test_a_shrunken_export_is_refused_until_accepted(deployment: Deployment) -> None:
    deployment.write("a.csv", HEADER + "".join(line(f"A{n}") for n in range(1000)))
    deployment.load()
    deployment.write("a.csv", HEADER + "".join(line(f"A{n}") for n in range(499)))
    with pytest.raises(RefusedFilesError, match=r"a\.csv has 499 rows where the last load had 1,000.*--accept-shrink"):
        deployment.load()
    assert len(counts(deployment)) == 1
    assert deployment.load(accept_shrink=True)[0].received_count == 499
    deployment.write("a.csv", HEADER + "".join(line(f"A{n}") for n in range(250)))
    assert deployment.load()[0].received_count == 250
    assert len(deployment.current()) == 1000


def orders(seed: int, number: int) -> dict[str, list[str]]:
    chance = random.Random(seed)
    return {
        f"A{n}": [
            line(f"A{n}", f"P{chance.randrange(3)}", str(chance.randrange(1, 3)), chance.choice(["1", "2", "-1"]))
            for _ in range(chance.randrange(1, 6))
        ]
        for n in range(number)
    }


@settings(max_examples=examples(2))
@given(seed=st.integers(0, 10_000), data=st.data())
def test_overlapping_pieces_in_any_order_give_the_same_rows(
    contracts: Contracts, seed: int, data: st.DataObject
) -> None:
    """The whole file, and the same lines split between orders into pieces that overlap, loaded in any order."""
    whole = orders(seed, 12)
    members = st.sets(st.sampled_from(sorted(whole)), min_size=1)
    pieces = data.draw(st.lists(members, min_size=1, max_size=4))
    pieces.append(set(whole).difference(*pieces) or set(whole))
    found = []
    for split in ([set(whole)], pieces, data.draw(st.permutations(pieces))):
        with tempfile.TemporaryDirectory() as folder:
            deployment = Deployment(Path(folder), duckdb.connect(), contracts, columns=WITHOUT_IDS)
            for number, piece in enumerate(split):
                text = HEADER + "".join(text for order in sorted(piece) for text in whole[order])
                deployment.write(f"{number}.csv", text)
                deployment.load()
            found.append(
                deployment.query(
                    "select * exclude (_load_id, _row_number) from raw_files.order_lines "
                    "where _superseded_by is null order by all"
                )
            )
            assert not deployment.query(
                "from ingestion.loads where received_count <> loaded_count + quarantined_count + superseded_count"
            )
            deployment.con.close()
    assert found[0] == found[1] == found[2]


KILLED = """
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
import duckdb
from ingestion.contracts import read_contracts
from ingestion.load import load_sources
from ingestion.sources import read_sources
con = duckdb.connect(sys.argv[1], config={"threads": 2})
sources, contracts = read_sources(Path(sys.argv[2])), read_contracts(Path(sys.argv[3]))
print("ready", flush=True)
moment = datetime(2026, 7, 1, tzinfo=UTC)
load_sources(con, sources, contracts, landing=Path("landing"), accept_shrink=False, received_at=moment)
print("done", flush=True)
"""


def big_files(folder: Path) -> Path:
    """Three files of 60,000 lines and a sources.yml."""
    for number in range(3):
        duckdb.sql(f"""copy (
            select '{number}-' || i // 3 as o, 'C' || i % 999 as c, timestamp '2026-01-01' as d, 'P' || i % 7 as p,
                hash(i) % 9 as q, (hash(i, 1) % 999) / 100 as price
            from range(60000) t(i)
        ) to '{folder / f"{number}.parquet"}' (format parquet)""")
    path = folder / "sources.yml"
    path.write_text("""
sources: {files: {order_lines: {path: "*.parquet", columns: {
    order_id: o, customer_id: c, ordered_at: d, product_id: p, quantity: q, unit_price: price, currency: "'EUR'"}}}}
""")
    return path


def load_here(warehouse: Path, sources: Path, contracts: Contracts) -> list[tuple[object, ...]]:
    """Load in this process; returns the current rows of each load in short."""
    with duckdb.connect(str(warehouse), config={"threads": 2}) as con:
        received_at = datetime(2026, 7, 1, tzinfo=UTC)
        landing = warehouse.parent / "landing"
        load_sources(
            con, read_sources(sources), contracts, landing=landing, accept_shrink=False, received_at=received_at
        )
        return con.execute("""
            select _load_id, count(*), sum(hash(columns(* exclude _load_id))) from raw_files.order_lines
            where _superseded_by is null group by _load_id order by _load_id
        """).fetchall()


def check_kills(folder: Path, contracts: Contracts, shares: list[float]) -> None:
    """Kill a load at each share of its usual time: a file is wholly there or not at all, and a new run completes it."""
    sources = big_files(folder)
    load_here(folder / "warm.duckdb", sources, contracts)
    began = time.monotonic()
    expected = load_here(folder / "whole.duckdb", sources, contracts)
    duration = time.monotonic() - began
    for share in shares:
        warehouse = folder / f"killed_{share}.duckdb"
        command = [sys.executable, "-c", KILLED, str(warehouse), str(sources), str(PROJECT)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT.parent) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(share * duration)
            process.kill()
        with duckdb.connect(str(warehouse)) as con:
            if con.execute("select 1 from information_schema.tables where table_name = 'order_lines'").fetchall():
                sizes = con.execute("select count(*) from raw_files.order_lines group by _load_id").fetchall()
                assert set(sizes) <= {(60_000,)}
                assert con.execute("select count(*) from ingestion.loads").fetchall() == [(len(sizes),)]
        assert load_here(warehouse, sources, contracts) == expected


def test_killed_in_the_middle_of_a_load(tmp_path: Path, contracts: Contracts) -> None:
    check_kills(tmp_path, contracts, [0.6])


@pytest.mark.wide
def test_killed_at_many_moments(tmp_path: Path, contracts: Contracts) -> None:
    check_kills(tmp_path, contracts, [step / 20 for step in range(20)])


LIMITED = """
import resource, sys
sys.argv = ["-", *sys.argv[2:]]
from ingestion.errors import UserError
from ingestion.failures import WarehouseError
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    exec(CODE)
except WarehouseError as error:
    print(error, flush=True)
"""


def test_a_full_disk(tmp_path: Path, contracts: Contracts) -> None:
    sources = big_files(tmp_path)
    warehouse = tmp_path / "warehouse.duckdb"
    code = f"CODE = {KILLED!r}\n" + LIMITED.replace("sys.argv[2:]", "sys.argv[1:]")
    result = subprocess.run(
        [sys.executable, "-c", code, str(warehouse), str(sources), str(PROJECT)],
        capture_output=True,
        text=True,
        cwd=PROJECT.parent,
        check=False,
    )
    assert "the disk is full, or a file-size limit is reached: nothing of" in result.stdout, result.stderr
    assert "Traceback" not in result.stderr
    assert [row[1] for row in load_here(warehouse, sources, contracts)] == [60_000] * 3


def test_too_little_memory_is_a_sentence(tmp_path: Path, contracts: Contracts) -> None:
    big_files(tmp_path)
    con = duckdb.connect(
        str(tmp_path / "w.duckdb"), config={"memory_limit": "12MB", "threads": 1, "temp_directory": ""}
    )
    deployment = Deployment(tmp_path, con, contracts)
    columns = {"order_id": "o", "ordered_at": "d", "quantity": "q", "unit_price": "price", "currency": "'EUR'"}
    with pytest.raises(WarehouseError, match=r"needs more memory than allowed.*TENURE_MEMORY_LIMIT"):
        deployment.load(path="0.parquet", columns=columns)
