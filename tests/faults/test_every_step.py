"""Every step of a turn × every fault, in real processes on real PostgreSQL: nothing lost, nothing twice, order kept.

    ./run test -m faults tests/faults -q -s

The steps are not listed here: a run in which nothing happens writes them down.
"""

from itertools import dropwhile

import pytest

from tests.faults.cases import Scene
from tests.faults.steps import Fault
from tests.faults.tables import at, steps_of, try_all

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
# Killed before each step; cut off from the database before it; and told nothing of what was done.
HARM = ("kill", "drop", "lose")


@pytest.mark.parametrize("role", ["web", "worker"])
def test_every_step(world, role, tmp_path):
    steps = steps_of(world, role, tmp_path)
    try_all(world, role, at(steps, *HARM), tmp_path)


@pytest.mark.parametrize("trouble", ["model:529", "refused", "timeout_after_accept", "131056"])
def test_every_step_that_comes_of_trouble(world, trouble, tmp_path):
    """From the call that fails on."""
    scene, call = Scene(trouble=trouble), "model →" if "model" in trouble else "Meta text →"
    steps = list(dropwhile(lambda step: step[0] != call, steps_of(world, "worker", tmp_path, scene)))
    try_all(world, "worker", at(steps, *HARM), tmp_path, scene)


@pytest.mark.parametrize("task", ["sweep", "retry_jobs_of_dead_workers"])
def test_every_step_of_who_takes_up_what_was_left(world, task, tmp_path):
    scene = Scene(dead=Fault("kill", "Meta text →", 1), task=task)
    steps = steps_of(world, "worker", tmp_path, scene)
    try_all(world, "worker", at(steps, *HARM), tmp_path, scene)


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
