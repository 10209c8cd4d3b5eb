"""The fast door beside the reference: how many it acknowledges, how soon, and what that costs. What is behind it, and
what becomes of it when it is killed, is measured by `losses` and `backlog`."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from django.utils import timezone

from benchmarks import backlog, losses, population
from benchmarks.bodies import Block
from benchmarks.checks import taken_at_once
from benchmarks.platform import FAST_DOOR, REFERENCE, Cost, Web, post, running
from benchmarks.reference.urls import TABLE
from benchmarks.roundtrips import Proxy
from benchmarks.sizes import Sizes
from benchmarks.table import Row, at_least, at_most, middle, number, percentile, say
from benchmarks.webhook import cpu_each, settle, waits

WARM = 256
LINES = (32, 128)
OF_REFERENCE = 5
OFFERED = 2500.0
COUNTED = 1000


class Run(NamedTuple):
    """Acknowledgements, and in how many commits the fast door stored them."""

    cost: Cost
    commits: int


@dataclass
class Servers:
    """Of either kind; each run with bodies that nobody has seen."""

    fast: Web
    reference: Web
    next: Iterator[int] = field(default_factory=lambda: count(1_000_000, 1_000_000))

    def posted(self, web: Web, posts: int, lines: int, rate: float = 0) -> Run:
        """What it cost, once it is sure that all of it was kept, once."""
        block = Block("message", next(self.next), posts)
        population.forget_jobs()
        since, before = timezone.now(), population.rows(TABLE)
        cost = post(web, block, lines=lines, rate=rate)
        taken_at_once(cost.repeats, "door")
        if not web.is_reference:
            losses.nothing_lost(block, since)
        elif (kept := population.rows(TABLE) - before) != posts:
            raise SystemExit(f"door, the reference: {posts} posts were acknowledged, {kept} are kept.")
        return Run(cost, population.commits(since))


def door(sizes: Sizes) -> Iterator[Row]:
    population.make_reference()
    fast, reference = Web(FAST_DOOR), Web(REFERENCE)
    with running(fast, reference):
        servers = Servers(fast, reference)
        runs = _alternating(servers, sizes)
        yield from _throughput(runs)
        yield Row("memory of the door's process", number(fast.kilobytes_of_a_child / 1024, "MB"))
        reached = max(_rate(runs[False, lines]) for lines in LINES)
        yield from _offered(servers, min(OFFERED, reached / 2), sizes.half_load_seconds)
    yield _round_trips()
    yield from losses.losses(sizes)
    yield from backlog.backlog(sizes)


def _alternating(servers: Servers, sizes: Sizes) -> dict[tuple[bool, int], list[Run]]:
    """Runs of the door and of the reference in turn; by which of them it was, and by the lines."""
    kinds = [(web, lines) for lines in LINES for web in (servers.fast, servers.reference)]
    posts = {web: _posts(servers, web, sizes.seconds) for web in (servers.fast, servers.reference)}
    runs: dict[tuple[bool, int], list[Run]] = defaultdict(list)
    for run in range(1, sizes.runs + 1):
        for web, lines in kinds:
            done = servers.posted(web, posts[web], lines)
            runs[web.is_reference, lines].append(done)
            name = "reference" if web.is_reference else "door"
            say(f"run {run} of {sizes.runs}: {name}, {lines} lines, {done.cost.per_second:,.0f} a second")
    return runs


def _posts(servers: Servers, web: Web, seconds: float) -> int:
    """So many take so long; looked at twice, for the first time everything is cold."""
    servers.posted(web, WARM, LINES[0])
    return max(int(servers.posted(web, 2 * WARM, LINES[0]).cost.per_second * seconds), WARM)


def _rate(runs: list[Run]) -> float:
    return middle(run.cost.per_second for run in runs)


def _throughput(runs: dict[tuple[bool, int], list[Run]]) -> Iterator[Row]:
    for lines in LINES:
        fast, reference = runs[False, lines], runs[True, lines]
        yield Row(f"the reference, requests a second ({lines} lines)", number(_rate(reference)))
        yield from _details(reference)
        yield Row(f"the fast door, one process, requests a second ({lines} lines)", number(_rate(fast)))
        yield at_least("… of the reference's", _rate(fast) / _rate(reference), OF_REFERENCE, "×")
        yield from _details(fast)
        together = middle(len(run.cost.answers) / run.commits for run in fast)
        yield Row("… requests that share a commit, on average", number(together))


def _details(runs: list[Run]) -> Iterator[Row]:
    costs = [run.cost for run in runs]
    yield Row("… p50, p99", waits(costs))
    yield Row("… CPU each, server + PostgreSQL", cpu_each(costs))


def _offered(servers: Servers, rate: float, seconds: float) -> Iterator[Row]:
    say(f"{rate:,.0f} a second for {seconds:g} s")
    run = servers.posted(servers.fast, int(rate * seconds) + 1, 64, rate)
    milliseconds = [answer.milliseconds for answer in run.cost.answers]
    which = "" if rate == OFFERED else ", half of what it reached"
    yield Row(f"acknowledged at {number(rate)} a second{which}, p50", number(percentile(milliseconds, 0.5), "ms"))
    yield at_most("… p99, from the instant it was due", percentile(milliseconds, 0.99), 10, "ms")
    yield Row("… CPU each, door + PostgreSQL", cpu_each([run.cost]))
    yield Row("… requests that share a commit, on average", number(len(milliseconds) / run.commits))


def _round_trips() -> Row:
    """Through a proxy that counts when PostgreSQL is ready for the next."""
    say("counting round trips")
    with Proxy() as proxy:
        fast = Web(FAST_DOOR, DATABASE_URL=proxy.url)
        with running(fast):
            servers = Servers(fast, fast, count(900_000_000, 1_000_000))
            servers.posted(fast, WARM, LINES[0])
            proxy.reset()
            run = servers.posted(fast, COUNTED, LINES[0])
            settle(lambda: proxy.round_trips)
            return Row("round trips to PostgreSQL for each commit", number(proxy.round_trips / run.commits))
