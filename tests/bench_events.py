"""What product events in bulk cost: the demo that writes them, and the load that checks and keeps them, beside the
floor, `create table as select` of the same files in the same DuckDB. Nothing here is an assertion.

    python -m tests.bench_events [--events 1000000 10000000 100000000]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from tests.bench import Memory

COMPANIES, MONTHS = 2000, 24
NEXT_DAY_EVENTS = 200_000
DEMO = """
import sys
from pathlib import Path
from ingestion.demo import write_demo
write_demo(Path(sys.argv[1]), customers=int(sys.argv[2]), months=int(sys.argv[3]), events=int(sys.argv[4]))
"""
FLOOR = """
import sys, time, duckdb
con = duckdb.connect(sys.argv[2], config={"memory_limit": "6GB", "threads": 2})
con.execute("set enable_progress_bar = false")
start = time.monotonic()
con.execute(f"create table events as from read_parquet('{sys.argv[1]}/segment/*.parquet')")
con.execute("checkpoint")
print(time.monotonic() - start)
"""
LOAD = """
import sys, time
from datetime import datetime
from pathlib import Path
import duckdb
from ingestion.contracts import read_contracts
from ingestion.load import load_sources
from ingestion.sources import read_sources
folder = Path(sys.argv[1])
contracts = {key: one for key, one in read_contracts(Path("dbt_project")).items() if key == ("segment", "events")}
con = duckdb.connect(sys.argv[2], config={"memory_limit": "6GB", "temp_directory": sys.argv[2] + ".tmp", "threads": 2})
con.execute("set enable_progress_bar = false")
start = time.monotonic()
sources = read_sources(folder / "sources.yml")
moment = datetime.fromisoformat(sys.argv[3])
report = load_sources(
    con, sources, contracts, landing=folder / "landing", accept_shrink=False, received_at=moment
)
con.execute("checkpoint")
assert not report.refusals, report.refusals
print(time.monotonic() - start)
"""


def measured(script: str, *arguments: object) -> tuple[float, float, str]:
    """(seconds, peak GiB, what it printed) of a script in a process of its own."""
    start = time.monotonic()
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = Memory(process.pid)
        assert process.stdout
        printed = process.stdout.read()
    watch.stop()
    if process.returncode:
        sys.exit(f"failed: {command[2][:60]}")
    return time.monotonic() - start, watch.peak_bytes / 2**30, printed


def write_next_day(exports: Path) -> None:
    """A day more of events: most of the new day, some up to ten days late, some known already."""
    files = f"{exports}/segment/*.parquet"
    with duckdb.connect() as con:
        newest = con.execute(f"select max(timestamp) from read_parquet('{files}')").fetchall()[0][0]
        con.execute(f"""
            copy (
                with sample as (
                    select * from read_parquet('{files}')
                    where timestamp > timestamp '{newest}' - interval 20 day limit {NEXT_DAY_EVENTS}
                )
                select * exclude (moved) replace (
                    if(hash(message_id) % 100 = 0, message_id, message_id || 'n') as message_id,
                    if(hash(message_id) % 100 = 0, original_timestamp, moved) as original_timestamp,
                    if(hash(message_id) % 100 = 0, sent_at, moved) as sent_at,
                    if(hash(message_id) % 100 = 0, received_at, timestamp '{newest}' + interval 1 day) as received_at,
                    if(hash(message_id) % 100 = 0, timestamp, moved) as timestamp
                )
                from (
                    select *, timestamp '{newest}' + to_seconds((hash(message_id, 1) % 86400)::bigint)
                        - to_days(if(hash(message_id, 2) % 50 = 0, hash(message_id, 3) % 10, 0)::integer) as moved
                    from sample
                )
            ) to '{exports}/segment/events_9999-12.parquet' (format parquet)
        """)


def bench(events: int, folder: Path) -> None:
    """Print one size's figures."""
    seconds, peak, _ = measured(DEMO, folder / "demo", COMPANIES, MONTHS, events)
    exports = folder / "demo" / "exports"
    (exports / "sources.yml").write_text("sources: {segment: {exports: segment}}\n")
    size = sum(path.stat().st_size for path in (exports / "segment").iterdir()) / 2**30
    print(f"{events / 1e6:,.0f} M events, {size:.1f} GiB of Parquet")
    print(f"  demo, all systems   {seconds:7.1f} s   {events / seconds / 1e6:5.2f} M/s   {peak:4.1f} GiB")
    floor = float(measured(FLOOR, exports, folder / "floor.duckdb")[2])
    (folder / "floor.duckdb").unlink()
    print(f"  floor, create table {floor:7.1f} s   {events / floor / 1e6:5.2f} M/s")
    _, peak, printed = measured(LOAD, exports, folder / "warehouse.duckdb", "2026-07-01T06:00:00")
    load = float(printed)
    ratio = f"{load / floor:.2f} x floor"
    print(f"  load                {load:7.1f} s   {events / load / 1e6:5.2f} M/s   {peak:4.1f} GiB   {ratio}")
    again = float(measured(LOAD, exports, folder / "warehouse.duckdb", "2026-07-01T07:00:00")[2])
    write_next_day(exports)
    next_day = float(measured(LOAD, exports, folder / "warehouse.duckdb", "2026-07-02T06:00:00")[2])
    print(f"  nothing new         {again:7.2f} s")
    print(f"  next day, 200,000   {next_day:7.2f} s   {next_day - again:.2f} s beyond the fixed cost")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000])
    for events in parser.parse_args().events:
        with tempfile.TemporaryDirectory() as folder:
            bench(events, Path(folder))


if __name__ == "__main__":
    main()
