"""The whole story of a message, and how it survives what happens in the world."""

import json

import pytest

from agent.models import SystemPrompt
from conversations.media import please_write
from conversations.models import Conversation, Message, WebhookEvent
from conversations.sweeps import queue_left_answers
from tests.conftest import connect, jobs, transcript
from tests.processes import CUSTOMER
from whatsapp.models import WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db(transaction=True)


def simulated(text: str) -> str:
    return f'Simulated answer (no model is behind it). You wrote: "{text}"'


def test_a_customer_writes_and_the_agent_answers(connection, model, meta, says, run_jobs):
    says("¿A qué hora abrís?")
    run_jobs()
    [sent] = meta.sent
    assert sent.body == simulated("¿A qué hora abrís?")
    assert sent.wa_id == CUSTOMER
    assert transcript() == [("inbound", "received", "¿A qué hora abrís?"), ("outbound", "sent", sent.body)]
    assert Conversation.objects.get().answer_due_at is None
    assert jobs() == 0


def test_the_model_is_told_the_active_prompt_and_the_last_messages(connection, model, says, run_jobs):
    tenant = connection.tenant
    tenant.context_messages = 3
    tenant.save()
    for text in ("one", "two", "three"):
        says(text)
        run_jobs()
    asked = model.requests[-1].body
    assert [block["text"] for block in asked["system"]] == ["You answer for Café Alameda."]
    assert [(m["role"], m["content"]) for m in asked["messages"]] == [
        ("user", "two"),
        ("assistant", simulated("two")),
        ("user", "three"),
    ]


def test_the_agent_sees_the_image_that_it_is_asked_about(connection, model, meta, sends, run_jobs):
    sends("image", text="How much is this?")
    run_jobs()
    run_jobs(now=True)
    *_turns, asked = model.requests[-1].body["messages"]
    image, words = asked["content"]
    assert (image["type"], image["source"]["media_type"]) == ("image", "image/jpeg")
    assert "How much is this?" in words["text"]
    assert len(meta.sent) == 1


def test_an_image_that_cannot_be_fetched_delays_the_answer_no_longer_than_its_first_try(
    connection, model, meta, sends, run_jobs
):
    meta.fail_next("html_500", times=20, method_path_regex="get_media")
    sends("image", text="How much is this?")
    run_jobs()
    run_jobs(now=True)
    assert len(meta.sent) == 1
    assert isinstance(model.requests[-1].body["messages"][-1]["content"], str)


def test_a_voice_note_that_nobody_hears_gets_a_polite_reply(connection, model, meta, sends, run_jobs):
    sends("voice")
    run_jobs()
    assert [message.body for message in meta.sent] == [please_write(connection.tenant.language)]
    assert model.requests == []


def test_the_reply_remembers_prompt_model_request_and_tokens(connection, model, says, run_jobs):
    says("Hola")
    run_jobs()
    reply = Message.objects.get(direction="outbound")
    assert reply.system_prompt == SystemPrompt.objects.get(tenant=connection.tenant)
    assert reply.llm_model == model.requests[0].body["model"]
    assert reply.llm_request_id.startswith("req_")
    assert reply.input_tokens
    assert reply.output_tokens
    assert reply.in_reply_to
    assert reply.in_reply_to.text == "Hola"


def test_the_customer_sees_blue_ticks_and_typing_before_the_reply(connection, model, meta, says, run_jobs):
    says("Hola")
    run_jobs()
    calls = [event.title for event in meta.timeline if event.kind == "graph"]
    assert calls == ["graph.mark_read", "graph.send_text"]


def test_statuses_move_the_message_forward_and_never_back(connection, model, meta, says, run_jobs, deliver):
    says("Hola")
    run_jobs()
    sent, delivered, read = meta.status_updates(meta.sent[0].wamid)
    for body in (read, sent, delivered):
        assert deliver(body) == 200
    assert Message.objects.get(direction="outbound").status == "read"


