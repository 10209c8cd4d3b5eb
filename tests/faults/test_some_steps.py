"""A handful of the steps of `test_every_step`, in every run: where a fault has cost something, or would cost most."""

import pytest

from tests.faults.steps import WHOLE, Fault

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STEPS = [
    ("web", Fault("kill", "COMMIT", 2)),
    ("web", Fault("drop", "procrastinate_defer_jobs_v1", 1)),
    ("worker", Fault("kill", "procrastinate_fetch_job_v2", 1)),
    ("worker", Fault("kill", "Meta text →", 1)),
    ("worker", Fault("kill", "Meta text ←", 1)),
    ("worker", Fault("lose", "UPDATE conversations_message", 1)),
    # The job was thought to be under way for as long as the worker lived.
    ("worker", Fault("drop", "COMMIT procrastinate_finish_job_v1", 1)),
    ("worker", Fault("kill", WHOLE, 1)),
    ("sandbox", Fault("kill", "send_text ←", 1)),
]


def test_what_was_promised_holds_at_the_worst_steps(world):
    cases = [world.try_out(role, fault) for role, fault in STEPS]
    assert [str(case) for case in cases if case.wrongs or not case.struck] == []
