"""What the API path costs: Zendesk tickets from a loopback server in a process of its own, into a landing file.

python -m tests.bench_api [--tickets 50000]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
TICKETS = 50_000
PAGE_SIZE = 1000


def bench_api(tickets: int = TICKETS) -> None:
    """Print rows a second, and where the time goes."""
    from dlt.sources.helpers.requests import Session

    from ingestion.connectors import client
    from ingestion.connectors.api import extract
    from ingestion.connectors.endpoints import RowMaker
    from ingestion.connectors.landing import Landing
    from ingestion.contracts import read_contracts

    spent: dict[str, float] = {}
    contract = read_contracts(PROJECT)["zendesk", "tickets"]
    with _served(tickets) as address, tempfile.TemporaryDirectory() as folder:
        settings = {
            "base_url": address,
            "email": "ops@acme.example",
            "token": "none",
            "category_field": "360001",
            "is_escalated_field": "360002",
        }
        with (
            patch.object(Session, "send", _timed(Session.send, "HTTP", spent)),
            patch.object(client.orjson, "loads", _timed(client.orjson.loads, "JSON", spent)),
            patch.object(RowMaker, "rows", _timed(RowMaker.rows, "flatten", spent)),
            patch.object(Landing, "write", _timed(Landing.write, "write", spent)),
        ):
            start = time.perf_counter()
            (one,) = extract("zendesk", settings, [contract], Path(folder), {}, read_at=datetime.now(UTC))
            took = time.perf_counter() - start
        assert one.row_count == tickets, one.problem
    spent["rest"] = took - sum(spent.values())
    print(f"API path: {tickets:,} Zendesk tickets in {took:.2f} s, {tickets / took:,.0f} rows/s")
    print("  " + "  ".join(f"{part} {seconds:.2f} s" for part, seconds in spent.items()))


def _timed(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] = spent.get(part, 0) + time.perf_counter() - start

    return run


@contextmanager
def _served(tickets: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench_api", "--serve", "--tickets", str(tickets)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT.parent)
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.kill()
        child.wait()


def _serve(tickets: int) -> None:
    from ingestion.contracts import read_contracts
    from tests.ingestion.connectors.fakes.zendesk import ticket
    from tests.ingestion.connectors.rows import rows_of

    contract = read_contracts(PROJECT)["zendesk", "tickets"]
    records = [ticket({**row, "tags": "late,vip"}) for row in rows_of({"tickets": contract}, tickets)["tickets"]]
    starts = range(0, tickets, PAGE_SIZE)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = pages[int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    pages = [
        json.dumps(
            {
                "tickets": records[start : start + PAGE_SIZE],
                "after_url": f"{address}/api/v2/incremental/tickets/cursor.json?cursor={place + 1}",
                "end_of_stream": start + PAGE_SIZE >= tickets,
            }
        ).encode()
        for place, start in enumerate(starts)
    ]
    print(address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=TICKETS)
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(arguments.tickets)
    else:
        bench_api(arguments.tickets)
