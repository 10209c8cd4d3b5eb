"""The fast door, for a platform that has outgrown the plain view: takes Meta's webhooks, and nothing else.

`gunicorn config.ingest:application --worker-class asgi`, beside the web server; the proxy sends it the webhook's path.
Knows HTTP; how requests share a commit, `commits` does, and what a body means, the worker finds out.
"""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import close_old_connections  # noqa: E402

from config.commits import SharedCommits  # noqa: E402
from conversations.accepting import accept_for_later  # noqa: E402
from whatsapp.signature import challenge, is_signed  # noqa: E402

logger = logging.getLogger(__name__)

Message = dict[str, Any]


def _store(bodies: Sequence[bytes]) -> None:
    try:
        accept_for_later(bodies)
    finally:
        close_old_connections()


commits = SharedCommits(_store)


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
        await commits.keep(body)
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
