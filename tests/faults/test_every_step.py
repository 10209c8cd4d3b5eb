"""Every step of a turn × every fault, in real processes on real PostgreSQL: nothing lost, nothing twice, order kept.

    ./run test -m faults tests/faults -q -s

The steps are not listed here: a run in which nothing happens writes them down.
"""

from itertools import dropwhile
from pathlib import Path

import pytest

from tests.faults.steps import WHOLE, Fault
from tests.faults.world import QUIET, Case, Scene, World, report, steps_of

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def faults(steps: list[tuple[str, int]]) -> list[Fault]:
    """Killed before each step; cut off from the database before it; and told nothing of what was done."""
    calls = ("→", "←", WHOLE)
    every = [Fault(kind, word, nth) for kind in ("kill", "drop") for word, nth in steps]
    return every + [Fault("lose", word, nth) for word, nth in steps if not word.endswith(calls)]


def try_all(world: World, role: str, every: list[Fault], path: Path, scene: Scene = QUIET) -> None:
    cases: list[Case] = []
    for fault in every:
        case = world.try_out(role, fault, scene=scene)
        if not case.struck and not case.wrongs:  # what comes by the way does not come every time
            case = world.try_out(role, fault, scene=scene)
        cases.append(case)
        print(case, flush=True)  # noqa: T201  the table is what this is for
    report(cases, path / f"{role}.txt", print)
    assert not [case for case in cases if case.wrongs]


@pytest.mark.parametrize("role", ["web", "worker"])
def test_every_step(world, role, tmp_path):
    steps = steps_of(world, role, tmp_path)
    print(len(steps), "steps:", steps)  # noqa: T201
    try_all(world, role, faults(steps), tmp_path)


@pytest.mark.parametrize("trouble", ["model:529", "refused", "timeout_after_accept", "131056"])
def test_every_step_that_comes_of_trouble(world, trouble, tmp_path):
    """From the call that fails on."""
    scene, call = Scene(trouble=trouble), "model →" if "model" in trouble else "Meta text →"
    steps = list(dropwhile(lambda step: step[0] != call, steps_of(world, "worker", tmp_path, scene)))
    print(len(steps), "steps:", steps)  # noqa: T201
    try_all(world, "worker", faults(steps), tmp_path, scene)


@pytest.mark.parametrize("task", ["sweep", "retry_jobs_of_dead_workers"])
def test_every_step_of_who_takes_up_what_was_left(world, task, tmp_path):
    scene = Scene(dead=Fault("kill", "Meta text →", 1), task=task)
    steps = steps_of(world, "worker", tmp_path, scene)
    print(len(steps), "steps:", steps)  # noqa: T201
    try_all(world, "worker", faults(steps), tmp_path, scene)


META = ("refused", "timeout_after_accept", "html_500", "slow", "4", "131016")
MODEL = ("500", "529", "429", "timeout", "bad_json", "refusal", "empty")


def test_meta_and_the_model_at_every_call(world, tmp_path):
    every = [Fault(kind, call, times) for call in ("mark_read", "send_text") for kind in META for times in (1, 4)]
    every += [Fault(kind, "model", times) for kind in MODEL for times in (1, 4)]
    every += [
        Fault("kill", f"{call} {side}", nth)
        for call in ("mark_read", "model", "send_text")
        for side in "→←"
        for nth in (1, 2, 3, 4)
    ]
    try_all(world, "sandbox", every, tmp_path)