def test_a_failed_status_keeps_metas_reason(connection, model, meta, says, run_jobs, deliver):
    says("Hola")
    run_jobs()
    deliver(meta.failed_update(meta.sent[0].wamid, 131026))
    reply = Message.objects.get(direction="outbound")
    assert (reply.status, reply.error_code) == ("failed", 131026)
    assert reply.error


def test_a_webhook_that_comes_twice_is_answered_once(connection, model, meta, says, run_jobs, deliver):
    body = says("Hola")
    assert deliver(body) == 200
    run_jobs()
    assert deliver(body) == 200
    run_jobs()
    assert len(meta.sent) == 1
    assert WebhookEvent.objects.count() == 1
    assert len(transcript()) == 2


def test_a_message_that_comes_again_in_another_body_is_answered_once(connection, model, meta, says, run_jobs, deliver):
    body = says("Hola")
    assert (
        deliver(meta.combine(body, meta.customer_writes(DEMO.phone_number_id, "34600000102", "Marc", "Bon dia"))) == 200
    )
    run_jobs()
    assert sorted(message.wa_id for message in meta.sent) == [CUSTOMER, "34600000102"]


def test_a_burst_is_answered_once(connection, model, meta, says, run_jobs):
    for text in ("Hola", "una pregunta", "¿abrís hoy?"):
        says(text)
    assert jobs() == 1
    run_jobs()
    assert [message.body for message in meta.sent] == [simulated("Hola una pregunta ¿abrís hoy?")]


def test_a_forged_webhook_is_refused_and_leaves_nothing(connection, meta, deliver):
    body = meta.customer_writes(DEMO.phone_number_id, CUSTOMER, "Lucía", "Hola")
    assert deliver(body, secret="somebody else's") == 401
    assert not WebhookEvent.objects.exists()
    assert not Message.objects.exists()


def test_one_post_of_two_tenants_is_answered_by_each(tenant, stranger, meta, model, deliver, run_jobs):
    connect(tenant, meta, 0)
    connect(stranger, meta, 2)
    meta.answer("POST", f"/v25.0/{CATALOGUE[2].phone_number_id}/register", {}, {}, {})
    same = "wamid.the-same-for-both"
    mine = meta.customer_writes(CATALOGUE[0].phone_number_id, CUSTOMER, "Lucía", "para el café", same)
    theirs = meta.customer_writes(CATALOGUE[2].phone_number_id, CUSTOMER, "Lucía", "for the bikes", same)
    assert deliver(meta.combine(mine, theirs)) == 200
    run_jobs()
    for owner, said in ((tenant, "para el café"), (stranger, "for the bikes")):
        conversation = Conversation.objects.get(tenant=owner)
        assert transcript(conversation)[0] == ("inbound", "received", said)
    prompts = {request.body["messages"][0]["content"]: request.body["system"][0]["text"] for request in model.requests}
    assert prompts == {
        "para el café": "You answer for Café Alameda.",
        "for the bikes": "You answer for Northwind Bikes.",
    }


def test_a_number_that_is_not_connected_is_ignored_and_counted(tenant, meta, deliver):
    body = meta.customer_writes(DEMO.phone_number_id, CUSTOMER, "Lucía", "Hola")
    assert deliver(body) == 200
    assert WebhookEvent.objects.get().outcome == {"ignored: the number is not connected": 1}
    assert not Message.objects.exists()


@pytest.mark.parametrize("trouble", [429, 500, 529, 401, "bad_json"])
def test_a_model_outage_delays_the_answer_and_loses_nothing(trouble, connection, model, meta, says, run_jobs):
    model.fail_next(trouble)
    says("Hola")
    run_jobs()
    assert not meta.sent
    assert jobs() == 1
    run_jobs(now=True)
    assert [message.body for message in meta.sent] == [simulated("Hola")]


@pytest.mark.parametrize("trouble", ["refused", 131056, 130429, 131016, 4])
def test_a_meta_outage_delays_the_answer_and_pays_the_model_once(trouble, connection, model, meta, says, run_jobs):
    meta.fail_next(trouble, method_path_regex="send_text")
    says("Hola")
    run_jobs()
    assert transcript()[1][1] == "drafted"
    assert jobs() == 1
    WhatsappConnection.objects.update(throttled_until=None)
    run_jobs(now=True)
    assert transcript()[1][1] == "sent"
    assert len(model.requests) == len(meta.sent) == 1


