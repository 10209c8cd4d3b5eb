"""One case: customers write while something is done to a process; then all has to come right.

Knows scenes, faults and what a case is called; how processes live is the world's, what must be true is in `promises`.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from django.db import InterfaceError, OperationalError
from procrastinate.exceptions import ConnectorException

from conversations.models import Message
from tests.faults.promises import outcomes, unsettled, workers_at_work, wrongs
from tests.faults.steps import ENDS_OF_DATABASE, FROZEN_SECONDS, Fault
from tests.faults.world import CUSTOMERS, MESSAGES_EACH, World
from tests.processes import wait_for

PATIENCE_SECONDS = 45
EVERYTHING = MESSAGES_EACH * len(CUSTOMERS)
OTHER = "worker (other)"


@dataclass(frozen=True)
class Scene:
    """What a worker meets: Meta's or the model's trouble with everybody, what a dead worker has left; which of its
    tasks is watched; whether customers send more than words; and whether there is another worker, who goes on alone."""

    trouble: str = ""
    dead: Fault | None = None
    task: str = "answer"
    media: bool = False
    is_shared: bool = False

    def __str__(self) -> str:
        words = [self.trouble, self.task if self.task != "answer" or self.dead else ""]
        words += ["media" if self.media else "", "two workers" if self.is_shared else ""]
        told = ", ".join(word for word in words if word)
        return f" ({told})" if told else ""

    @property
    def concurrency(self) -> int:
        """So few jobs at once that two workers share four of them."""
        return 2 if self.is_shared else 8

    @property
    def lasting(self) -> tuple[str, ...]:
        """Who is started again when it has died."""
        return "sandbox", "web", OTHER if self.is_shared else "worker"


QUIET = Scene()


@dataclass
class Case:
    """What was done to whom, and what came of it."""

    role: str
    fault: Fault | None
    scene: Scene = QUIET
    struck: bool = False
    seconds: float = 0.0
    most_at_work: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.wrongs:
            return "WRONG"
        return "held" if self.struck or self.fault is None else "not reached"

    def __str__(self) -> str:
        what = f"{self.fault.kind:<22} {self.fault.word} #{self.fault.nth}" if self.fault else "nothing"
        came = " ".join(f"{word}:{count}" for word, count in sorted(self.outcomes.items()))
        return f"{self.role:<8} {what + str(self.scene):<75} {self.state:<12} {came}  ({self.seconds:.1f} s)" + "".join(
            f"\n         ! {wrong}" for wrong in self.wrongs
        )


def try_out(world: World, role: str, fault: Fault | None, scene: Scene = QUIET, written: Path | None = None) -> Case:
    """Four customers write twice each while this happens to this process; then all has to come right."""
    world.begin()
    started, case = time.monotonic(), Case(role, fault, scene)
    try:
        _play(world, case, written)
        _see_it_through(world, case)
    except (AssertionError, OSError) as error:
        case.wrongs.append(f"{type(error).__name__}: {error}")
    case.struck = world.struck.exists() or (role == "sandbox" and not world.call("state")["armed"])
    phone = world.phone()
    case.wrongs += wrongs(phone) + _deaths(case)
    case.outcomes += outcomes(phone)
    case.seconds = time.monotonic() - started
    return case


def _play(world: World, case: Case, written: Path | None) -> None:
    """Whoever is to be hurt is there, and the customers write; a worker finds what they wrote."""
    scene = case.scene
    if case.role == "worker":
        world.customers_write(media=scene.media)
        wait_for(lambda: Message.objects.count() == EVERYTHING)
        _set(world, scene)
        world.run("worker", case.fault, written, scene.task, scene.concurrency)
    else:
        world.kill(case.role)
        world.run(case.role, case.fault, written)
        world.run("worker", concurrency=scene.concurrency)
    if scene.is_shared:
        world.run(OTHER, concurrency=scene.concurrency)
    if case.role != "worker":
        world.customers_write(media=scene.media)


def _set(world: World, scene: Scene) -> None:
    for _customer in CUSTOMERS if scene.trouble else ():
        world.call("failures", {"kind": scene.trouble})
    if scene.dead:
        world.run("worker", scene.dead)
        wait_for(lambda: not world.lives("worker"))
        world.struck.unlink()
        world.time_passes(everybody_is_dead=True)


def _see_it_through(world: World, case: Case) -> None:
    """Until nothing is left to do. The database is brought up again whenever it is found to be gone."""
    until = time.monotonic() + PATIENCE_SECONDS
    hurt_at: float | None = None
    while True:
        try:
            if hurt_at is None and world.struck.exists():
                hurt_at = time.monotonic()
            left = unsettled(world.phone(), EVERYTHING)
            if not left and not _is_frozen(case, hurt_at):
                return
            assert time.monotonic() < until, f"does not settle: {left}"
            case.most_at_work = max(case.most_at_work, workers_at_work())
            _go_on(world, case, hurt_at)
        except (OperationalError, InterfaceError, ConnectorException):
            if world.server is None:
                raise
            world.bring_up()
            case.outcomes["database was gone"] += 1


def _is_frozen(case: Case, hurt_at: float | None) -> bool:
    """Or has just begun to move again."""
    is_to_freeze = case.fault is not None and case.fault.kind == "freeze"
    return is_to_freeze and time.monotonic() < (hurt_at or 0) + FROZEN_SECONDS + 1


def _go_on(world: World, case: Case, hurt_at: float | None) -> None:
    """Whoever dies is started again; time passes, once the harm is done."""
    for name in case.scene.lasting:
        if not world.lives(name):
            world.time_passes(everybody_is_dead=name == "worker")
            case.outcomes[f"{name} restarted"] += 1
            world.run(name)
    if hurt_at is None and case.role != "sandbox":
        time.sleep(0.05)
        return
    time.sleep(0.3)
    if case.role == "sandbox" or time.monotonic() - (hurt_at or 0) > 1:
        world.time_passes(everybody_is_dead=False)


def _deaths(case: Case) -> list[str]:
    """Who must not have died: the other worker; and of a database that is gone for a moment, the web process."""
    may_not = [OTHER] if case.scene.is_shared else []
    may_not += ["web"] if case.fault and case.fault.kind in ENDS_OF_DATABASE else []
    return [f"{name} has died" for name in may_not if case.outcomes[f"{name} restarted"]]
