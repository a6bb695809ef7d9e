"""A loopback HTTP server that answers like a system's API, and misbehaves where it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

SECRET = "canary-4f7d1c9e"
EMAIL, PHONE = "canary.person@nowhere.example", "+4915127182818"


@dataclass(frozen=True)
class Asked:
    """A request. `origin` is the server's own address, for links."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    origin: str


@dataclass(frozen=True)
class Answer:
    """`is_page`: a page of the list that faults are counted on."""

    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    is_page: bool = True


class System(Protocol):
    """A system in memory. `renamed`: a field that every record has, and what it is called one day."""

    settings: dict[str, str]
    renamed: tuple[str, str]

    def answer(self, asked: Asked) -> Answer: ...

    def is_authorised(self, headers: dict[str, str]) -> bool: ...


@dataclass
class Fault:
    """What goes wrong from the `at`-th page request on, for so many requests."""

    kind: str
    at: int = 2
    times: int = 10_000
    act: Callable[[], None] | None = None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, system: System, fault: Fault | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.system = system
        self.fault = fault
        self.pages: list[Answer] = []
        # What was asked for each page that was given.
        self.given: list[str] = []
        self.page_requests = 0
        self.requests = 0
        self.is_closing = threading.Event()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away early is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go out together, without waiting for the client to acknowledge the one before the other.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        server = self.server
        server.requests += 1
        url = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_json = "json" in self.headers.get("Content-Type", "")
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        body = json.loads(sent) if is_json and sent else dict(parse_qsl(sent.decode()))
        asked = Asked(self.command, url.path, query, body, headers, server.origin)
        if not server.system.is_authorised(headers) and "oauth2" not in url.path:
            self._send(Answer({"error": "unauthorised"}, status=401))
            return
        answer = server.system.answer(asked)
        if not answer.is_page:
            self._send(answer)
            return
        server.page_requests += 1
        fault = server.fault
        if fault is not None and fault.at <= server.page_requests < fault.at + fault.times:
            self._misbehave(fault, asked, answer)
        else:
            server.pages.append(answer)
            server.given.append(json.dumps([asked.method, asked.path, asked.query, asked.body], sort_keys=True))
            self._send(answer)

    def _misbehave(self, fault: Fault, asked: Asked, answer: Answer) -> None:
        server = self.server
        if fault.act is not None:
            fault.act()
        match fault.kind:
            case "429":
                self._send(Answer({"error": "slow down"}, {"Retry-After": "1"}, 429))
            case "500" | "503" | "401" | "403" | "404":
                # What a system says of a fault may hold what nobody should read.
                self._send(Answer({"error": f"no: {SECRET} of {EMAIL}, {PHONE}"}, status=int(fault.kind)))
            case "302":
                self._send(Answer({}, {"Location": "http://127.0.0.1:1/elsewhere"}, 302))
            case "slow":
                server.is_closing.wait(2)
                self.close_connection = True
            case "cut":
                self._send(answer, cut=True)
            case "torn":
                self._send(answer, torn=True)
            case "repeat":
                self._send(server.pages[-1])
            case "circle":
                self._send(server.pages[0])
            case "act":
                self._send(server.system.answer(asked))
            case "renamed":
                old, new = server.system.renamed
                text = json.dumps(answer.body).replace(f'"{old}":', f'"{new}":')
                self._send(Answer(json.loads(text), answer.headers))
            case _:
                raise AssertionError(fault.kind)

    def _send(self, answer: Answer, *, cut: bool = False, torn: bool = False) -> None:
        body = json.dumps(answer.body).encode()
        half = body[: len(body) // 2]
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(half if torn else body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(half if cut or torn else body)
        self.close_connection = self.close_connection or cut


@contextmanager
def serving(system: System, fault: Fault | None = None) -> Iterator[Server]:
    server = Server(system, fault)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def page_after(rows: list[Any], key: Callable[[Any], Any], after: Any, size: int) -> tuple[list[Any], bool]:
    """The rows that follow `after` in the order of their keys, and whether more come: a cursor that never slips."""
    rest = sorted((row for row in rows if after is None or key(row) > after), key=key)
    return rest[:size], len(rest) > size
