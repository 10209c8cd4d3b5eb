"""Why no reply? Each inbound message can be asked what became of it, in the API and by staff."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agent.models import SystemPrompt
from conversations.models import Conversation, Message
from tests.processes import CUSTOMER
from whatsapp.sandbox.meta import DEMO

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trace(api, tenant):
    """What became of the first message: the decisions about it, and the status of its answer."""

    def trace() -> tuple[list[str], str | None]:
        message = Message.objects.order_by("sequence").first()
        assert message is not None
        url = f"/v1/conversations/{message.conversation_id}/messages/{message.pk}/trace"
        told = api(tenant).get(url).json()
        assert told["message"]["id"] == str(message.pk)
        assert all(decision["what"] and decision["at"] for decision in told["decisions"])
        answer = told["answer"] and told["answer"]["status"]
        return [decision["decision"] for decision in told["decisions"]], answer

    return trace


def test_an_answered_message(connection, model, says, run_jobs, trace):
    says("Hola")
    run_jobs()
    assert trace() == (["asked", "drafted", "sent"], "sent")


def test_messages_that_were_answered_together(connection, model, says, run_jobs, trace):
    says("Hola")
    says("¿abrís?")
    run_jobs()
    assert trace() == (["together", "asked", "drafted", "sent"], "sent")


def test_a_repeated_message(connection, model, says, run_jobs, deliver, trace):
    body = says("Hola")
    for _time in range(3):
        deliver(body.replace(b'"object"', b' "object"'))
        body += b" "
    run_jobs()
    assert trace()[0][0] == "repeated"
    assert trace()[0].count("repeated") == 1


def test_a_message_to_a_person_who_has_taken_over(connection, model, meta, says, deliver, run_jobs, trace):
    says("Hola")
    deliver(meta.business_app_writes(DEMO.phone_number_id, CUSTOMER, "I do it"))
    Message.objects.filter(direction="inbound").update(wants_answer=True)
    run_jobs()
    run_jobs()
    assert trace() == (["paused"], None)


def test_a_message_after_which_the_model_was_not_there(connection, model, says, run_jobs, trace):
    model.fail_next(529)
    says("Hola")
    run_jobs()
    run_jobs(now=True)
    assert trace() == (["asked", "unavailable", "asked", "drafted", "sent"], "sent")


def test_a_message_whose_window_has_closed(connection, model, says, run_jobs, trace):
    says("Hola")
    Conversation.objects.update(window_opened_at=timezone.now() - timedelta(hours=25))
    run_jobs()
    assert trace() == (["window_closed"], "failed")


def test_a_message_without_a_prompt(connection, model, says, run_jobs, trace):
    SystemPrompt.objects.update(is_active=False)
    says("Hola")
    run_jobs()
    assert trace() == (["given_up"], "failed")


def test_a_message_to_a_number_without_access(connection, model, says, run_jobs, trace):
    says("Hola")
    connection.access_lost("gone")
    run_jobs()
    assert trace() == (["not_connected"], None)


def test_the_stranger_is_told_nothing(connection, stranger, conversation, api):
    message = Message.objects.get()
    url = f"/v1/conversations/{conversation.pk}/messages/{message.pk}/trace"
    assert api(stranger).get(url).status_code == 404


def test_staff_see_what_became_of_a_message(connection, model, says, run_jobs, admin_client):
    says("Hola")
    run_jobs()
    message = Message.objects.get(direction="inbound")
    page = admin_client.get(f"/admin/conversations/message/{message.pk}/change/").content.decode()
    assert "The model was asked" in page
