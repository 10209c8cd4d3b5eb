"""Two workers at once share what there is to do; when one is killed or frozen at any step, the other goes on."""

import pytest

from tests.faults.cases import Scene
from tests.faults.tables import at, steps_of, try_all

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
SHARED = Scene(is_shared=True)
TIMES = 10


@pytest.mark.parametrize("role", ["web", "worker"])
def test_two_workers_answer_once(world, role, tmp_path):
    """Whether both are there when the customers write, or find what they wrote."""
    cases = try_all(world, role, [None] * TIMES, tmp_path, SHARED)
    assert max(case.most_at_work for case in cases) == 2


@pytest.mark.parametrize("harm", ["kill", "freeze"])
def test_one_worker_is_harmed_at_every_step_and_the_other_goes_on(world, harm, tmp_path):
    """A frozen one comes back when the other has its jobs, and does not know it."""
    steps = steps_of(world, "worker", tmp_path, SHARED)
    try_all(world, "worker", at(steps, harm), tmp_path, SHARED)
