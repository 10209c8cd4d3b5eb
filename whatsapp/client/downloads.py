"""Customers' media from Meta's media hosts: streamed, bounded in size and time, never from anybody else's host.

Knows HTTP and which hosts are Meta's; nothing of what the bytes are.
"""

import json
import logging
import re
import time
from contextlib import closing
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from whatsapp.client.wire import CONNECT_TIMEOUT_SECONDS, Exchange, Keep, retry_after, session
from whatsapp.errors import GraphError, GraphUnavailable, LinkExpired, MediaRefused, error_from
from whatsapp.redaction import without_query

logger = logging.getLogger(__name__)

# Anything but letters, digits, dots and hyphens could be read as another host by another library: no user, no port.
METAS_HOST = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:fbsbx\.com|fbcdn\.net|facebook\.com|whatsapp\.net|whatsapp\.com)(?::443)?", re.IGNORECASE
)
USER_AGENT = "whatsapp-agents/1.0"  # Meta's media hosts have been seen to refuse those of HTTP libraries
CHUNK = 64 * 1024
MOST_OF_AN_ERROR = 16 * 1024
DEADLINE_SECONDS = 120.0


def is_metas(url: str) -> bool:
    """Whether our access token may be shown to this URL's host: one of Meta's, or the one that our calls go to."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    parts, graph = urlsplit(url), urlsplit(settings.META_GRAPH_API_URL)
    if parts.netloc and (parts.scheme, parts.netloc) == (graph.scheme, graph.netloc):
        return True
    return parts.scheme == "https" and METAS_HOST.fullmatch(parts.netloc) is not None


def download(url: str, access_token: str, into: IO[bytes], limit: int, keep: Keep | None) -> None:
    """Writes what lies at `url` into the file. Raises the errors of `whatsapp.errors`; `keep` is told in every case.

    An OSError of the file's own, such as a full disk, is raised as it is.
    """
    if not is_metas(url):
        raise MediaRefused(f"The media lies at {urlsplit(url).hostname}, which is none of Meta's hosts.")
    started = time.monotonic()
    asked = _Asked(url)
    try:
        with closing(_ask(url, access_token)) as response:
            asked.status = response.status_code
            _check(response)
            asked.size = _copy(response, into, limit, started + DEADLINE_SECONDS)
    except GraphError as error:
        asked.error = error
        raise
    finally:
        asked.milliseconds = int((time.monotonic() - started) * 1000)
        logger.info("GET %s: %s in %s ms", asked.path, asked.status or "no answer", asked.milliseconds)
        if keep is not None:
            keep(asked.record())


class _Asked:
    """What there is to be recorded of a download: neither the signature in its link nor what was in it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.path = without_query(f"{parts.netloc}{parts.path}")
        self.status: int | None = None
        self.size: int | None = None
        self.error: GraphError | None = None
        self.milliseconds = 0

    def record(self) -> Exchange:
        error = self.error
        return Exchange(
            method="GET",
            path=self.path,
            request={},
            status=self.status,
            response=None if self.size is None else f"[{self.size} bytes]",
            error=str(error) if error else "",
            code=error.code if error else 0,
            trace_id=error.trace_id if error else "",
            milliseconds=self.milliseconds,
        )


def _ask(url: str, access_token: str) -> requests.Response:
    headers = {
        "Authorization": f"Bearer {access_token}",
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # what is small on the way must not become large here
    }
    timeout = (CONNECT_TIMEOUT_SECONDS, settings.META_TIMEOUT_SECONDS)
    try:
        return session().get(url, headers=headers, timeout=timeout, stream=True, allow_redirects=False)
    except requests.RequestException as error:
        raise GraphUnavailable(f"No answer ({type(error).__name__}).") from None  # its text holds the URL


def _check(response: requests.Response) -> None:
    if response.status_code == 404:
        raise LinkExpired("Meta's link to the media is good no more.")
    if response.status_code == 200 and response.headers.get("Content-Encoding", "identity") == "identity":
        return
    if refusal := error_from(_json(response), retry_after(response)):
        raise refusal
    raise GraphUnavailable(
        f"Meta answered {response.status_code} instead of the media.", retry_after=retry_after(response)
    )


def _json(response: requests.Response) -> Any:
    """What the answer says, when it is short and JSON."""
    try:
        return json.loads(response.raw.read(MOST_OF_AN_ERROR, decode_content=True))
    except (HTTPError, ValueError):
        return None


def _copy(response: requests.Response, into: IO[bytes], limit: int, deadline: float) -> int:
    """As it comes, so that neither a long nor a slow answer is waited for."""
    size = 0
    while chunk := _next(response):
        size += len(chunk)
        if size > limit:
            raise MediaRefused(f"The media has more than {limit} bytes.")
        if time.monotonic() > deadline:
            raise GraphUnavailable("The media did not come in time.")
        into.write(chunk)
    return size


def _next(response: requests.Response) -> bytes:
    try:
        chunk: bytes = response.raw.read1(CHUNK, decode_content=False)
    except HTTPError as error:
        raise GraphUnavailable(f"The media did not come whole ({type(error).__name__}).") from None
    return chunk
