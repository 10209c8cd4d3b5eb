"""Outside the service window a template opens the conversation again; the agent answers what is said to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation, Message
from tests.conftest import connect, transcript
from tests.conversations.test_takeover import post
from tests.templates import GREETING, template
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE, DEMO, Meta
from whatsapp.templates import sync

pytestmark = pytest.mark.django_db(transaction=True)
VALUES: dict[str, Any] = {"header": "17", "body": ["Ana", "12 de mayo"], "buttons": ["9"]}
BOOKING = {"name": "booking", "language": "es", **VALUES}
WORDS = "Reserva 17\nHola Ana, le esperamos el 12 de mayo.\nCafé Alameda\n▸ Confirmar\n▸ Ver"


@pytest.fixture
def closed(conversation: Conversation, meta) -> Conversation:
    """The customer wrote days ago, the agent has answered, and the number's account has templates."""
    meta.write_templates(DEMO, template(), template("hello", GREETING), template("hello", GREETING, language="en"))
    sync(conversation.connection)
    number, customer = conversation.connection.phone_number_id, conversation.whatsapp_user.wa_id
    meta.memory.record("window_closed", phone_number_id=number, wa_id=customer)
    days_ago = timezone.now() - timedelta(days=3)
    Message.objects.update(wants_answer=False, said_at=days_ago)
    Conversation.objects.update(window_opened_at=days_ago, answer_due_at=None)
    conversation.refresh_from_db()
    return conversation


@pytest.fixture
def send(api, tenant):
    """A program of the tenant's sends a template for a person."""
    client = api(tenant)

    def send(asked: object, **headers: str) -> Any:
        return post(client, Conversation.objects.get(), "messages", {"template": asked}, **headers)

    return send


def asked_of(meta: Meta) -> list[dict[str, Any]]:
    """What Meta was asked for, template by template."""
    return [event.request["parameters"] for event in meta.timeline if event.title == "graph.send_template"]


def test_a_template_opens_the_conversation_and_the_agent_answers_what_is_said_to_it(
    closed, api, tenant, send, says, model, meta, run_jobs
):
    assert post(api(tenant), closed, "messages", {"text": "Hola"}).json()["code"] == "outside_service_window"
    assert send(BOOKING).status_code == 201
    run_jobs()
    assert transcript()[-1] == ("outbound", "sent", WORDS)
    assert not model.requests
    says("Sí, gracias")
    run_jobs()
    assert Message.objects.get(author="agent").status == "sent"
    assert "Hola Ana, le esperamos el 12 de mayo." in str(model.requests[-1])


def test_a_template_is_a_message_of_the_persons_with_the_words_that_the_customer_reads(closed, send):
    written = send(BOOKING).json()
    assert (written["type"], written["text"], written["transcript"]) == ("template", WORDS, WORDS)
    assert (written["author"], written["status"]) == ("business", "drafted")
    assert (written["written_through"], written["written_by"]) == ("api", "test")


def test_what_is_sent_is_what_was_asked_for_with_metas_components(closed, send, meta, run_jobs):
    content = send(BOOKING).json()["content"]["template"]
    assert {key: content[key] for key in BOOKING} == BOOKING
    run_jobs()
    [asked] = asked_of(meta)
    language = {"code": "es"}
    assert asked["template"] == {"name": "booking", "language": language, "components": content["components"]}
    assert [part["type"] for part in content["components"]] == ["header", "body", "button"]
    assert asked["biz_opaque_callback_data"] == str(Message.objects.get(type="template").pk)
    [sent] = meta.sent
    assert (sent.template["header"]["text"], sent.body) == ("Reserva 17", "Hola Ana, le esperamos el 12 de mayo.")
    assert sent.template["buttons"][1]["url"] == "https://example.com/r/9"


def test_a_template_does_not_silence_the_agent_nor_answer_what_was_said(closed, send, says):
    says("¿Siguen ahí?")
    send(BOOKING)
    closed.refresh_from_db()
    assert not closed.is_paused
    assert closed.unheard().count() == 1


def test_where_the_agent_is_silent_already_it_stays_so(closed, api, tenant, send, says, model, meta, run_jobs):
    post(api(tenant), closed, "pause", {"minutes": 60})
    send(BOOKING)
    says("Sí")
    run_jobs()
    assert transcript()[1] == ("outbound", "sent", WORDS)
    assert not model.requests


