"""The fast door, for a platform that has outgrown the plain view: takes Meta's webhooks, and nothing else.

`gunicorn config.ingest:application --worker-class asgi`, beside the web server; the proxy sends it the webhook's path.
Knows HTTP, and how requests share a commit; what a body means, the worker finds out.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import close_old_connections  # noqa: E402

from conversations.accepting import accept_for_later  # noqa: E402
from whatsapp.signature import challenge, is_signed  # noqa: E402

logger = logging.getLogger(__name__)

MOST_TOGETHER = 500
Message = dict[str, Any]


class Together:
    """Bodies that arrive while a commit is under way share the next one, which costs the same for one and for all."""

    def __init__(self, store: Callable[[Sequence[bytes]], None]) -> None:
        self._store = store
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")  # one, so one database connection

    async def keep(self, body: bytes) -> None:
        """The body is durable when this returns. Raises what the database says when it is not."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            stored = asyncio.get_running_loop().run_in_executor(self._thread, self._store, [body for body, _ in batch])
            [error] = await asyncio.gather(stored, return_exceptions=True)
            for _body, kept in batch:
                if not kept.done():  # its request may have been given up
                    kept.set_result(None) if error is None else kept.set_exception(error)


def _store(bodies: Sequence[bytes]) -> None:
    try:
        accept_for_later(bodies)
    finally:
        close_old_connections()


together = Together(_store)


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The ASGI application: the answers are those of `conversations.webhooks`, and 500 when nothing is durable."""
    if scope["type"] == "http":
        status, text = await _answer(scope, receive)
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


async def _answer(scope: Message, receive: Callable[[], Awaitable[Message]]) -> tuple[int, bytes]:
    match scope["method"]:
        case "GET":
            query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
            answer = challenge(query, settings.META_WEBHOOK_VERIFY_TOKEN)
            return (403, b"The verify token does not match.") if answer is None else (200, answer.encode())
        case "POST":
            return await _take(await _body(receive), dict(scope["headers"]).get(b"x-hub-signature-256", b""))
        case _:
            return 405, b""


async def _take(body: bytes | None, signature: bytes) -> tuple[int, bytes]:
    secrets = settings.META_APP_SECRET, *settings.META_APP_SECRET_FALLBACKS
    if body is None:
        return 400, b"The body is too large, or was not sent to its end."
    if not is_signed(body, signature.decode("latin-1"), *secrets):
        return 401, b"The signature does not match."
    try:
        await together.keep(body)
    except Exception:
        logger.exception("a webhook was not stored")
        return 500, b"It could not be stored. Please send it again."
    return 200, b"EVENT_RECEIVED"


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes | None:
    """All of it; None when it is too large or the client went away."""
    pieces, size = [], 0
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if message["type"] == "http.disconnect" or size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return None
        if not message.get("more_body"):
            return b"".join(pieces)
