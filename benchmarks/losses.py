"""The fast door and PostgreSQL are killed under full load: nothing that was acknowledged may be lost, or done twice.

What ends is started again at once, as whoever runs the product would; what is not acknowledged is posted again, as
Meta does. Only then the worker runs.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import count

from django.conf import settings
from django.utils import timezone

from benchmarks import population
from benchmarks.bodies import Block, wamid
from benchmarks.checks import exactly_once
from benchmarks.counterparts import Counterparts
from benchmarks.load import Answer, Load
from benchmarks.platform import FAST_DOOR, Web, answers_to, post, postgres_pid, running, wait_for, worker
from benchmarks.sizes import Sizes
from benchmarks.table import Row, number, say
from conversations.models import WebhookEvent
from whatsapp.models import WhatsappConnection

LINES = 128
WARM = 512
KILLED_AT = 0.3  # of the load


def nothing_lost(block: Block, since: datetime) -> None:
    """Raises SystemExit with a sentence unless each body of the block is an event that has come since, once."""
    exactly_once([wamid(block.kind, person) for person in block.people], population.kept(since), "door, events")


def all_done_once(block: Block) -> None:
    """The same of what the worker has made of the bodies: each message is stored, each status noted, once."""
    found = population.delivered(block) if block.kind == "status" else population.stored(block)
    exactly_once([wamid(block.kind, person) for person in block.people], found, f"door, {block.kind}")


def losses(sizes: Sizes) -> Iterator[Row]:
    population.empty()
    fast = Web(FAST_DOOR)
    with running(fast):
        scene = Scene(fast, population.numbers(), sizes.seconds_under_fire)
        for what, harm in _harms(fast, sizes).items():
            yield scene.play(what, harm)
    yield scene.work()


def _harms(fast: Web, sizes: Sizes) -> dict[str, Callable[[], None]]:
    """What is killed; only the worst of it where time is short, and PostgreSQL only when it is this benchmark's own."""
    door = {"the door is killed": fast.kill}
    if postgres_pid() is None:
        return door
    both = {"the door and PostgreSQL are killed at once": lambda: _kill_both(fast)}
    return {**door, "PostgreSQL is killed": _kill_postgres, **both} if sizes.kills_postgres else both


def _kill_postgres() -> None:
    server = postgres_pid()
    assert server is not None  # noqa: S101
    os.kill(server, signal.SIGKILL)


def _kill_both(fast: Web) -> None:
    _kill_postgres()
    fast.kill()


class Scene:
    """The door, the people who write as fast as it takes what they write, and what is killed meanwhile."""

    def __init__(self, fast: Web, numbers: list[WhatsappConnection], seconds: float) -> None:
        self._fast, self._numbers = fast, numbers
        self._next, self._blocks = count(1_000_000, 1_000_000), list[Block]()
        for _cold in range(2):
            cost = post(fast, self._block(WARM), lines=LINES)
        self._posts = int(cost.per_second * seconds)

    def play(self, what: str, harm: Callable[[], None]) -> Row:
        """Raises SystemExit with a sentence when anything acknowledged was lost, or done twice."""
        say(f"{what} under full load")
        since = timezone.now()
        block = self._block(self._posts)
        with ThreadPoolExecutor(1) as pool:
            posting = pool.submit(answers_to, Load(block, self._fast.port, settings.META_APP_SECRET, LINES))
            wait_for(lambda: WebhookEvent.objects.filter(received_at__gt=since).count() > block.posts * KILLED_AT)
            killed = time.monotonic()
            harm()
            wait_for(lambda: self._is_over(posting))
        answers = posting.result()
        population.connect_anew()
        nothing_lost(block, since)
        return _row(what, answers, killed)

    def work(self) -> Row:
        """The worker does what was accepted; nobody is answered, for persons of the business speak."""
        with running(worker(Counterparts(0))):
            wait_for(lambda: not WebhookEvent.objects.filter(processed_at=None).exists())
        for block in self._blocks:
            all_done_once(block)
        messages = sum(block.posts for block in self._blocks)
        return Row("… what the worker made of it", f"{messages:,} messages, 0 lost, 0 doubled")

    def _block(self, posts: int) -> Block:
        block = Block("message", next(self._next), posts)
        population.silent_customers(block, self._numbers)
        self._blocks.append(block)
        return block

    def _is_over(self, posting: "Future[list[Answer]]") -> bool:
        self._fast.revive()
        return posting.done()


def _row(what: str, answers: list[Answer], killed: float) -> Row:
    before = sum(answer.acknowledged < killed for answer in answers)
    if before in (0, len(answers)):
        raise SystemExit(f"door, {what}: nobody was waiting when it was. Let the load last longer.")
    longest = max(answer.milliseconds for answer in answers) / 1000
    told = f"{len(answers):,} acknowledged, {before:,} of them before: 0 lost, 0 doubled"
    return Row(f"{what} under full load ({LINES} lines)", f"{told}; longest wait {number(longest, 's')}")
