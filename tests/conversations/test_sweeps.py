"""What was left lying is taken up again, and nothing twice."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from conversations import sweeps
from conversations.models import Conversation, Message, WebhookEvent
from tests.conftest import PAYLOADS, jobs
from whatsapp.models import WhatsappConnection

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=1)


def long_ago():
    return timezone.now() - LONG_AGO


def test_an_event_that_was_stored_and_not_processed_is_processed(connection):
    body = (PAYLOADS / "text.json").read_text()
    WebhookEvent.objects.create(provider_event_id="x", body=body)
    sweeps.process_left_events()
    assert not Message.objects.exists()  # the web process may still be at it
    WebhookEvent.objects.update(received_at=long_ago())
    sweeps.process_left_events()
    sweeps.process_left_events()
    assert Message.objects.count() == 1


def test_a_send_whose_worker_died_is_unknown(conversation):
    fresh, old = (conversation.append(direction="outbound", status="sending", text="x") for _ in range(2))
    Message.objects.filter(pk=old.pk).update(status_at=long_ago())
    sweeps.give_up_left_sends()
    assert Message.objects.get(pk=fresh.pk).status == "sending"
    assert Message.objects.get(pk=old.pk).status == "unknown"


@pytest.fixture
def due(conversation: Conversation) -> Conversation:
    """An answer has been owed for long."""
    Conversation.objects.update(answer_due_at=long_ago())
    return conversation


def test_an_answer_that_has_its_job_gets_no_second_one(due):
    sweeps.queue_left_answers()
    assert jobs() == 1


def test_an_answer_that_has_lost_its_job_gets_a_new_one(due, delete_jobs):
    delete_jobs()
    sweeps.queue_left_answers()
    sweeps.queue_left_answers()
    assert jobs() == 1


def test_an_answer_waits_until_its_number_is_connected(due, delete_jobs):
    delete_jobs()
    WhatsappConnection.objects.update(status="RECONNECT")
    sweeps.queue_left_answers()
    assert jobs() == 0


@pytest.fixture
def delete_jobs():
    def delete_jobs() -> None:
        with database.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")

    return delete_jobs
