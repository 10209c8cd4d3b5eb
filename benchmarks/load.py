"""The load, in a process of its own: posts a block of bodies as Meta does, and says when each was acknowledged.

`python -m benchmarks.load` reads a Load as JSON and writes Answers as JSON. Closed loop without a rate: so many lines,
each waiting for its answer. With a rate every body has its instant, and is late from then on, whoever is slow.
What is not acknowledged is posted again, as Meta does. Knows HTTP; nothing of the product, nor of Django.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

from benchmarks.bodies import Block, request

REPEAT_AFTER_SECONDS = 0.05
ANSWER_WITHIN_SECONDS = 30.0
REPEAT_FOR_SECONDS = 120.0


@dataclass(frozen=True)
class Load:
    """What to post, where, and how fast."""

    block: Block
    port: int
    secret: str
    lines: int = 32
    rate: float = 0.0


class Answer(NamedTuple):
    """When a body was due and when it was acknowledged, by the machine's monotonic clock; and what failed before."""

    post: int
    due: float
    acknowledged: float
    repeats: int

    @property
    def milliseconds(self) -> float:
        return (self.acknowledged - self.due) * 1000


class Line(asyncio.Protocol):
    """One connection that is kept, with one request on it at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._status: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, whole, body = self._received.partition(b"\r\n\r\n")
        if whole and self._status and not self._status.done() and _is_whole(head, body):
            self._received = b""
            self._status.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._status and not self._status.done():
            self._status.set_exception(error or ConnectionError("closed"))

    async def ask(self, wire: bytes, port: int) -> int:
        """The status of the answer. Raises OSError, or TimeoutError, when there is none."""
        loop = asyncio.get_running_loop()
        if self.transport is None or self.transport.is_closing():
            self._received = b""
            await loop.create_connection(lambda: self, "127.0.0.1", port)
        assert self.transport is not None  # noqa: S101
        self._status = loop.create_future()
        self.transport.write(wire)
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            return await self._status


def _is_whole(head: bytes, body: bytes) -> bool:
    """Whether the answer has come to its end, which it names beforehand or marks."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line[15:])
    return body.endswith(b"0\r\n\r\n")


async def post_all(load: Load) -> list[Answer]:
    wires = [request(body, load.secret) for body in load.block.bodies(int(time.time()))]
    gc.disable()  # a pause of ours is not the product's
    started = time.monotonic()
    left = enumerate(wires)
    lines = (_post(left, load, started) for _ in range(min(load.lines, len(wires))))
    answers = [answer for some in await asyncio.gather(*lines) for answer in some]
    return sorted(answers, key=lambda answer: answer.post)


async def _post(left: Iterator[tuple[int, bytes]], load: Load, started: float) -> list[Answer]:
    """What one line does: the next body, as long as there is one."""
    line, answers = Line(), []
    for post, wire in left:
        due = started + post / load.rate if load.rate else time.monotonic()
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        repeats = await _until_acknowledged(line, wire, load.port)
        answers.append(Answer(post, due, time.monotonic(), repeats))
    if line.transport:
        line.transport.close()
    return answers


async def _until_acknowledged(line: Line, wire: bytes, port: int) -> int:
    """How often it was refused, or not answered, before. Raises RuntimeError when nobody takes it."""
    repeats, give_up_at = 0, time.monotonic() + REPEAT_FOR_SECONDS
    while True:
        try:
            status = await line.ask(wire, port)
        except (OSError, TimeoutError):
            status = 0
        if status == 200:
            return repeats
        if 400 <= status < 500 or time.monotonic() > give_up_at:
            raise RuntimeError(f"The webhook was not taken: status {status}")
        repeats += 1
        await asyncio.sleep(REPEAT_AFTER_SECONDS)


def encoded(load: Load) -> str:
    return json.dumps(asdict(load))


def decoded(text: str) -> Load:
    given = json.loads(text)
    return Load(**given | {"block": Block(**given["block"])})


if __name__ == "__main__":
    json.dump(asyncio.run(post_all(decoded(sys.stdin.read()))), sys.stdout)
