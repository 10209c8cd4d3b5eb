"""How long customers wait when a process is killed: web, worker and PostgreSQL, each with kill -9 while people write.

What ends is started again at once, as whoever runs the product would; what is not acknowledged is posted again, as
Meta does.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError

from benchmarks import population
from benchmarks.bodies import Block, phone, wamid
from benchmarks.checks import answered_once, exactly_once
from benchmarks.counterparts import Counterparts
from benchmarks.load import Answer, Load
from benchmarks.platform import Process, Web, answers_to, postgres_pid, running, wait_for, worker
from benchmarks.sizes import Sizes
from benchmarks.table import Row, number, say
from whatsapp.models import WhatsappConnection

RATE = 10.0
KILLED_AT = 0.4  # of the time in which people write
THINKING = 1.0
WARM = 10


def recovery(sizes: Sizes) -> Iterator[Row]:
    numbers = population.numbers()
    counterparts, web = Counterparts(THINKING), Web()
    process = worker(counterparts, WORKER_HEARTBEAT_SECONDS=str(sizes.heartbeat))
    scene = Scene(numbers, counterparts, web, process)
    with running(web, process):
        scene.play(Block("message", 1_000_000, WARM), lambda: None)
        yield _row("nothing is killed (the model takes 1 s)", scene.play(_block(2, sizes), lambda: None))
        yield _row("the web processes are killed", scene.play(_block(3, sizes), web.kill))
        what = f"the worker is killed (dead after three heartbeats of {sizes.heartbeat:g} s)"
        yield _row(what, scene.play(_block(4, sizes), process.kill))
        yield _postgres(scene, sizes)


def _postgres(scene: "Scene", sizes: Sizes) -> Row:
    """What was stored in that moment and not processed waits for the sweep, which takes longer than --quick may."""
    what, server = "PostgreSQL is killed", postgres_pid()
    if not sizes.kills_postgres:
        return Row(what, "not tried with --quick")
    if server is None:
        return Row(what, "not tried: it is not this benchmark's own")
    return _row(what, scene.play(_block(5, sizes), lambda: os.kill(server, signal.SIGKILL)))


def _block(scene: int, sizes: Sizes) -> Block:
    return Block("message", scene * 1_000_000, int(RATE * sizes.seconds_of_recovery))


class Scene:
    """The processes and the people who write while one of them is killed."""

    def __init__(
        self, numbers: list[WhatsappConnection], counterparts: Counterparts, web: Web, process: Process
    ) -> None:
        self.numbers, self.counterparts = numbers, counterparts
        self.web, self.worker = web, process

    def play(self, block: Block, harm: Callable[[], object]) -> tuple[float, float, int]:
        """The longest anybody waited to be acknowledged, and to be answered, in seconds; and how many answers are
        unknown. Nothing acknowledged may be lost, and nobody be answered twice."""
        say(f"{block.posts} people write, and something may be killed")
        population.customers(block, self.numbers)
        with ThreadPoolExecutor(1) as pool:
            posting = pool.submit(answers_to, Load(block, self.web.port, settings.META_APP_SECRET, rate=RATE))
            time.sleep(KILLED_AT * block.posts / RATE)
            harm()
            self._keep_alive(posting.done)
        self._keep_alive(_is_settled)
        return self._waits(block, posting.result())

    def _keep_alive(self, is_over: Callable[[], bool]) -> None:
        def look() -> bool:
            self.web.revive()
            self.worker.revive()
            return is_over()

        wait_for(look)

    def _waits(self, block: Block, answers: list[Answer]) -> tuple[float, float, int]:
        exactly_once([wamid("message", person) for person in block.people], population.stored(block), "recovery")
        phones = [f"+{phone(person)}" for person in block.people]
        sent = {to: self.counterparts.sent[to] for to in phones}
        unknown = [to for to in population.unknown() if to in sent]
        answered_once(phones, sent, unknown)
        said = [
            self.counterparts.sent_at[to] - answer.due
            for to, answer in zip(phones, answers, strict=True)
            if to in self.counterparts.sent_at
        ]
        return max(answer.milliseconds for answer in answers) / 1000, max(said), len(unknown)


def _is_settled() -> bool:
    """False also while nobody can be asked."""
    try:
        return population.is_settled()
    except DatabaseError:
        population.connect_anew()
        return False


def _row(what: str, waits: tuple[float, float, int]) -> Row:
    acknowledged, answered, unknown = waits
    told = f"{number(acknowledged, 's')}, {number(answered, 's')}" + (f"; {unknown} unknown" if unknown else "")
    return Row(f"{what}: longest wait for the acknowledgement, for the answer", told)