def test_the_window_stays_closed_until_the_customer_writes(closed, api, tenant, send, run_jobs):
    send(BOOKING)
    run_jobs()
    assert post(api(tenant), closed, "messages", {"text": "Hola"}).json()["code"] == "outside_service_window"


def test_a_template_that_wants_nothing_is_sent_with_its_name_alone(closed, send, meta, run_jobs):
    assert send({"name": "hello", "language": "es"}).status_code == 201
    run_jobs()
    assert asked_of(meta)[0]["template"] == {"name": "hello", "language": {"code": "es"}, "components": []}


def test_the_same_request_sends_it_once(closed, send, meta, run_jobs):
    first, again = (send(BOOKING, **{"Idempotency-Key": "k-1"}) for _time in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = send(BOOKING | {"header": "18"}, **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    run_jobs()
    assert len(meta.sent) == 1


# ── What cannot be sent ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"name": "hello", "language": "fr"}, "no template hello in the language fr. It exists in: en, es."),
        ({"name": "helo", "language": "es"}, "no template helo in the language es. Is one of these meant? hello"),
        ({"name": "zzz", "language": "es"}, "Look at the list of templates"),
    ],
)
def test_a_template_that_there_is_not_is_refused_with_what_may_be_meant(closed, send, asked, told):
    answer = send(asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "template_unknown")
    assert told in answer.json()["detail"]
    assert not Message.objects.filter(type="template").exists()


@pytest.mark.parametrize("status", ["PENDING", "REJECTED", "PAUSED", "DISABLED", "ARCHIVED"])
def test_only_what_meta_has_approved_is_sent(closed, send, status):
    MessageTemplate.objects.update(status=status)
    answer = send(BOOKING)
    assert (answer.status_code, answer.json()["code"]) == (409, "template_not_approved")
    assert f"its status is {status}. Choose another template" in answer.json()["detail"]


def test_what_cannot_be_filled_in_here_is_refused(closed, send):
    MessageTemplate.objects.update(components=[{"type": "BODY", "text": "Mire"}, {"type": "CAROUSEL"}])
    answer = send({"name": "booking", "language": "es"})
    assert (answer.status_code, answer.json()["code"]) == (409, "template_not_supported")
    assert "CAROUSEL" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"body": ["Ana"]}, {"template": {"body": ["Values are missing: {{2}}. 2 wanted."]}}),
        ({"buttons": ["1", "2"]}, {"template": {"buttons": ["Too many values: 1 wanted, 2 given."]}}),
        (
            {"body": {"name": "Ana"}},
            {"template": {"body": ["The values of this template have no names: give a list."]}},
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(closed, send, values, errors):
    answer = send(BOOKING | values)
    assert (answer.status_code, answer.json()["errors"]) == (400, errors)
    assert not Message.objects.filter(type="template").exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "Hi", "template": BOOKING},
        {"template": {}},
        {"template": {"name": "booking"}},
        {"template": "booking"},
        {"template": None},
        {"template": BOOKING | {"body": "Ana"}},
        {"template": BOOKING | {"body": [7]}},
        {"template": BOOKING | {"body": {"1": None}}},
        {"template": BOOKING | {"body": None}},
        {"template": BOOKING | {"header": {"link": "x"}}},
        {"template": BOOKING | {"buttons": "9"}},
        {"template": BOOKING | {"buttons": ["x" * 2001]}},
        {"template": BOOKING | {"body": ["a\0b", "c"]}},
    ],
)
def test_what_is_no_request_is_refused(closed, api, tenant, body):
    answer = post(api(tenant), closed, "messages", body)
    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert not Message.objects.filter(type="template").exists()


def test_a_number_that_is_not_connected_sends_none(closed, send):
    WhatsappConnection.objects.get().access_lost("gone")
    answer = send(BOOKING)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_connected")


def test_the_templates_of_another_account_are_not_this_numbers(closed, tenant, meta, send):
    other = connect(tenant, meta, 1)
    meta.write_templates(CATALOGUE[1], template("elsewhere", GREETING))
    sync(other)
    assert send({"name": "elsewhere", "language": "es"}).json()["code"] == "template_unknown"


def test_the_stranger_sends_none(closed, api, stranger):
    assert post(api(stranger), closed, "messages", {"template": BOOKING}).status_code == 404


def test_a_template_costs_few_queries(closed, send):
    with CaptureQueriesContext(database) as queries:
        assert send(BOOKING).status_code == 201
    assert len(queries) <= 15
