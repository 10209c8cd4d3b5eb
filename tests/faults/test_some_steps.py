"""A handful of the steps that the other files try all of, in every run: where a fault has cost something, or would
cost most."""

import pytest

from tests.faults.cases import Case, Scene, try_out
from tests.faults.steps import FILE, WHOLE, Fault

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STEPS = [
    ("web", Fault("kill", "COMMIT", 1)),
    ("web", Fault("drop", "INSERT conversations_message", 1)),
    ("worker", Fault("kill", "procrastinate_fetch_job_v2", 1)),
    ("worker", Fault("kill", "Meta text →", 1)),
    ("worker", Fault("kill", "Meta text ←", 1)),
    ("worker", Fault("lose", "UPDATE conversations_message", 1)),
    # The job was thought to be under way for as long as the worker lived.
    ("worker", Fault("drop", "procrastinate_finish_job_v1", 1)),
    ("worker", Fault("kill", WHOLE, 1)),
    ("sandbox", Fault("kill", "send_text ←", 1)),
]
SCENES = [
    (Scene(is_shared=True), Fault("kill", "Meta text ←", 1)),
    (Scene(media=True, task="fetch_media"), Fault("kill", FILE, 1)),
]


def broken(cases: list[Case]) -> list[str]:
    return [str(case) for case in cases if case.wrongs or not case.struck]


def test_what_was_promised_holds_at_the_worst_steps(world):
    assert broken([try_out(world, role, fault) for role, fault in STEPS]) == []


def test_what_was_promised_holds_beside_another_worker_and_in_the_middle_of_a_file(world):
    assert broken([try_out(world, "worker", fault, scene) for scene, fault in SCENES]) == []


def test_what_was_promised_holds_when_the_database_ends(fragile_world):
    """As a job is fetched."""
    faults = [Fault(end, "COMMIT procrastinate_fetch_job_v2", 1) for end in ("stop", "crash")]
    assert broken([try_out(fragile_world, "worker", fault) for fault in faults]) == []
