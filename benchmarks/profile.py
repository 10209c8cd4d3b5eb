"""Where the CPU of webhooks and turns goes: each is done many times in this process, under a profiler.

Knows which library does what. What is called most often looks dearest: the profiler itself costs something each time.
"""

import asyncio
import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from django.test import override_settings

from agent.providers import close_provider
from agent.replies import reply_to
from benchmarks import population
from benchmarks.bodies import Block
from benchmarks.counterparts import Counterparts
from benchmarks.platform import postgres_cpu_seconds
from benchmarks.sizes import Sizes
from benchmarks.table import Row, number, say
from conversations import accepting, inbound, tasks, turns
from conversations.models import Conversation
from whatsapp.models import WhatsappConnection

COMPANY = (1, 16, 100)
# Whose code it is, by what stands in its path: the first that fits.
WHO = {
    "psycopg/connection.py": "waiting for PostgreSQL",
    "psycopg": "the database driver",
    "django/": "Django's ORM: building statements and rows",
    "procrastinate": "the queue",
    "requests/": "HTTP to Meta",
    "urllib3/": "HTTP to Meta",
    "http/client.py": "HTTP to Meta",
    "anthropic": "the model's SDK",
    "aiohttp": "the model's SDK",
    "httpx": "the model's SDK",
    "pydantic": "the model's SDK",
    "whatsapp/payloads": "reading Meta's JSON",
}
OTHERS = "the product's own code, and Python's library"
SMALL = 0.02


def profile(sizes: Sizes) -> Iterator[Row]:
    """The shares of each, the largest first; what is called from nowhere else is counted where it runs."""
    connections = population.numbers()
    for number_of_block, size in enumerate(COMPANY):
        block = Block("message", 600_000_000 + 1_000_000 * number_of_block, 4 * sizes.profiled)
        yield _cost_each(block, size, connections)
    yield from _shares("a webhook", _webhooks(connections, sizes.profiled))
    yield from _shares("messages behind the door", _backlog(connections, 5 * sizes.profiled))
    counterparts = Counterparts(0)
    here = f"http://127.0.0.1:{counterparts.port}"
    with override_settings(META_GRAPH_API_URL=f"{here}/graph", ANTHROPIC_BASE_URL=f"{here}/anthropic"):
        yield from _shares("a turn", _turns(connections[0], sizes.profiled))


def _cost_each(block: Block, size: int, connections: list[WhatsappConnection]) -> Row:
    """The first half of the messages is to warm up."""
    say(f"messages, {size} at a time")
    population.customers(block, connections)
    bodies = list(block.bodies(int(time.time())))
    together = [bodies[start : start + size] for start in range(0, len(bodies), size)]
    half = len(together) // 2
    for some in together[:half]:
        inbound.take_each(some)
    cpu, postgres = time.process_time(), postgres_cpu_seconds()
    for some in together[half:]:
        inbound.take_each(some)
    count = len(bodies) - half * size
    each = ((time.process_time() - cpu) / count * 1000, (postgres_cpu_seconds() - postgres) / count * 1000)
    return Row(f"a message, {size} at a time, CPU: Python + PostgreSQL", f"{number(each[0])} + {number(each[1], 'ms')}")


def _webhooks(connections: list[WhatsappConnection], times: int) -> Callable[[], None]:
    block = Block("message", 700_000_000, 2 * times)
    population.customers(block, connections)
    bodies = list(block.bodies(int(time.time())))
    for body in bodies[:times]:
        inbound.take(body)

    def take_all() -> None:
        for body in bodies[times:]:
            inbound.take(body)

    return take_all


def _backlog(connections: list[WhatsappConnection], messages: int) -> Callable[[], None]:
    block = Block("message", 800_000_000, messages)
    population.customers(block, connections)
    accepting.accept_for_later(list(block.bodies(int(time.time()))))
    return inbound.process_events


def _turns(connection: WhatsappConnection, times: int) -> Callable[[], None]:
    """The loop is the one that the provider belongs to."""
    loop = asyncio.new_event_loop()
    population.write(connection, 34_690_000_000, 2 * times)
    due = list(Conversation.objects.filter(connection=connection, answer_due_at__isnull=False).order_by("pk"))
    _answer(loop, due[-times:])

    def answer_all() -> None:
        _answer(loop, due[-2 * times : -times])
        loop.run_until_complete(close_provider())

    return answer_all


def _answer(loop: asyncio.AbstractEventLoop, conversations: Sequence[Conversation]) -> None:
    for conversation in conversations:
        step = turns.begin(conversation.pk)
        if not isinstance(step, turns.Ask):
            raise SystemExit(f"The turn of {conversation.pk} did not come as far as the model.")
        records = tasks.show_that_it_is_asked(step)
        turns.conclude(step, loop.run_until_complete(reply_to(step.question)), records)


def _shares(what: str, deed: Callable[[], None]) -> Iterator[Row]:
    say(f"{what}, under the profiler")
    profiler = cProfile.Profile()
    profiler.runcall(deed)
    spent: Counter[str] = Counter()
    for (path, _line, _name), (_calls, _all_calls, own, _cumulative, callers) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if path == "~" and callers:  # C has no path: whose it is, say those who call it
            for (caller, _its_line, _its_name), (_c, _a, its_own, _its_cumulative) in callers.items():
                spent[_who(caller)] += its_own
        else:
            spent[_who(path)] += own
    whole = sum(spent.values())
    for who, seconds in spent.most_common():
        if seconds >= SMALL * whole:
            yield Row(f"{what}: {who}", f"{number(100 * seconds / whole)} %")


def _who(path: str) -> str:
    return next((who for part, who in WHO.items() if part in path), OTHERS)
