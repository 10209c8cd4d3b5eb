"""Outside the service window a template opens the conversation again; the agent answers what is said to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations import sweeps
from conversations.models import Conversation, Message
from conversations.wording import agent_text, transcript_text
from tests.conftest import connect, jobs, transcript
from tests.conversations.test_takeover import post
from tests.shelf import GREETING, template
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE
from whatsapp.templates import sync

pytestmark = pytest.mark.django_db(transaction=True)
VALUES: dict[str, Any] = {"header": "17", "body": ["Ana", "12 de mayo"], "buttons": ["9"]}
BOOKING = {"name": "booking", "language": "es", **VALUES}
WORDS = "Reserva 17\nHola Ana, le esperamos el 12 de mayo.\nCafé Alameda\n▸ Confirmar\n▸ Ver"


@pytest.fixture
def closed(conversation: Conversation, shelf) -> Conversation:
    """The customer wrote days ago, the agent has answered, and the number's account has templates."""
    shelf.put(template(), template("hello", GREETING), template("hello", GREETING, language="en"))
    sync(conversation.connection)
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


def test_a_template_opens_the_conversation_and_the_agent_answers_what_is_said_to_it(
    closed, api, tenant, send, says, model, shelf, run_jobs
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


def test_what_is_sent_is_what_was_asked_for_with_metas_components(closed, send, shelf, run_jobs):
    content = send(BOOKING).json()["content"]["template"]
    assert {key: content[key] for key in BOOKING} == BOOKING
    run_jobs()
    assert shelf.sent[0]["template"]["components"] == content["components"]
    assert [part["type"] for part in content["components"]] == ["header", "body", "button"]
    assert shelf.sent[0]["template"]["name"] == "booking"
    assert shelf.sent[0]["template"]["language"] == {"code": "es"}
    assert shelf.sent[0]["biz_opaque_callback_data"] == str(Message.objects.get(type="template").pk)


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


def test_a_template_that_wants_nothing_is_sent_with_its_name_alone(closed, send, shelf, run_jobs):
    assert send({"name": "hello", "language": "es"}).status_code == 201
    run_jobs()
    assert shelf.sent[0]["template"] == {"name": "hello", "language": {"code": "es"}, "components": []}


def test_the_same_request_sends_it_once(closed, send, shelf, run_jobs):
    first, again = (send(BOOKING, **{"Idempotency-Key": "k-1"}) for _time in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = send(BOOKING | {"header": "18"}, **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    run_jobs()
    assert len(shelf.sent) == 1


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


def test_the_templates_of_another_account_are_not_this_numbers(closed, tenant, meta, shelf, send):
    other = connect(tenant, meta, 1)
    shelf.put(template("elsewhere", GREETING), waba_id=CATALOGUE[1].waba_id)
    sync(other)
    assert send({"name": "elsewhere", "language": "es"}).json()["code"] == "template_unknown"


def test_the_stranger_sends_none(closed, api, stranger):
    assert post(api(stranger), closed, "messages", {"template": BOOKING}).status_code == 404


def test_a_template_costs_few_queries(closed, send):
    with CaptureQueriesContext(database) as queries:
        assert send(BOOKING).status_code == 201
    assert len(queries) <= 15


# ── What can happen on the way ───────────────────────────────────────────────────────────────────────────────────────


def test_what_was_written_before_it_is_sent_before_it(closed, api, tenant, send, says, meta, run_jobs):
    says("Hola")
    post(api(tenant), closed, "messages", {"text": "Un momento"})
    send({"name": "hello", "language": "es"})
    run_jobs()
    bodies = [message.body for message in meta.sent]
    assert bodies[0] == "Un momento"
    assert '"hello"' in bodies[1]


def test_a_template_waits_while_meta_wants_less_of_the_number(closed, send, shelf, run_jobs):
    closed.connection.throttled(60)
    send(BOOKING)
    run_jobs()
    assert not shelf.sent
    WhatsappConnection.objects.update(throttled_until=None)
    run_jobs(now=True)
    assert len(shelf.sent) == 1


def test_a_template_that_meta_may_have_is_not_sent_again(closed, send, meta, run_jobs):
    meta.fail_next("timeout_after_accept", method_path_regex="/messages")
    send(BOOKING)
    run_jobs()
    run_jobs(now=True)
    assert Message.objects.get(type="template").status == "unknown"
    assert len(meta.sent) == 1


def overdue() -> None:
    Message.objects.filter(type="template").update(status_at=timezone.now() - timedelta(hours=1))
    sweeps.sweep(timestamp=0)


def test_a_tenant_who_wishes_it_has_it_sent_once_more(closed, tenant, send, meta, shelf, run_jobs):
    tenant.resend_unknown = True
    tenant.save()
    meta.fail_next("timeout_after_accept", method_path_regex="/messages")
    send(BOOKING)
    run_jobs()
    overdue()
    run_jobs()
    first, second = shelf.sent
    assert first["template"] == second["template"]
    assert [message.status for message in Message.objects.filter(type="template").order_by("sequence")] == [
        "unknown",
        "sent",
    ]


@pytest.mark.parametrize(("code", "kind"), [(132000, "give_up"), (132001, "tenant_action"), (132015, "tenant_action")])
def test_what_meta_says_against_it_stays_on_it(closed, api, tenant, send, meta, run_jobs, code, kind):
    meta.fail_next(code, method_path_regex="/messages")
    send(BOOKING)
    run_jobs()
    [item, *_others] = api(tenant).get(f"/v1/conversations/{closed.pk}/messages").json()["data"]
    assert (item["status"], item["problem"]["code"], item["problem"]["kind"]) == ("failed", code, kind)


def test_a_template_that_could_not_be_sent_for_a_day_is_not_sent_any_more(closed, api, tenant, send, shelf, run_jobs):
    send(BOOKING)
    Message.objects.filter(type="template").update(created_at=timezone.now() - timedelta(hours=25))
    run_jobs()
    assert not shelf.sent
    [item, *_others] = api(tenant).get(f"/v1/conversations/{closed.pk}/messages").json()["data"]
    assert (item["status"], item["problem"]["kind"]) == ("failed", "give_up")
    assert "for a day" in item["problem"]["what"]
    assert jobs() == 0


def test_a_reply_that_came_too_late_says_that_a_template_can_be_sent(closed, api, tenant):
    closed.append(direction="outbound", author="agent", status="failed", reason="window_closed", text="Sí")
    [item, *_others] = api(tenant).get(f"/v1/conversations/{closed.pk}/messages").json()["data"]
    assert item["problem"]["kind"] == "window"
    assert "template" in item["problem"]["to_do"]


def test_a_template_from_elsewhere_may_come_without_its_words():
    message = Message(type="template", direction="outbound")
    assert "cannot be shown" in agent_text(message)
    assert "template" in transcript_text(message)
