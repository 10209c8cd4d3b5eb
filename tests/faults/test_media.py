"""Messages that carry an image or a paper, with harm at every step of storing, fetching and answering them."""

import pytest

from tests.faults.cases import Scene
from tests.faults.steps import Fault
from tests.faults.tables import at, steps_of, try_all
from tests.faults.test_every_step import HARM, META
from tests.faults.world import CUSTOMERS

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def test_the_agent_sees_what_was_sent(world, tmp_path):
    [case] = try_all(world, "worker", [None], tmp_path, Scene(media=True))
    assert case.outcomes["saw it"] == len(CUSTOMERS)


def test_every_step_of_fetching(world, tmp_path):
    scene = Scene(media=True, task="fetch_media")
    try_all(world, "worker", at(steps_of(world, "worker", tmp_path, scene), *HARM), tmp_path, scene)


@pytest.mark.parametrize("role", ["web", "worker"])
def test_every_step_around_it(world, role, tmp_path):
    """The message comes in, and the answer waits for what came with it."""
    scene = Scene(media=True)
    try_all(world, role, at(steps_of(world, role, tmp_path, scene), "kill"), tmp_path, scene)


def test_meta_at_every_call_about_a_file(world, tmp_path):
    calls = ("get_media", "download")
    every = [Fault(kind, call, times) for call in calls for kind in META for times in (1, 4)]
    every += [Fault(kind, "get_media", times) for kind in ("media_broken", "media_expired") for times in (1, 4)]
    every += [Fault("kill", f"{call} {side}", nth) for call in calls for side in "→←" for nth in (1, 4)]
    try_all(world, "sandbox", every, tmp_path, Scene(media=True))
