"""Accepting what Meta posts: single messages and statuses beside the reference, the wait at half load, batches."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from benchmarks import population
from benchmarks.bodies import Block, wamid
from benchmarks.checks import exactly_once, taken_at_once
from benchmarks.platform import REFERENCE, Cost, Web, post, running
from benchmarks.reference.urls import TABLE
from benchmarks.roundtrips import Proxy
from benchmarks.sizes import Sizes
from benchmarks.table import Row, at_least, at_most, middle, number, percentile, say
from conversations.models import WebhookEvent
from whatsapp.models import WhatsappConnection

WARM = 64
BATCHES = (10, 100, 1000)
OF_REFERENCE = {"message": 0.9, "status": 1.2}
CALLS = 20
EVENTS = WebhookEvent._meta.db_table


@dataclass
class Door:
    """The two servers, the people who write, and numbers for them that nobody had before."""

    product: Web
    reference: Web
    connections: list[WhatsappConnection]
    next: Iterator[int] = field(default_factory=lambda: count(1_000_000, 1_000_000))

    def block(self, kind: str, posts: int, size: int = 1) -> Block:
        """A new one, and whom it is about."""
        block = Block("status" if kind == "status" else "message", next(self.next), posts, size)
        if kind == "status":
            population.messages_of_ours(block, self.connections)
        elif kind == "message":
            population.customers(block, self.connections)
        return block

    def posted(self, kind: str, block: Block, **how: float) -> Cost:
        """What it cost, once it is sure that all of it was kept, once."""
        population.forget_jobs()
        table = TABLE if kind == "reference" else EVENTS
        before = population.rows(table)
        web = self.reference if kind == "reference" else self.product
        cost = post(web, block, lines=int(how.get("lines", 32)), rate=how.get("rate", 0))
        taken_at_once(cost.repeats, f"webhook, {kind}")
        kept = population.rows(table) - before
        if kept != block.posts:
            raise SystemExit(f"webhook, {kind}: {block.posts} posts were acknowledged, {kept} are kept.")
        if kind != "reference":
            found = population.delivered(block) if kind == "status" else population.stored(block)
            exactly_once([wamid(block.kind, person) for person in block.people], found, f"webhook, {kind}")
        return cost


def webhook(sizes: Sizes) -> Iterator[Row]:
    connections = population.numbers()
    population.make_reference()
    product, reference = Web(), Web(REFERENCE)
    with running(product, reference):
        door = Door(product, reference, connections)
        costs = _alternating(door, sizes)
        yield from _throughput(costs)
        yield Row("memory of a web process", number(product.kilobytes_of_a_child / 1024, "MB"))
        for kind in ("reference", "message"):
            yield from _half_load(door, kind, middle(cost.per_second for cost in costs[kind]) / 2, sizes)
        for kind in ("message", "status"):
            for size in BATCHES:
                yield from _batches(door, kind, size, sizes.batches)
    yield from _round_trips(connections)


def _alternating(door: Door, sizes: Sizes) -> dict[str, list[Cost]]:
    """Runs of each kind in turn, so that whatever else the machine does falls on all of them."""
    kinds = ("message", "reference", "status", "first")
    posts = {kind: _posts(door, kind, sizes.seconds) for kind in kinds}
    costs: dict[str, list[Cost]] = defaultdict(list)
    for run in range(1, sizes.runs + 1):
        for kind in kinds:
            costs[kind].append(door.posted(kind, door.block(kind, posts[kind])))
            say(f"run {run} of {sizes.runs}: {kind}, {costs[kind][-1].per_second:,.0f} a second")
    return costs


def _posts(door: Door, kind: str, seconds: float) -> int:
    """So many take so long; looked at twice, for the first time everything is cold."""
    say(f"warming up: {kind}")
    door.posted(kind, door.block(kind, WARM))
    return max(int(door.posted(kind, door.block(kind, WARM)).per_second * seconds), WARM)


def _throughput(costs: dict[str, list[Cost]]) -> Iterator[Row]:
    rates = {kind: middle(cost.per_second for cost in costs[kind]) for kind in costs}
    titles = {
        "reference": "the reference: HMAC, JSON, one INSERT",
        "message": "single message of a known customer",
        "first": "single message of a new customer",
        "status": "single status",
    }
    for kind, title in titles.items():
        yield Row(f"{title}, requests a second (32 lines)", number(rates[kind]))
        if kind in OF_REFERENCE:
            yield at_least("… of the reference's", rates[kind] / rates["reference"], OF_REFERENCE[kind], "×")
        yield Row("… p50, p99", waits(costs[kind]))
        yield Row("… CPU each, web + PostgreSQL", cpu_each(costs[kind]))


def waits(costs: list[Cost]) -> str:
    waits = [answer.milliseconds for cost in costs for answer in cost.answers]
    return _milliseconds(percentile(waits, 0.5), percentile(waits, 0.99))


def _milliseconds(p50: float, p99: float) -> str:
    return f"{number(p50)}, {number(p99, 'ms')}"


def cpu_each(costs: list[Cost]) -> str:
    web = middle(cost.cpu / len(cost.answers) for cost in costs) * 1e6
    postgres = middle(cost.postgres / len(cost.answers) for cost in costs) * 1e6
    return f"{number(web)} + {number(postgres, 'µs')}"


def _half_load(door: Door, kind: str, rate: float, sizes: Sizes) -> Iterator[Row]:
    """The wait from the instant at which each was due."""
    say(f"half load: {kind}, {rate:,.0f} a second for {sizes.half_load_seconds:g} s")
    block = door.block(kind, int(rate * sizes.half_load_seconds) + 1)
    waits = [answer.milliseconds for answer in door.posted(kind, block, lines=64, rate=rate).answers]
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    if kind == "reference":
        yield Row(f"the reference at half its load ({number(rate)} a second), p50, p99", _milliseconds(p50, p99))
    else:
        yield Row(f"acknowledged at half load ({number(rate)} a second), p50", number(p50, "ms"))
        yield at_most("… p99, from the instant it was due", p99, 25, "ms")


def _batches(door: Door, kind: str, size: int, posts: int) -> Iterator[Row]:
    say(f"batches of {size:,}, {kind}")
    cost = door.posted(kind, door.block(kind, posts, size), lines=1)
    milliseconds = middle(answer.milliseconds for answer in cost.answers)
    plural = "messages" if kind == "message" else "statuses"
    what = f"{size:,} {plural} in one post"
    if size < max(BATCHES):
        yield Row(what, number(milliseconds, "ms"))
    else:
        yield at_most(what, milliseconds, 1000, "ms")
        yield at_least(f"… {plural} a second", size * 1000 / milliseconds, 5000)


def _round_trips(connections: list[WhatsappConnection]) -> Iterator[Row]:
    """One after another, through a proxy that counts when PostgreSQL is ready for the next."""
    say("counting round trips")
    with Proxy() as proxy:
        web = Web(DATABASE_URL=proxy.url)
        with running(web):
            door = Door(web, web, connections, count(900_000_000, 1_000_000))
            for kind, target in (("message", 4), ("status", 0)):
                door.posted(kind, door.block(kind, WARM), lines=8)
                block = door.block(kind, CALLS)
                population.forget_jobs()
                proxy.reset()
                post(web, block, lines=1)
                settle(lambda: proxy.round_trips)
                trips = proxy.round_trips / CALLS
                what = f"round trips to PostgreSQL, single {kind}"
                yield at_most(what, trips, target) if target else Row(what, number(trips))


def settle(counted: Callable[[], int]) -> None:
    """Until it has not changed for a moment."""
    before = -1
    while before != (before := counted()):
        time.sleep(0.3)
