"""A whole turn, from the webhook to the POST at Meta: the wait, what it costs, and how often PostgreSQL is asked."""

import time
from collections.abc import Iterator
from itertools import count

from benchmarks import population
from benchmarks.bodies import Block, phone, wamid
from benchmarks.checks import answered_once, exactly_once, taken_at_once
from benchmarks.counterparts import Counterparts
from benchmarks.load import Answer
from benchmarks.platform import Cost, Process, Web, post, running, wait_for, worker
from benchmarks.roundtrips import Proxy
from benchmarks.sizes import Sizes
from benchmarks.table import Row, at_most, middle, number, percentile, say
from whatsapp.models import WhatsappConnection

IDLE_RATE = 5.0
WARM = 20
CALLS = 12
# As long as there is between two sweeps, which ask most of what an idle worker does: one falls into each window.
WINDOW_SECONDS = 5.0
SLOW = 1.5


class Stage:
    """Web, worker, Meta and model; people who write to them, each once."""

    def __init__(self, connections: list[WhatsappConnection], counterparts: Counterparts, web: Web, first: int) -> None:
        self.counterparts, self.web = counterparts, web
        self._connections = connections
        self._next = count(first, 1_000_000)

    def turns(self, posts: int, **how: float) -> tuple[Cost, list[str]]:
        """All of them write and are answered; returns where the answers went too."""
        block = Block("message", next(self._next), posts)
        population.customers(block, self._connections)
        cost = post(self.web, block, lines=int(how.get("lines", 32)), rate=how.get("rate", 0))
        phones = [f"+{phone(person)}" for person in block.people]
        wait_for(lambda: all(to in self.counterparts.sent_at for to in phones))
        wait_for(population.is_settled)
        taken_at_once(cost.repeats, "turn")
        exactly_once([wamid("message", person) for person in block.people], population.stored(block), "turn")
        answered_once(phones, {to: self.counterparts.sent[to] for to in phones})
        exactly_once(phones, population.answers_to(block), "turn, rows of answers")
        return cost, phones

    def waits(self, answers: list[Answer], phones: list[str]) -> list[float]:
        """From the instant at which each was due at our door to Meta's, in milliseconds."""
        pairs = zip(answers, phones, strict=True)
        return [(self.counterparts.sent_at[to] - answer.due) * 1000 for answer, to in pairs]


def turn(sizes: Sizes) -> Iterator[Row]:
    connections = population.numbers()
    counterparts, web = Counterparts(0), Web()
    process = worker(counterparts)
    with running(web, process):
        stage = Stage(connections, counterparts, web, 100_000_000)
        stage.turns(WARM)
        yield from _alone(stage, sizes.alone)
        yield from _burst(stage, process, sizes.burst)
        counterparts.thinking_seconds = SLOW
        yield from _alone(stage, sizes.alone)
    yield from _round_trips(connections, sizes.counts)


def _alone(stage: Stage, turns: int) -> Iterator[Row]:
    thinking = stage.counterparts.thinking_seconds
    say(f"{turns:,} turns one after another, the model takes {thinking:g} s")
    cost, phones = stage.turns(turns, rate=IDLE_RATE)
    waits = stage.waits(cost.answers, phones)
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    if thinking:
        yield Row(f"webhook to Meta, idle system, the model takes {thinking:g} s, p50, p99", _seconds(p50, p99))
    else:
        yield at_most("webhook to Meta, idle system, an instant model, p50", p50, 25, "ms")
        yield at_most("… p99", p99, 60, "ms")


def _seconds(p50: float, p99: float) -> str:
    return f"{number(p50 / 1000)}, {number(p99 / 1000, 's')}"


def _burst(stage: Stage, process: Process, turns: int) -> Iterator[Row]:
    say(f"{turns:,} turns at once")
    before = process.cpu_seconds
    cost, phones = stage.turns(turns)
    seconds = max(stage.counterparts.sent_at[to] for to in phones) - min(a.due for a in cost.answers)
    yield Row(f"{turns:,} messages at once, turns a second from webhook to Meta", number(turns / seconds))
    each = (cost.cpu / turns * 1000, (process.cpu_seconds - before) / turns * 1000)
    yield Row("… CPU a turn, web + worker", f"{number(each[0])} + {number(each[1], 'ms')}")


def _round_trips(connections: list[WhatsappConnection], counts: int) -> Iterator[Row]:
    """One turn after another, through proxies that count; what an idle worker asks meanwhile is taken off."""
    say("counting round trips")
    counterparts = Counterparts(0.01)
    with Proxy() as to_web, Proxy() as to_worker:
        web = Web(DATABASE_URL=to_web.url)
        process = worker(counterparts, DATABASE_URL=to_worker.url)
        with running(web, process):
            stage = Stage(connections, counterparts, web, 300_000_000)
            stage.turns(WARM)
            idle = _idle(to_worker)
            counted = [_counted(stage, to_web, to_worker, idle) for _ in range(counts)]
    of_web, of_worker, of_queue = (middle(values) for values in zip(*counted, strict=True))
    yield Row("round trips to PostgreSQL a turn, web + worker", f"{number(of_web)} + {number(of_worker)}")
    yield at_most("… in all", of_web + of_worker, 16)
    yield Row("… the queue's own among them", number(of_queue))


def _idle(to_worker: Proxy) -> tuple[int, int]:
    """What a worker that has nothing to do asks in a window, and what of it is the queue's."""
    to_worker.reset()
    time.sleep(WINDOW_SECONDS)
    return to_worker.round_trips, to_worker.of_queue


def _counted(stage: Stage, to_web: Proxy, to_worker: Proxy, idle: tuple[int, int]) -> tuple[float, float, float]:
    """Of web, of the worker, and those of the queue, for one turn."""
    for proxy in (to_web, to_worker):
        proxy.reset()
    window_ends = time.monotonic() + WINDOW_SECONDS
    stage.turns(CALLS, rate=IDLE_RATE)
    time.sleep(max(window_ends - time.monotonic(), 0))
    of_worker = (to_worker.round_trips - idle[0]) / CALLS
    of_queue = (to_worker.of_queue + to_web.of_queue - idle[1]) / CALLS
    return to_web.round_trips / CALLS, of_worker, of_queue
