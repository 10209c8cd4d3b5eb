"""One exchange with Graph: the HTTP call, its clear or unclear end, and a record of it without secrets.

Knows HTTP and our app's proof; nothing of what is asked for.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from whatsapp.errors import GraphError, GraphUnavailable, OutcomeUnknown, error_from
from whatsapp.redaction import redact
from whatsapp.signature import appsecret_proof

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 3600.0
USAGE_HEADERS = ("X-Business-Use-Case-Usage", "X-App-Usage")
JSON = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What is asked. A request that is not `repeatable` has an unknown outcome without a clear answer."""

    method: str
    path: str
    query: JSON | None = None
    form: JSON | None = None
    json: JSON | None = None
    repeatable: bool = True


@dataclass(frozen=True)
class Exchange:
    """A record of one call. `status` is None when nothing came back; bodies are without secrets."""

    method: str
    path: str
    request: JSON
    status: int | None
    response: Any
    error: str
    code: int
    trace_id: str
    milliseconds: int


Keep = Callable[[Exchange], None]


@cache
def session() -> requests.Session:
    """One for the process: a new connection costs a TLS handshake. The environment's proxies are not trusted."""
    made = requests.Session()
    made.trust_env = False
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=settings.WORKER_THREADS)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def call(request: Request, access_token: str, keep: Keep | None) -> JSON:
    """Meta's answer, a JSON object. Raises the errors of `whatsapp.errors`; `keep` is told in every case."""
    started = time.monotonic()
    response: requests.Response | None = None
    error: GraphError | None = None
    try:
        response = _send(request, access_token)
        return _read(response, request)
    except GraphError as refusal:
        error = refusal
        raise
    finally:
        milliseconds = int((time.monotonic() - started) * 1000)
        status = response.status_code if response is not None else None
        logger.info("%s %s: %s in %s ms", request.method, request.path, status or "no answer", milliseconds)
        if keep is not None:
            keep(_record(request, response, error, milliseconds))


def _send(request: Request, access_token: str) -> requests.Response:
    proof = {"appsecret_proof": appsecret_proof(access_token, settings.META_APP_SECRET)} if access_token else {}
    try:
        return session().request(
            request.method,
            f"{settings.META_GRAPH_API_URL}/{settings.META_GRAPH_API_VERSION}/{request.path}",
            params=(request.query or {}) | proof,
            data=request.form,
            json=request.json,
            headers={"Authorization": f"Bearer {access_token}"} if access_token else {},
            timeout=(CONNECT_TIMEOUT_SECONDS, settings.META_TIMEOUT_SECONDS),
            allow_redirects=False,
        )
    except requests.ConnectTimeout:
        raise GraphUnavailable("Meta could not be reached in time.") from None
    except requests.RequestException as error:
        raise _unanswered(error, request) from None  # its text holds the URL, with secrets


def _unclear(request: Request) -> type[GraphError]:
    return GraphUnavailable if request.repeatable else OutcomeUnknown


def _unanswered(error: requests.RequestException, request: Request) -> GraphError:
    """A refused connection never reached Meta; anything later may have."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
        return GraphUnavailable("Meta could not be reached.")
    return _unclear(request)(f"No answer ({type(error).__name__}).")


def _read(response: requests.Response, request: Request) -> JSON:
    try:
        body = response.json()
    except requests.JSONDecodeError:
        raise _unclear(request)(f"Meta answered {response.status_code} with something that is not JSON.") from None
    if refusal := error_from(body, retry_after(response)):
        raise refusal
    if not response.ok or not isinstance(body, dict):
        raise _unclear(request)(f"Meta answered {response.status_code} without saying what is wrong.")
    return body


def retry_after(response: requests.Response) -> float | None:
    """How many seconds Meta asks us to wait, if it does; after an hour we knock again in any case.

    Without `Retry-After`, as many minutes as the headers about our usage say, the longest of them.
    https://developers.facebook.com/docs/graph-api/overview/rate-limiting
    """
    value = response.headers.get("Retry-After", "")
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), LONGEST_WAIT_SECONDS)
    minutes = max((longest_wait(response.headers.get(name, "")) for name in USAGE_HEADERS), default=0)
    return min(60 * minutes, LONGEST_WAIT_SECONDS) if minutes else None


def longest_wait(usage: str) -> float:
    """The longest `estimated_time_to_regain_access` in it, wherever it stands; 0 when there is none."""
    waits: list[float] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        said = [str(value) for name, value in pairs if name == "estimated_time_to_regain_access"]
        waits.extend(float(value) for value in said if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value))

    try:
        json.loads(usage, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return 0
    return max(waits, default=0)


def _record(
    request: Request, response: requests.Response | None, error: GraphError | None, milliseconds: int
) -> Exchange:
    return Exchange(
        method=request.method,
        path=request.path,
        request=redact((request.query or {}) | (request.form or {}) | (request.json or {})),
        status=response.status_code if response is not None else None,
        response=_body(response),
        error=str(error) if error else "",
        code=error.code if error else 0,
        trace_id=error.trace_id if error else "",
        milliseconds=milliseconds,
    )


def _body(response: requests.Response | None) -> Any:
    """What came back, redacted; of what is not JSON, its size alone: a page may hold anything."""
    if response is None:
        return None
    try:
        return redact(response.json())
    except requests.JSONDecodeError:
        return f"[{len(response.content)} bytes that are not JSON]"
