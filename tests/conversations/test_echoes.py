"""The business's own words: echoes of its app pause the agent, old chats are imported without waking it."""

import json
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from conversations.models import Attachment, Conversation, Message
from conversations.sweeps import queue_left_answers
from tests.conftest import jobs, transcript
from tests.processes import CUSTOMER
from whatsapp.sandbox.meta import DEMO

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person_writes(meta, deliver):
    """Somebody of the business writes in the WhatsApp Business app."""

    def person_writes(text: str = "I take care of it", **options: object) -> bytes:
        body: bytes = meta.business_app_writes(DEMO.phone_number_id, CUSTOMER, text, **options)
        assert deliver(body) == 200
        return body

    return person_writes


def test_an_echo_is_the_businesss_own_word_and_is_never_answered(connection, model, meta, person_writes, run_jobs):
    person_writes()
    run_jobs()
    assert meta.sent == []
    message = Message.objects.get()
    assert (message.direction, message.author, message.status) == ("outbound", "business", "sent")
    assert jobs() == 0


def test_an_echo_silences_the_agent_for_a_while_and_answers_what_was_said(
    connection, model, meta, says, person_writes, run_jobs
):
    says("Hola")
    person_writes()
    run_jobs()
    assert meta.sent == []
    conversation = Conversation.objects.get()
    assert conversation.is_paused
    assert not conversation.unheard().exists()


def test_after_the_pause_the_agent_answers_what_the_person_did_not(
    connection, model, meta, says, person_writes, run_jobs
):
    person_writes()
    says("¿sigue ahí?")
    run_jobs()
    assert meta.sent == []
    past = timezone.now() - timedelta(minutes=1)
    Conversation.objects.update(agent_paused_until=past, answer_due_at=past)
    queue_left_answers()
    run_jobs()
    assert len(meta.sent) == 1
    said = [(turn["role"], turn["content"]) for turn in model.requests[-1].body["messages"]]
    assert said[-1] == ("user", "¿sigue ahí?")


def test_a_tenant_can_choose_how_long_the_agent_is_silent(connection, model, meta, says, person_writes, run_jobs):
    tenant = connection.tenant
    tenant.pause_minutes = 0
    tenant.save()
    person_writes()
    says("Hola")
    run_jobs()
    assert len(meta.sent) == 1


def test_a_draft_is_not_sent_when_a_person_speaks_first(connection, model, meta, says, person_writes, run_jobs):
    def somebody_takes_over(*facts: object) -> None:
        Conversation.objects.update(agent_paused_until=timezone.now() + timedelta(hours=1))
        database.close()  # this is the model's thread

    model.observe = somebody_takes_over
    says("Hola")
    run_jobs()
    assert meta.sent == []
    assert [status for _direction, status, _text in transcript()] == ["received", "failed"]


def test_metas_own_bot_does_not_silence_the_agent(connection, meta, deliver):
    payload = json.loads(meta.business_app_writes(DEMO.phone_number_id, CUSTOMER, "We are closed now"))
    value = payload["entry"][0]["changes"][0]["value"]
    value["message_echoes"][0]["message_creation_type"] = "created_by_1p_bot"
    assert deliver(json.dumps(payload).encode()) == 200
    assert Conversation.objects.get().agent_paused_until is None


def test_an_echo_that_comes_again_pauses_nothing_again(connection, meta, deliver, person_writes):
    body = person_writes()
    Conversation.objects.update(agent_paused_until=None)
    assert deliver(body.replace(b'"object"', b' "object"')) == 200
    assert Conversation.objects.get().agent_paused_until is None


def test_the_status_of_an_echo_may_come_before_it(connection, meta, deliver):
    body = meta.business_app_writes(DEMO.phone_number_id, CUSTOMER, "Hello")
    wamid = json.loads(body)["entry"][0]["changes"][0]["value"]["message_echoes"][0]["id"]
    assert deliver(meta.status_update(wamid, "read")) == 200
    assert deliver(body) == 200
    assert Message.objects.get().status == "read"


def test_an_old_chat_is_imported_in_its_order_and_wakes_nobody(connection, model, meta, deliver, run_jobs, says):
    assert deliver(meta.history(DEMO.phone_number_id, CUSTOMER, 20)) == 200
    run_jobs()
    assert meta.sent == []
    conversation = Conversation.objects.get()
    assert conversation.window_opened_at is None
    assert conversation.messages.count() == 20
    said = conversation.messages.order_by("said_at", "sequence")
    assert [message.author for message in said[:4]] == ["customer", "business"] * 2
    says("Hola")
    run_jobs()
    assert len(meta.sent) == 1
    assert model.requests[-1].body["messages"][-1]["content"] == "Hola"


def test_the_media_of_an_old_chat_come_later(connection, meta, deliver):
    assert deliver(meta.history(DEMO.phone_number_id, CUSTOMER, 5)) == 200
    promised = Message.objects.get(type="media_placeholder")
    payload = json.loads(meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "image", wamid=promised.wamid))
    payload["entry"][0]["changes"][0]["field"] = "history"
    assert deliver(json.dumps(payload).encode()) == 200
    promised.refresh_from_db()
    assert promised.type == "image"
    assert Attachment.objects.get().message == promised
    assert jobs() == 0
