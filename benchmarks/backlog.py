"""The worker behind the fast door: how many messages and statuses one process does a second, and how far it lags.

Nobody is answered meanwhile: persons of the business speak. Each item is about a conversation of its own.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from typing import Literal

from django.db.models import Max, Min
from django.utils import timezone

from benchmarks import losses, population
from benchmarks.bodies import Block
from benchmarks.counterparts import Counterparts
from benchmarks.platform import FAST_DOOR, Process, Web, post, postgres_cpu_seconds, running, wait_for, worker
from benchmarks.sizes import Sizes
from benchmarks.table import Row, at_least, middle, number, say
from conversations.models import WebhookEvent
from whatsapp.models import WhatsappConnection

Kind = Literal["message", "status"]
WANTED: dict[Kind, int] = {"message": 2000, "status": 5000}
PLURALS: dict[Kind, str] = {"message": "messages", "status": "statuses"}
LINES = 64
WARM = 320


def backlog(sizes: Sizes) -> Iterator[Row]:
    population.empty()
    numbers = population.numbers()
    with running(fast := Web(FAST_DOOR)):
        behind = Behind(fast, numbers)
        for kind, wanted in WANTED.items():
            block, since = behind.taken(kind, int(wanted * sizes.backlog_seconds))
            process = worker(Counterparts(0))
            with running(process):
                rate, cpu = behind.done_alone(process, block, since)
                ages = behind.ages(kind, rate / 2, sizes.backlog_seconds)
            yield at_least(f"{PLURALS[kind]} a second from a backlog, one worker process", rate, wanted)
            yield Row("… CPU each, worker + PostgreSQL", cpu)
            what = (
                f"… while the door takes {number(rate / 2)} a second: age of the oldest one not done, median, at most"
            )
            yield Row(what, f"{number(middle(ages))}, {number(max(ages), 's')}")


class Behind:
    """The door, what it is given, and what the worker makes of it."""

    def __init__(self, fast: Web, numbers: list[WhatsappConnection]) -> None:
        self._fast, self._numbers = fast, numbers
        self._next = count(1_000_000, 1_000_000)

    def taken(self, kind: Kind, posts: int) -> tuple[Block, datetime]:
        """What the door has taken since, while there was no worker."""
        say(f"{posts:,} {PLURALS[kind]} for the worker alone")
        block, since = self._block(kind, posts), timezone.now()
        post(self._fast, block, lines=LINES)
        return block, since

    def done_alone(self, process: Process, block: Block, since: datetime) -> tuple[float, str]:
        """How many of them the worker does a second, and what each costs: from when it begins until all are done."""
        wait_for(population.is_being_processed)
        begun, cpu, postgres = timezone.now(), process.cpu_seconds, postgres_cpu_seconds()
        wait_for(_is_done)
        cpu, postgres = process.cpu_seconds - cpu, postgres_cpu_seconds() - postgres
        _check(block, since)
        cpu_each = f"{number(cpu / block.posts * 1e6)} + {number(postgres / block.posts * 1e6, 'µs')}"
        return block.posts / (_last_done(since) - begun).total_seconds(), cpu_each

    def ages(self, kind: Kind, rate: float, seconds: float) -> list[float]:
        """So many a second, and the worker beside the door: how old the oldest one is that is not done, in seconds."""
        say(f"{rate:,.0f} {PLURALS[kind]} a second for {seconds:g} s")
        with ThreadPoolExecutor(1) as pool:
            post(self._fast, self._block(kind, WARM), lines=LINES)
            wait_for(_is_done)
            block, since = self._block(kind, int(rate * seconds)), timezone.now()
            posting = pool.submit(post, self._fast, block, lines=LINES, rate=rate)
            ages = list(_ages(posting.done))
            wait_for(_is_done)
        _check(block, since)
        return ages

    def _block(self, kind: Kind, posts: int) -> Block:
        block = Block(kind, next(self._next), posts)
        prepare = population.messages_of_ours if kind == "status" else population.silent_customers
        prepare(block, self._numbers)
        return block


def _is_done() -> bool:
    return not WebhookEvent.objects.filter(processed_at=None).exists()


def _check(block: Block, since: datetime) -> None:
    losses.nothing_lost(block, since)
    losses.all_done_once(block)


def _last_done(since: datetime) -> datetime:
    """When the last of those was done that have come since."""
    last: datetime = WebhookEvent.objects.filter(received_at__gte=since).aggregate(last=Max("processed_at"))["last"]
    return last


def _ages(is_over: Callable[[], bool]) -> Iterator[float]:
    """At each second, as long as the door is given more."""
    while not is_over():
        time.sleep(1)
        oldest = WebhookEvent.objects.filter(processed_at=None).aggregate(oldest=Min("received_at"))["oldest"]
        yield (timezone.now() - oldest).total_seconds() if oldest else 0.0
