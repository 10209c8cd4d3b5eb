"""The customer asks for a person: who is heard to, what they are told, and who is silent until when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import handover
from conversations.models import Attachment, Conversation, Message
from conversations.reasons import ASKED
from tests.conftest import jobs
from tests.conversations.test_echoes import person_writes  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)
ASKING = ["I want to speak to a person", "HUMAN AGENT!!", "Quiero hablar con una persóna, por favor", "agente  humano"]
NOT_ASKING = ["Hola", "", "A table for one person", "inhuman agents", "¿habláis con personas?"]


def asks(tenant, *texts: str) -> bool:
    return handover.is_asked_for([Message(text=text) for text in texts], tenant)


@pytest.mark.parametrize("text", ASKING)
def test_who_asks_for_a_person_is_understood(tenant, text):
    assert asks(tenant, text)
    assert asks(tenant, "Hola", text)


@pytest.mark.parametrize("text", NOT_ASKING)
def test_who_does_not_ask_is_not_handed_over(tenant, text):
    assert not asks(tenant, text)


def test_a_tenant_has_phrases_of_its_own(tenant):
    tenant.handover_phrases = "  Pásame con Marta \r\n\r\n???\n"
    assert asks(tenant, "pasame con MARTA")
    assert not asks(tenant, ASKING[0])
    assert not asks(tenant, "Hola")
    tenant.handover_phrases = " \n "
    assert asks(tenant, ASKING[0])


def test_who_asks_by_voice_is_understood_too(tenant, attached):
    attachment = attached("audio")
    assert not handover.is_asked_for([attachment.message], tenant)
    Attachment.objects.update(transcript="Quiero hablar con una persona")
    assert handover.is_asked_for([Message.objects.get()], tenant)


@pytest.fixture
def handed_over(conversation, tenant) -> Conversation:
    tenant.language = "en"
    tenant.save()
    handover.hand_over(conversation, conversation.messages.get(), ASKED)
    return Conversation.objects.get()


def test_the_customer_is_told_and_the_agent_is_silent(handed_over, model, meta, says, run_jobs):
    says("Hello?")
    run_jobs()
    assert [message.body for message in meta.sent] == [
        "A person of our team will answer you here. Please wait a moment."
    ]
    assert not model.requests
    assert (handed_over.paused_by, handed_over.paused_reason) == ("handover", ASKED)
    assert handed_over.person_due_at
    message = Message.objects.get(direction="outbound")
    assert (message.author, message.written_through, message.note) == ("agent", "handover", ASKED)


def test_the_customer_is_told_in_the_tenants_words(conversation, tenant, meta, run_jobs):
    tenant.handover_message = "Marta viene."
    tenant.pause_minutes = 0
    tenant.save()
    handover.hand_over(conversation, conversation.messages.get(), ASKED)
    run_jobs()
    assert [message.body for message in meta.sent] == ["Marta viene."]
    assert Conversation.objects.get().is_paused


def test_handing_over_twice_tells_once(handed_over, meta, run_jobs):
    handover.hand_over(handed_over, handed_over.messages.get(direction="inbound"), "Again")
    run_jobs()
    assert len(meta.sent) == 1


def test_nobody_is_handed_over_once_a_person_speaks(conversation, meta, person_writes):  # noqa: F811
    person_writes()
    handover.hand_over(conversation, conversation.messages.get(direction="inbound"), ASKED)
    conversation.refresh_from_db()
    assert (conversation.paused_by, conversation.person_due_at) == ("echo", None)


def test_a_person_who_is_faster_than_the_sentence_makes_it_needless(handed_over, meta, person_writes, run_jobs):  # noqa: F811
    person_writes()
    run_jobs()
    assert meta.sent == []


def test_a_person_who_writes_ends_the_wait(handed_over, person_writes):  # noqa: F811
    person_writes()
    handed_over.refresh_from_db()
    assert (handed_over.person_due_at, handed_over.paused_by) == (None, "echo")


def test_the_wait_does_not_end_with_the_silence(handed_over, api, tenant):
    Conversation.objects.update(agent_paused_until=timezone.now() - timedelta(minutes=1))
    [shown] = api(tenant).get("/v1/conversations").json()["data"]
    assert (shown["person_due"], shown["paused_by"], shown["paused_reason"]) == (True, None, "")
    api(tenant).post(f"/v1/conversations/{handed_over.pk}/resume")
    assert Conversation.objects.get().person_due_at is None


def test_a_handover_is_not_answered_again_when_it_is_handed_back(handed_over, model, meta, api, tenant, run_jobs):
    run_jobs()
    api(tenant).post(f"/v1/conversations/{handed_over.pk}/resume")
    run_jobs()
    assert len(meta.sent) == 1
    assert not model.requests
    assert jobs() == 0
