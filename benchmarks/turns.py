"""Turns: how many one worker process has in flight while the model thinks, and who waits for whom."""

import time
from collections.abc import Callable, Iterator

from benchmarks.counterparts import Counterparts
from benchmarks.platform import Worker, database_connections, tenant_with_number, wait_for, worker, write
from whatsapp.models import WhatsappConnection

Row = tuple[str, str]


def in_flight(thinking_seconds: float = 1.5, turns: int = 1000) -> Iterator[Row]:
    """One process, more turns than it can have at once; checks that each was answered exactly once."""
    counterparts = Counterparts(thinking_seconds)
    connection = tenant_with_number("in-flight", "111")
    warm = write(connection, 34600000000, 1)
    with worker(counterparts) as process:
        wait_for(lambda: counterparts.sent[warm[0]] == 1)
        idle, started, cpu = process.kilobytes, time.monotonic(), process.cpu_seconds
        phones = write(connection, 34600100000, turns)
        most_memory, most_connections = _watch(process, lambda: sum(counterparts.sent.values()) > turns)
        seconds, cpu = time.monotonic() - started, process.cpu_seconds - cpu
    _check(counterparts, phones)
    most = counterparts.most_thinking
    yield f"turns in flight at most, the model takes {thinking_seconds} s", str(most)
    yield "turns a second", f"{turns / seconds:.0f}"
    yield "worker CPU a turn", f"{cpu / turns * 1000:.1f} ms"
    yield "worker memory a turn in flight", f"{(most_memory - idle) / most:.0f} KB"
    yield "worker memory, idle and at most", f"{idle / 1024:.0f} MB, {most_memory / 1024:.0f} MB"
    yield "database connections at most", str(most_connections)


def fairness(waiting: int = 10_000) -> Iterator[Row]:
    """One turn of a tenant, on an idle worker, and while so many turns of another tenant wait."""
    counterparts = Counterparts(1.5)
    noisy, quiet = tenant_with_number("noisy", "222"), tenant_with_number("quiet", "333")
    with worker(counterparts):
        _time_of_one(counterparts, quiet, 34600500000)
        alone = _time_of_one(counterparts, quiet, 34600500001)
        write(noisy, 34601000000, waiting)
        wait_for(lambda: sum(counterparts.sent.values()) > 300)
        beside = _time_of_one(counterparts, quiet, 34600500002)
        left = waiting + 2 - sum(counterparts.sent.values())
    yield "from due to Meta, on an idle worker", f"{alone:.1f} s"
    yield f"the same while {left} turns of another tenant still wait", f"{beside:.1f} s"


def _time_of_one(counterparts: Counterparts, connection: WhatsappConnection, phone: int) -> float:
    started = time.monotonic()
    [to] = write(connection, phone, 1)
    wait_for(lambda: to in counterparts.sent_at)
    return counterparts.sent_at[to] - started


def _watch(process: Worker, is_over: Callable[[], bool]) -> tuple[int, int]:
    memory = connections = 0
    while not is_over():
        memory, connections = max(memory, process.kilobytes), max(connections, database_connections())
        time.sleep(0.1)
    return memory, connections


def _check(counterparts: Counterparts, phones: list[str]) -> None:
    wrong = {phone: counterparts.sent[phone] for phone in phones if counterparts.sent[phone] != 1}
    if wrong:
        raise SystemExit(
            f"{len(wrong)} of {len(phones)} turns were not answered exactly once: {list(wrong.items())[:3]}"
        )


PARTS: dict[str, Callable[[], Iterator[Row]]] = {"in-flight": in_flight, "fairness": fairness}
