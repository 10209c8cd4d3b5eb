"""Counts how often the product waits for PostgreSQL: a proxy on a socket of its own that sees each "ready for query".

Knows the frames of PostgreSQL's protocol (https://www.postgresql.org/docs/current/protocol-message-formats.html) and
by which word the queue's statements are known; nothing of what is asked. BEGIN and COMMIT are round trips too; the
statements of a pipeline are one.
"""

import asyncio
import contextlib
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self
from urllib.parse import quote

from django.conf import settings

QUEUE = b"procrastinate"
PORT = "5432"


class Frames:
    """Cuts a stream into messages: a letter and a length. The first message of a client has no letter."""

    def __init__(self, *, has_letter: bool) -> None:
        self._left = b""
        self._has_letter = has_letter

    def cut(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._left += data
        while True:
            start = 1 if self._has_letter else 0
            if len(self._left) < start + 4:
                return
            end = start + int.from_bytes(self._left[start : start + 4], "big")
            if len(self._left) < end:
                return
            letter, content, self._left = self._left[:start], self._left[start + 4 : end], self._left[end:]
            self._has_letter = True
            yield letter, content


class Session:
    """One connection: what the client has asked and waits for, and whether it is the queue's."""

    def __init__(self, count: Callable[[bool], None]) -> None:
        self._count = count
        self._client, self._server = Frames(has_letter=False), Frames(has_letter=True)
        self._asked: deque[bool] = deque()
        self._of_queue = False
        self._prepared: dict[bytes, bool] = {}

    def asks(self, data: bytes) -> None:
        for letter, content in self._client.cut(data):
            if letter == b"P":
                name, _, text = content.partition(b"\0")
                self._prepared[name] = QUEUE in text
                self._of_queue |= QUEUE in text
            elif letter == b"B":
                self._of_queue |= self._prepared.get(content.split(b"\0")[1], False)
            elif letter in b"QS" and letter:
                self._asked.append(self._of_queue or (letter == b"Q" and QUEUE in content))
                self._of_queue = False

    def hears(self, data: bytes) -> None:
        for letter, _content in self._server.cut(data):
            if letter == b"Z" and self._asked:  # the first one only says that the door is open
                self._count(self._asked.popleft())


class Proxy:
    """While it is entered, `url` leads to the benchmark's database past the counter."""

    def __init__(self) -> None:
        self.round_trips = self.of_queue = 0
        self._directory = tempfile.TemporaryDirectory(prefix="bench-")
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._directory.cleanup()

    @property
    def url(self) -> str:
        own = settings.DATABASES["default"]
        return (
            f"postgres://{own['USER']}:{own['PASSWORD']}@:{PORT}/{own['NAME']}?host={quote(self._directory.name, '')}"
        )

    def reset(self) -> None:
        self.round_trips = self.of_queue = 0

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_unix_server(self._serve, Path(self._directory.name, f".s.PGSQL.{PORT}"))
        self._started.set()
        await self._over.wait()
        server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        await asyncio.sleep(0)  # what they have closed is closed in the loop's next round

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._count)
        there, back = await _connected()
        # Whoever is killed says no goodbye, and we are stopped while some still speak.
        gone = contextlib.suppress(ConnectionError, asyncio.CancelledError)
        with contextlib.closing(writer), contextlib.closing(back), gone:
            await asyncio.gather(_pass_on(reader, back, session.asks), _pass_on(there, writer, session.hears))

    def _count(self, of_queue: bool) -> None:
        self.round_trips += 1
        self.of_queue += of_queue


async def _connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    own = settings.DATABASES["default"]
    host = own["OPTIONS"].get("host") or own["HOST"] or "localhost"
    port = own["PORT"] or PORT
    if host.startswith("/"):
        return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    return await asyncio.open_connection(host, int(port))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]) -> None:
    while data := await reader.read(65536):
        look(data)
        writer.write(data)
        await writer.drain()
    writer.close()
