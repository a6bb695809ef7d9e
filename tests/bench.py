"""What a run costs, beside the floor: one DuckDB process that reads the same files and computes orders, cohorts and
repeat purchase in plain SQL. `make bench` prints the tables; nothing here is an assertion.

    python -m tests.bench [--lines 10000000]
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

TENURE = str(Path(sys.executable).parent / "tenure")
STAGES = {
    "start": "starting in",
    "load": "load the sources:",
    "dbt": "build the marts:",
    "gate": "publish the release:",
    "write": "writing release",
    "report": "writing the report",
}
SOURCES = """\
sources:
  files:
    order_lines:
      path: lines_*.parquet
      columns: {order_id: order_id, customer_id: customer_id, ordered_at: ordered_at, product_id: product_id,
                quantity: quantity, unit_price: unit_price, currency: "'EUR'", is_cancellation: is_cancellation,
                country: country}
"""
FLOOR = """
import sys, time, duckdb
start = time.monotonic()
con = duckdb.connect(config={"memory_limit": "6GB"})
con.execute("set enable_progress_bar = false")
con.execute(f'''create table orders as select order_id, any_value(customer_id) as customer_id,
    min(ordered_at)::date as order_date, date_trunc('month', min(ordered_at)) as order_month,
    sum(quantity * unit_price) as amount
    from read_parquet('{sys.argv[1]}/lines_*.parquet') where not is_cancellation and quantity > 0 and unit_price > 0
    group by order_id''')
con.execute('''create table customers as select customer_id, min(order_date) as first_date from orders
    where customer_id is not null group by customer_id''')
con.execute('''create table cohorts as select date_trunc('month', first_date) as cohort, order_month,
    count(distinct customer_id) as active, sum(amount) as amount from orders join customers using (customer_id)
    group by all''')
con.execute('''create table repeats as select w, count(distinct customer_id) filter
    (where order_date > first_date and order_date <= first_date + w) / count(distinct customer_id) as rate
    from orders join customers using (customer_id), (select unnest([30, 60, 90, 180, 365])::integer as w)
    group by w''')
print(time.monotonic() - start)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds by stage, and the most memory that the process and its children held at once, in bytes."""

    seconds: dict[str, float]
    peak_bytes: int

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def write_lines(folder: Path, lines: int) -> None:
    """Order lines in Parquet: a customer for every ten lines, some 2.5 lines an order, two years."""
    folder.mkdir(parents=True)
    (folder / "sources.yml").write_text(SOURCES)
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            f"""copy (
                select
                    'o' || (i * 2 // 5) as order_id,
                    case when hash(i * 2 // 5) % 33 > 0 then 'c' || (hash(i * 2 // 5, 1) % {max(lines // 10, 1)}) end
                        as customer_id,
                    timestamp '2024-01-01' + to_seconds((hash(i * 2 // 5, 2) % 63072000)::bigint) as ordered_at,
                    'p' || (hash(i, 3) % 20000) as product_id,
                    (1 + hash(i, 4) % 9)::integer as quantity,
                    (1 + hash(i, 5) % 9999)::decimal(18, 2) / 100 as unit_price,
                    hash(i * 2 // 5, 6) % 50 = 0 as is_cancellation,
                    ['France', 'Germany', 'Spain', 'Italy', 'Poland'][1 + (hash(i * 2 // 5, 1) % 5)::integer] as country
                from range({lines}) as t(i)
            ) to '{folder}/lines_0.parquet' (format parquet)"""
        )


def measure_run(folder: Path, home: Path) -> Cost:
    """One `tenure run` in a process of its own."""
    command = [TENURE, "run", "--home", str(home), "--sources", str(folder / "sources.yml")]
    start = time.monotonic()
    marks: list[tuple[str, float]] = [("python", 0.0)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        watch = Memory(process.pid)
        assert process.stdout
        text = ""
        for line in process.stdout:
            text += line
            marks += [(name, time.monotonic() - start) for name, words in STAGES.items() if words in line]
    watch.stop()
    if process.returncode:
        sys.exit(text)
    marks.append(("end", time.monotonic() - start))
    seconds: dict[str, float] = {}
    for (name, begun), (_, ended) in itertools.pairwise(marks):
        seconds[name] = seconds.get(name, 0.0) + ended - begun
    return Cost(seconds, watch.peak_bytes)


def measure_floor(folder: Path) -> float:
    """Seconds that plain SQL needs for the same figures."""
    out = subprocess.run([sys.executable, "-c", FLOOR, str(folder)], capture_output=True, text=True, check=True)
    return float(out.stdout)


class Memory(threading.Thread):
    """Samples the resident memory of a process and all its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._stopped, self.peak_bytes = pid, threading.Event(), 0
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(0.1):
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident, _family(self._pid))))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _family(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return [pid]
    return [pid, *(member for child in text.split() for member in _family(int(child)))]


def _resident(pid: int) -> int:
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0


def _show_stages(title: str, cost: Cost, floor: float | None) -> None:
    print(f"\n{title}")
    print(f"{'stage':<10}{'seconds':>9}{'share':>8}" + (f"{'x floor':>9}" if floor else ""))
    for name, seconds in [*cost.seconds.items(), ("total", cost.total)]:
        ratio = f"{seconds / floor:>9.1f}" if floor else ""
        print(f"{name:<10}{seconds:>9.1f}{seconds / cost.total:>8.0%}{ratio}")
    print(f"peak memory {cost.peak_bytes / 2**30:.2f} GiB" + (f"; floor {floor:.1f} s" if floor else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000, help="order lines of the largest run")
    largest = parser.parse_args().lines
    root = Path(tempfile.mkdtemp(prefix="tenure-bench-", dir=os.environ.get("TENURE_BENCH_DIR")))
    try:
        write_lines(root / "tiny", 2_000)
        first = measure_run(root / "tiny", root / "tiny-home")
        _show_stages("Fixed cost: 2,000 lines, first run of a home", first, None)
        again = measure_run(root / "tiny", root / "tiny-home")
        _show_stages("Fixed cost: the same again, nothing new", again, None)

        scale: list[tuple[int, float, Cost]] = []
        for lines in (largest // 10, largest * 3 // 10, largest):
            folder = root / f"lines-{lines}"
            write_lines(folder, lines)
            floor = measure_floor(folder)
            cost = measure_run(folder, root / f"home-{lines}")
            scale.append((lines, min(floor, measure_floor(folder)), cost))
            shutil.rmtree(root / f"home-{lines}")
        lines, floor, cost = scale[-1]
        _show_stages(f"{lines:,} order lines of {lines // 10:,} customers, Parquet to release", cost, floor)
        over = cost.total - 40
        print(f"target: total <= 6 x floor + 40 s; above the 40 s fixed cost: {over / floor:.1f} x floor")
        print(f"\n{'lines':>12}{'seconds':>9}{'less fixed':>12}{'per 1 M':>9}{'floor':>7}{'peak GiB':>10}")
        for lines, floor, cost in scale:
            above = cost.total - first.total
            per_million = above / lines * 1e6
            peak = cost.peak_bytes / 2**30
            print(f"{lines:>12,}{cost.total:>9.1f}{above:>12.1f}{per_million:>9.2f}{floor:>7.2f}{peak:>10.2f}")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
