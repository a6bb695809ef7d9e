"""One system's API: dlt's REST client with bounded patience, and each fault as a sentence.

dlt is imported here and in the connectors alone, so only where an API is connected.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from dlt.common.configuration.specs.runtime_configuration import RuntimeConfiguration
from dlt.sources.helpers.requests import (
    ChunkedEncodingError,
    Client,
    ConnectionError,  # noqa: A004
    HTTPError,
    Request,
    Response,
    Timeout,
)
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.client import PageData, RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator, SinglePagePaginator
from requests.exceptions import ConnectTimeout, JSONDecodeError, ProxyError, SSLError
from urllib3.exceptions import NewConnectionError

from ingestion.connectors.endpoints import ApiError, Connector, Record, Settings, as_utc, found
from ingestion.connectors.journal import Journal
from ingestion.errors import UserError

# No list of a system that we read has more pages; one that seems to is going round in circles.
MOST_PAGES = 100_000
# How many pages on end may bring nothing that the page before hadn't.
MOST_STALE_PAGES = 3
# A server that can't even be reached, and never answered, is given this many tries.
TRIES_TO_REACH = 3
UNAUTHORISED, FORBIDDEN, TOO_MANY = 401, 403, 429


@dataclass(frozen=True)
class Patience:
    """How often a request is made before it counts as failed, and how long is waited in between and for an answer.

    The wait doubles each time; a server's Retry-After takes its place. Neither goes beyond `longest_wait` seconds.
    A connection is to be there within `connect_timeout` seconds, an answer within `timeout`.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 120.0
    timeout: float = 60.0
    connect_timeout: float = 10.0


