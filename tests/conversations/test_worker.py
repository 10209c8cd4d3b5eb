"""The worker as `manage.py worker` runs it: when it goes on although the queue does not know its job any more."""

import os
import signal
import threading

import pytest
from django.core.management import call_command
from django.db import connection as database
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.conftest import jobs
from tests.processes import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_whose_job_somebody_else_has_ended_goes_on(connection, model, meta, says):
    """It was thought dead, perhaps because its host slept."""

    def somebody_ends_it(*facts: object) -> None:
        model.observe = None
        ProcrastinateJob.objects.filter(task_name="answer").delete()
        database.close()  # this is the model's thread

    def stop() -> None:
        wait_for(lambda: meta.sent)
        os.kill(os.getpid(), signal.SIGTERM)

    model.observe = somebody_ends_it
    says("Hola")
    threading.Thread(target=stop).start()
    call_command("worker", concurrency=4)
    assert len(meta.sent) == 1
    assert jobs() == 0