@pytest.mark.parametrize("trouble", ["timeout_after_accept", "html_500"])
def test_a_send_without_a_clear_answer_is_unknown_and_never_sent_again(
    trouble, connection, model, meta, says, run_jobs
):
    meta.fail_next(trouble, method_path_regex="send_text")
    says("Hola")
    run_jobs()
    run_jobs(now=True)
    assert transcript()[1][1] == "unknown"
    assert jobs() == 0
    assert sum(event.title == "graph.send_text" for event in meta.timeline) == 1


def test_a_status_tells_what_became_of_an_unknown_send(connection, model, meta, says, run_jobs, deliver):
    meta.fail_next("timeout_after_accept", method_path_regex="send_text")
    says("Hola")
    run_jobs()
    deliver(meta.status_updates(meta.sent[0].wamid)[1])
    reply = Message.objects.get(direction="outbound")
    assert (reply.status, reply.wamid) == ("delivered", meta.sent[0].wamid)


def test_a_rejected_token_stops_sending_until_the_number_is_connected_again(connection, model, meta, says, run_jobs):
    meta.fail_next(190, method_path_regex="send_text")
    says("Hola")
    run_jobs()
    connection.refresh_from_db()
    assert connection.status == WhatsappConnection.Status.RECONNECT
    assert transcript()[1][1] == "drafted"
    says("¿Hay alguien?")
    assert Conversation.objects.get().answer_due_at is not None
    connection.connected()
    Conversation.objects.update(answer_due_at="2026-01-01T00:00Z")
    queue_left_answers()
    run_jobs()
    assert [message.body for message in meta.sent] == [simulated("Hola"), simulated("¿Hay alguien?")]


@pytest.mark.parametrize(("code", "status"), [(131047, "failed"), (131026, "failed"), (131042, "failed")])
def test_what_meta_will_not_send_is_failed_with_its_code(code, status, connection, model, meta, says, run_jobs):
    meta.fail_next(code, method_path_regex="send_text")
    says("Hola")
    run_jobs()
    reply = Message.objects.get(direction="outbound")
    assert (reply.status, reply.error_code) == (status, code)
    assert jobs() == 0


def test_a_refusing_model_declines_in_the_tenants_language(connection, model, meta, says, run_jobs):
    model.fail_next("refusal")
    says("Hola")
    run_jobs()
    assert meta.sent[0].body == "Lo siento, no puedo ayudarle con esto por aquí. Por favor, contáctenos por otra vía."
    assert "general_harms" in Message.objects.get(direction="outbound").note


@pytest.mark.parametrize("trouble", ["empty", "unknown_block", 400])
def test_a_model_that_gives_up_leaves_a_failed_reply_with_its_reason(trouble, connection, model, meta, says, run_jobs):
    model.fail_next(trouble)
    says("Hola")
    run_jobs()
    reply = Message.objects.get(direction="outbound")
    assert reply.status == "failed"
    assert reply.error
    assert not meta.sent


def test_without_an_active_prompt_the_agent_is_silent_and_says_why(connection, model, meta, says, run_jobs):
    SystemPrompt.objects.update(is_active=False)
    says("Hola")
    run_jobs()
    assert Message.objects.get(direction="outbound").error == "The tenant has no active system prompt."
    assert not meta.sent
    assert not model.requests


def test_a_message_older_than_the_window_is_kept_and_not_answered(connection, model, meta, deliver, run_jobs):
    body = meta.customer_writes(DEMO.phone_number_id, CUSTOMER, "Lucía", "Hola")
    payload = json.loads(body)
    payload["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = "1760000000"
    assert deliver(json.dumps(payload).encode()) == 200
    assert transcript() == [("inbound", "received", "Hola")]
    assert jobs() == 0
