"""Bodies that arrive together share a commit, which costs the same for one and for all.

Knows when; nothing of where they come from, nor of how they are stored.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

MOST_TOGETHER = 500
# A commit waits until nobody has come for so many turns of the loop: with little to do that takes no time, and with
# much to do it is for everybody who is on the way.
QUIET_TURNS = 8
LONGEST_WAIT_SECONDS = 0.02


class SharedCommits:
    """One after another, each for the bodies that came while the last one was under way."""

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
            await self._nobody_comes()
            batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            stored = asyncio.get_running_loop().run_in_executor(self._thread, self._store, [body for body, _ in batch])
            [error] = await asyncio.gather(stored, return_exceptions=True)
            for _body, kept in batch:
                if not kept.done():  # its request may have been given up
                    kept.set_result(None) if error is None else kept.set_exception(error)

    async def _nobody_comes(self) -> None:
        """Returns in a quiet moment, or when it has been waited for too long."""
        quiet, until = 0, time.monotonic() + LONGEST_WAIT_SECONDS
        while quiet < QUIET_TURNS and len(self._waiting) < MOST_TOGETHER and time.monotonic() < until:
            were_there = len(self._waiting)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == were_there else 0
