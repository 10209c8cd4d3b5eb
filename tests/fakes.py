"""The make-believe Meta behind `responses`, and the make-believe model behind a real local port.

Knows nothing of what is tested with them.
"""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

import requests
import responses
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from agent.providers import close_provider
from agent.sandbox.model import Model
from agent.sandbox.server import wsgi
from whatsapp.sandbox.meta import ConnectionRefused, Meta, NeverAnswers

METHODS = (responses.GET, responses.POST, responses.DELETE)


def install(meta: Meta, mock: responses.RequestsMock, graph_url: str = "https://graph.facebook.com") -> None:
    """Every Graph call and every download of the product reaches `meta`, failures included."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str | bytes]:
        url = urlsplit(str(request.url).removeprefix(graph_url).replace(meta.media_url, "/media"))
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            given = meta.answer(str(request.method), url.path, query, _body(request), dict(request.headers))
        except ConnectionRefused as error:
            raise requests.ConnectionError(_refused(str(request.url))) from error
        except NeverAnswers as error:
            raise requests.ReadTimeout("accepted, and the answer is lost") from error
        content = given.body if isinstance(given.body, str | bytes) else json.dumps(given.body)
        return given.status, given.headers, content

    mock.add_callback("GET", re.compile(re.escape(meta.media_url) + "/.*"), callback=answer, content_type=None)
    for method in METHODS:
        mock.add_callback(method, re.compile(re.escape(graph_url) + "/.*"), callback=answer, content_type=None)


def _refused(url: str) -> MaxRetryError:
    """What `requests` wraps when nobody listens."""
    pool = HTTPConnectionPool("127.0.0.1")
    return MaxRetryError(pool, url, NewConnectionError(HTTPConnection("127.0.0.1"), "refused"))


def _body(request: requests.PreparedRequest) -> dict[str, Any]:
    text = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    if "json" in request.headers.get("Content-Type", ""):
        body: dict[str, Any] = json.loads(text or "{}")
        return body
    return dict(parse_qsl(text, keep_blank_values=True))


def in_a_loop(work: Callable[[], Awaitable[Any]]) -> Any:
    """What `work` comes to, in an event loop of its own, which leaves no connection behind."""

    async def run() -> Any:
        try:
            return await work()
        finally:
            await close_provider()

    return asyncio.run(run())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False  # a request that is made to hang must not hold up the end of a test


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Nothing."""


@contextmanager
def serve(application: WSGIApplication) -> Iterator[str]:
    """Any application on a local port, for clients that shall meet real sockets."""
    with make_server("127.0.0.1", 0, application, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_model(model: Model) -> Iterator[str]:
    """The model's base URL, for the real SDK."""
    with serve(wsgi(model)) as url:
        yield url
