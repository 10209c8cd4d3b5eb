"""Turns: how many one worker process has in flight while the model thinks, and who waits for whom."""

import time
from collections.abc import Callable, Iterator
from itertools import islice

from benchmarks import population
from benchmarks.checks import answered_once
from benchmarks.counterparts import Counterparts
from benchmarks.platform import (
    Process,
    database_connections,
    postgres_cpu_seconds,
    running,
    wait_for,
    worker,
)
from benchmarks.sizes import Sizes
from benchmarks.table import Row, at_least, at_most, middle, number, say
from whatsapp.models import WhatsappConnection

MOST_CONCURRENT = 2000
WANTED_IN_FLIGHT = {1.5: 500, 5: 1500}
NOISY_ALREADY = 50


def in_flight(sizes: Sizes) -> Iterator[Row]:
    for thinking, turns in sizes.in_flight:
        say(f"{turns:,} turns at once, the model takes {thinking:g} s")
        yield from _in_flight(thinking, turns)


def _in_flight(thinking: float, turns: int) -> Iterator[Row]:
    """One process, more turns than it can have at once; checks that each was answered exactly once."""
    population.empty()
    counterparts = Counterparts(thinking)
    connection = population.tenant_with_number("in-flight", "111")
    warm = population.write(connection, 34600000000, 1)
    process = worker(counterparts, WORKER_CONCURRENCY=str(MOST_CONCURRENT))
    with running(process):
        wait_for(lambda: counterparts.sent[warm[0]] == 1 and population.is_settled())
        idle, cpu = process.kilobytes, process.cpu_seconds
        phones = population.write(connection, 34600100000, turns)
        started, postgres = time.monotonic(), postgres_cpu_seconds()
        most_memory, most_connections = _watch(process, lambda: sum(counterparts.sent.values()) > turns)
        seconds = time.monotonic() - started
        wait_for(population.is_settled)
        cpu, postgres = process.cpu_seconds - cpu, postgres_cpu_seconds() - postgres
    answered_once(phones, {to: counterparts.sent[to] for to in phones})
    most = counterparts.most_thinking
    what = f"in flight at most in one worker, the model takes {thinking:g} s ({turns:,} turns)"
    wanted = WANTED_IN_FLIGHT[thinking]
    yield at_least(what, most, wanted) if turns >= wanted else Row(what, number(most))
    yield Row("… turns a second", number(turns / seconds))
    yield at_most("… CPU a turn, worker", cpu / turns * 1000, 6, "ms")
    yield Row("… CPU a turn, PostgreSQL", number(postgres / turns * 1000, "ms"))
    yield at_most("… memory a turn in flight", (most_memory - idle) / most, 100, "KB")
    yield Row("… memory of the worker, idle, at most", f"{idle / 1024:.0f}, {most_memory / 1024:.0f} MB")
    yield at_most("… database connections at most", most_connections, 20)


def fairness(sizes: Sizes) -> Iterator[Row]:
    """One turn of a tenant, on an idle worker, and while so many turns of another tenant wait."""
    counterparts = Counterparts(1.5)
    noisy = population.tenant_with_number("noisy", "222")
    quiet = population.tenant_with_number("quiet", "333")
    people = iter(range(34600500000, 34600600000))
    process = worker(counterparts)
    with running(process):
        _time_of_one(counterparts, quiet, next(people))
        alone = middle(_time_of_one(counterparts, quiet, next(people)) for _ in range(sizes.probes))
        say(f"{sizes.waiting:,} turns of another tenant")
        loud = population.write(noisy, 34601000000, sizes.waiting)
        wait_for(lambda: sum(counterparts.sent[to] for to in loud) >= NOISY_ALREADY)
        beside = list(_beside(counterparts, quiet, islice(people, sizes.probes), loud))
    if not beside:
        raise SystemExit("fairness: the noisy tenant was served before the other could wait. Let more of them wait.")
    yield Row("one turn on an idle worker, due to Meta, the model takes 1.5 s", number(alone, "s"))
    what = f"… the longest of {len(beside)} while up to {sizes.waiting:,} turns of another tenant wait: longer by"
    yield at_most(what, max(max(beside) - alone, 0), 2, "s")


def _beside(
    counterparts: Counterparts, quiet: WhatsappConnection, people: Iterator[int], loud: list[str]
) -> Iterator[float]:
    """How long the quiet tenant's turns take for as long as the noisy one's still wait."""
    for person in people:
        took = _time_of_one(counterparts, quiet, person)
        if all(counterparts.sent[to] for to in loud):
            return
        yield took


def _time_of_one(counterparts: Counterparts, connection: WhatsappConnection, phone: int) -> float:
    started = time.monotonic()
    [to] = population.write(connection, phone, 1)
    wait_for(lambda: to in counterparts.sent_at)
    return counterparts.sent_at[to] - started


def _watch(process: Process, is_over: Callable[[], bool]) -> tuple[int, int]:
    memory = connections = 0
    while not is_over():
        memory, connections = max(memory, process.kilobytes), max(connections, database_connections())
        time.sleep(0.1)
    return memory, connections