class Api:
    """What a connector reads with. `read_at` is the run's own time, `settings` what sources.yml says of the system.

    `account`: what answers hang on beside what is asked for: settings, secrets among them, and the API's version.
    """

    def __init__(
        self, source: str, connector: Connector, settings: Settings, *, read_at: datetime, patience: Patience
    ) -> None:
        self.settings = settings
        self.read_at = as_utc(read_at)
        self.account = orjson.dumps([dict(settings), dict(connector.headers or {})], option=orjson.OPT_SORT_KEYS)
        self._source = source
        self._secrets = " or ".join(f"`{setting.name}`" for setting in connector.settings if setting.is_secret)
        self._origin = urlsplit(settings["base_url"])
        # Whether the system ever answered, and how often it could not be reached.
        self._has_answered = False
        self._unreached = 0
        session = Client(
            request_timeout=(patience.connect_timeout, patience.timeout),
            raise_for_status=False,
            exceptions=(),
            request_max_attempts=patience.attempts,
            request_backoff_factor=patience.first_wait,
            request_max_retry_delay=patience.longest_wait,
            retry_condition=self._may_pass,
        ).session
        # A secret follows nobody to another address.
        session.max_redirects = 0
        auth = connector.auth(settings)
        if isinstance(auth, OAuth2ClientCredentials):
            auth.session = session
        self._client = _Client(
            settings["base_url"],
            headers=dict(connector.headers or {}),
            auth=auth,
            session=session,
            # Without one dlt would look for its settings in files.
            config=RuntimeConfiguration(),
        )

    def keep_answers_in(self, journal: Journal | None) -> None:
        """From now on take answers of an earlier reading from a journal, and keep new ones there; or no longer."""
        self._client.journal = journal

    def pages(
        self,
        path: str,
        records: str,
        paginator: BasePaginator,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str = "id",
    ) -> Iterator[list[Record]]:
        """Pages of a list: by GET, or by POST where there is a body to send.

        `records`: the path of the list in an answer, empty where the answer is the list. `key`: the field by which a
        record is known; one that came unchanged with the page before isn't given again.

        Raises:
            ApiError: the list can't be read to its end.
        """
        before: dict[Any, Record] = {}
        asked: set[str] = set()
        stale = 0
        for page in self._answers(path, records, paginator, params, body):
            new = [record for record in page if before.get(record.get(key)) != record]
            before = {record.get(key): record for record in page}
            stale = 0 if new or not page else stale + 1
            if paginator.has_next_page:
                self._check_next(page.request, asked, stale)
            yield new

    def once(
        self,
        path: str,
        records: str = "",
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> list[Record]:
        """The records of one answer, which may be a single one; see `pages`.

        Raises:
            ApiError: it can't be had.
        """
        return [record for page in self._answers(path, records, SinglePagePaginator(), params, body) for record in page]

    def _answers(
        self,
        path: str,
        records: str,
        paginator: BasePaginator,
        params: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
    ) -> Iterator[PageData[Any]]:
        try:
            yield from self._client.paginate(
                path,
                "POST" if body else "GET",
                params=dict(params or {}),
                json=copy.deepcopy(dict(body)) if body else None,
                data_selector=records or "$",
                paginator=paginator,
                allow_redirects=False,
            )
        except UserError:
            raise
        except Exception as error:
            raise self._explained(error) from None

    def _check_next(self, request: Request, asked: set[str], stale: int) -> None:
        pointer = _told(request)
        if pointer in asked or stale > MOST_STALE_PAGES or len(asked) >= MOST_PAGES:
            raise ApiError("its pages go round in circles; run again later, and tell the system's support if it stays")
        asked.add(pointer)
        target = urlsplit(request.url or "")
        if target.scheme and (target.scheme, target.netloc) != (self._origin.scheme, self._origin.netloc):
            raise ApiError("its next page is at another address; check base_url in sources.yml")

    def _may_pass(self, response: Response | None, error: BaseException | None) -> bool:
        """Whether a request that went wrong is worth another try, whatever its status."""
        if error is None:
            self._has_answered = True
            return response is not None and _is_torn(response)
        if not _is_unreachable(error):
            return isinstance(error, Timeout | ConnectionError | ChunkedEncodingError)
        self._unreached += 1
        return self._has_answered or self._unreached < TRIES_TO_REACH

    def _explained(self, error: Exception) -> ApiError:
        response = getattr(error, "response", None)
        if isinstance(error, HTTPError) and response is not None:
            return self._explained_status(response.status_code, "/oauth2/token" in str(response.url))
        if _is_unreachable(error):
            return ApiError(
                f"{self._source} can't be reached: check base_url in sources.yml and the network, and run again.",
                is_final=True,
                is_sound=True,
            )
        if isinstance(error, Timeout) and not self._has_answered:
            return ApiError(f"{self._source} doesn't answer: run again later.", is_final=True, is_sound=True)
        if isinstance(error, Timeout):
            return ApiError("it didn't answer in time, again and again; run again later", is_sound=True)
        if isinstance(error, ConnectionError | ChunkedEncodingError):
            return ApiError(
                "the connection failed or was cut, again and again; check base_url and the network, and run again",
                is_sound=True,
            )
        return ApiError(
            "its answers aren't what its API is known to give; check base_url and the API's version",
            # One that is cut short, again and again, says nothing of those before it.
            is_sound=isinstance(error, JSONDecodeError),
        )

    def _explained_status(self, status: int, asked_for_token: bool) -> ApiError:
        if status == UNAUTHORISED or (asked_for_token and status < TOO_MANY):
            return ApiError(
                f"the {self._secrets} of {self._source} was refused (HTTP {status}): renew it in the environment "
                "variable that sources.yml names, and run again.",
                is_final=True,
                is_sound=True,
            )
        if status == FORBIDDEN:
            return ApiError(
                f"the {self._secrets} given may not read it (HTTP 403); give it the right, and run again", is_sound=True
            )
        if status == TOO_MANY:
            return ApiError("it asks for more patience, again and again (HTTP 429); run again later", is_sound=True)
        if status >= 500:
            return ApiError(f"it failed, again and again (HTTP {status}); run again later", is_sound=True)
        return ApiError(f"it refuses what it was asked for (HTTP {status}); check base_url and the account's features")


class _Client(RESTClient):
    journal: Journal | None = None

    def _send_request(self, request: Request, **kwargs: Any) -> Response:
        """An answer: the one that an earlier reading had to the same request, or else a new one."""
        if self.journal is None:
            return super()._send_request(request, **kwargs)
        asked = _told(request)
        known = self.journal.earlier(asked)
        if known is not None:
            return _answer(*known)
        response = super()._send_request(request, **kwargs)
        if response.ok and not response.is_redirect and _is_parsed(response):
            self.journal.keep(asked, response.content, response.headers.get("Link"))
        return response

    def extract_response(self, response: Response, data_selector: Any) -> list[Any]:
        """The records of an answer; dlt's own takes a list that isn't there for an empty one."""
        if not response.ok or response.is_redirect:
            raise HTTPError(response=response)
        body = response.json()
        data = body if data_selector == "$" else found(body, tuple(str(data_selector).split(".")))
        if isinstance(data, dict):
            return [data]
        if not isinstance(data, list):
            raise ValueError
        return data


def _told(request: Request) -> str:
    """What is asked for, as a text without the secrets that go with it."""
    return json.dumps([request.method, request.url, request.params, request.json], sort_keys=True, default=str)


def _answer(body: bytes, link: str | None) -> Response:
    response = Response()
    response.status_code = 200
    response._content = body
    if link is not None:
        response.headers["Link"] = link
    _parse(response)
    return response


def _is_unreachable(error: BaseException) -> bool:
    """Whether there was no connection to speak of: no such name, refused, no way there, a certificate that is wrong."""
    if isinstance(error, ConnectTimeout | ProxyError | SSLError):
        return True
    return isinstance(error, ConnectionError) and any(
        isinstance(getattr(cause, "reason", None), NewConnectionError) for cause in error.args
    )


def _is_torn(response: Response) -> bool:
    """Whether the body of a good answer is cut short."""
    if not response.ok:
        return False
    try:
        _parse(response)
    except orjson.JSONDecodeError:
        return True
    return False


def _parse(response: Response) -> None:
    """Parse an answer's body, once for all who ask for it."""
    body = orjson.loads(response.content)
    response.__dict__["json"] = lambda: body


def _is_parsed(response: Response) -> bool:
    return "json" in response.__dict__


class KeysetPaginator(BasePaginator):
    """Asks each time for what follows the last record, by time, so that records which change meanwhile move nothing.

    `time`: a record's time as the query takes it. `ask(request, start, turn, body)`: put into the request that it
    should give the records from `start` on; `turn` counts the pages that one and the same time fills, `body` is the
    last answer. `goes_on`: whether an answer says that there is more; without it a list ends with an empty page.
    """

    def __init__(
        self,
        time: Callable[[Record], Any],
        ask: Callable[[Request, Any, int, Any], None],
        goes_on: Callable[[Any], bool] | None = None,
    ) -> None:
        super().__init__()
        self._time = time
        self._ask = ask
        self._goes_on = goes_on
        self._start: Any = None
        self._turn = 0
        self._body: Any = None

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        self._body = response.json()
        if not data or (self._goes_on is not None and not self._goes_on(self._body)):
            self._has_next_page = False
            return
        times = [self._time(record) for record in data]
        if self._start is not None and min(times) < self._start:
            raise ApiError("it gave records from before the time that it was asked for; run again later")
        self._turn = self._turn + 1 if times[-1] == self._start else 0
        self._start = times[-1]

    def update_request(self, request: Request) -> None:
        if self._has_next_page:
            self._ask(request, self._start, self._turn, self._body)
