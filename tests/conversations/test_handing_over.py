"""The agent hands over: because the customer asks for a person, or because the model finds that it must."""

import pytest

from conversations.models import Conversation, Message

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_customer_who_asks_for_a_person_is_told_that_one_comes_and_the_model_is_not_asked(
    connection, model, meta, says, run_jobs
):
    says("Quiero hablar con una persona")
    run_jobs()
    [sent] = meta.sent
    assert "persona" in sent.body
    assert model.requests == []
    conversation = Conversation.objects.get()
    assert conversation.is_paused
    assert conversation.person_due_at


def test_the_model_can_hand_over_by_its_tool(connection, model, meta, says, run_jobs):
    model.fail_next("hand_over")
    says("Esto no lo sabe nadie")
    run_jobs()
    assert [tool["name"] for tool in model.requests[0].body["tools"]] == ["hand_over_to_person"]
    assert len(meta.sent) == 1
    assert Conversation.objects.get().paused_reason == "Simulated"
    assert Message.objects.get(direction="outbound").note == "Simulated"


def test_after_a_handover_the_agent_is_silent(connection, model, meta, says, run_jobs):
    says("agente humano por favor")
    run_jobs()
    says("¿hola?")
    run_jobs()
    assert len(meta.sent) == 1
