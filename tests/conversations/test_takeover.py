"""A person of the business writes through the API, silences the agent and hands back; the stranger can do nothing."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Decision, Message
from conversations.sweeps import queue_left_words
from tenants.models import Membership
from tests.conftest import jobs, transcript
from tests.test_story import simulated
from whatsapp.models import WhatsappConnection

pytestmark = pytest.mark.django_db(transaction=True)
DOORS = {"messages": {"text": "Hi"}, "pause": {"minutes": 5}, "resume": {}}


def post(client: Client, conversation: Conversation, door: str, body: object = None, **headers: str) -> Any:
    url = f"/v1/conversations/{conversation.pk}/{door}"
    return client.post(url, {} if body is None else body, "application/json", headers=headers)


@pytest.fixture
def write(api, tenant):
    """A program of the tenant's writes for a person."""
    client = api(tenant)

    def write(text: object, **headers: str) -> Any:
        return post(client, Conversation.objects.get(), "messages", {"text": text}, **headers)

    return write


def shown(api, tenant) -> dict[str, Any]:
    data: list[dict[str, Any]] = api(tenant).get("/v1/conversations").json()["data"]
    return data[0]


# ── A person writes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_writes_and_the_customer_reads_it(conversation, model, meta, write, run_jobs):
    answer = write(" I take care of it ")
    assert answer.status_code == 201
    written = answer.json()
    assert (written["author"], written["status"], written["text"]) == ("business", "drafted", "I take care of it")
    assert (written["written_through"], written["written_by"]) == ("api", "test")
    run_jobs()
    assert [message.body for message in meta.sent] == ["I take care of it"]
    assert not model.requests
    assert transcript()[-1] == ("outbound", "sent", "I take care of it")


def test_a_member_writes_under_their_own_name(conversation, meta, tenant, client):
    user = get_user_model().objects.create_user("ana", first_name="Ana", last_name="Ruiz")
    Membership.objects.create(user=user, tenant=tenant)
    client.force_login(user)
    assert post(client, conversation, "messages", {"text": "Hola"}).json()["written_by"] == "Ana Ruiz"
    conversation.refresh_from_db()
    assert conversation.paused_by_name == "Ana Ruiz"


def test_what_a_person_writes_silences_the_agent_and_answers_what_was_said(conversation, tenant, write, api):
    tenant.pause_minutes = 30
    tenant.save()
    write("I take care of it")
    conversation.refresh_from_db()
    assert not conversation.unheard().exists()
    assert timedelta(minutes=29) < conversation.agent_paused_until - timezone.now() < timedelta(minutes=31)
    said = shown(api, tenant)
    assert (said["paused_by"], said["paused_by_name"], said["person_due"]) == ("api", "test", False)


def test_a_persons_words_are_sent_while_the_agent_is_silent(conversation, model, meta, write, says, run_jobs):
    write("One moment")
    says("Thanks")
    write("Here I am")
    run_jobs()
    assert [message.body for message in meta.sent] == ["One moment", "Here I am"]
    assert not model.requests


def test_a_persons_words_drop_what_the_agent_was_thinking_of(connection, model, meta, says, write, run_jobs):
    def somebody_writes(*facts: object) -> None:
        model.observe = None
        write("I take care of it")
        database.close()  # this is the model's thread

    model.observe = somebody_writes
    says("Hola")
    run_jobs()
    assert [message.body for message in meta.sent] == ["I take care of it"]
    assert sorted(status for _direction, status, _text in transcript()) == ["received", "sent"]
    assert "taken_over" in Decision.objects.values_list("word", flat=True)
    assert not Conversation.objects.get().unheard().exists()


@pytest.mark.parametrize("text", [0, True, None, ["Hi"], {"a": 1}, "", "  ", "x" * 4097, "a\0b"])
def test_only_words_that_whatsapp_takes_are_written(conversation, write, text):
    answer = write(text)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"text"}
    assert Message.objects.count() == 1


@pytest.mark.parametrize("body", ["[]", '"Hi"', "{", "null"])
def test_an_odd_body_is_refused(conversation, tenant, api, body):
    for headers in ({}, {"Idempotency-Key": "a"}):
        assert post(api(tenant), conversation, "messages", body, **headers).status_code == 400
    assert Message.objects.count() == 1


@pytest.mark.parametrize("opened", [None, timedelta(hours=25)])
def test_outside_the_window_it_is_said_what_to_do(conversation, write, opened):
    Conversation.objects.update(window_opened_at=opened and timezone.now() - opened)
    answer = write("Hi")
    assert (answer.status_code, answer.json()["code"]) == (409, "outside_service_window")
    assert "template" in answer.json()["detail"]
    assert not Conversation.objects.get().is_paused
    assert Message.objects.count() == 1


@pytest.mark.parametrize("status", ["PENDING", "RESTRICTED", "RECONNECT", "DISCONNECTED"])
def test_without_a_connected_number_it_is_said_what_to_do(conversation, write, status):
    WhatsappConnection.objects.update(status=status)
    answer = write("Hi")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_connected")
    assert len(answer.json()["detail"]) > 40
    assert Message.objects.count() == 1


def test_what_a_person_wrote_goes_out_when_the_number_is_connected_again(conversation, meta, write, run_jobs):
    meta.fail_next(190, times=9, method_path_regex="send_text")
    write("I take care of it")
    run_jobs()
    assert transcript()[-1][1] == "drafted"
    meta.armed.clear()
    conversation.connection.connected()
    queue_left_words()
    assert jobs("send_drafts") == 0
    Message.objects.update(status_at=timezone.now() - timedelta(minutes=1))
    queue_left_words()
    queue_left_words()
    assert jobs("send_drafts") == 1
    run_jobs()
    assert [message.body for message in meta.sent] == ["I take care of it"]


# ── Pause and hand back ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_agent_is_silenced_and_resumed_and_knows_what_the_person_said(
    conversation, model, meta, tenant, api, write, says, run_jobs
):
    write("The table is booked for nine")
    says("And the terrace?")
    run_jobs()
    assert len(meta.sent) == 1
    resumed = post(api(tenant), conversation, "resume").json()
    assert (resumed["agent_paused_until"], resumed["paused_by"], resumed["answer_due"]) == (None, None, True)
    run_jobs()
    assert meta.sent[-1].body == simulated("And the terrace?")
    said = [(turn["role"], turn["content"]) for turn in model.requests[-1].body["messages"]]
    assert said == [("user", "Hola"), ("assistant", "The table is booked for nine"), ("user", "And the terrace?")]


def test_when_a_person_has_answered_nothing_is_owed_after_all(conversation, model, meta, tenant, api, write, run_jobs):
    write("I take care of it")
    run_jobs()
    post(api(tenant), conversation, "resume")
    run_jobs()
    assert len(meta.sent) == 1
    assert not model.requests
    assert shown(api, tenant)["answer_due"] is False


def test_what_the_agent_was_about_to_say_is_said_after_the_pause_when_nobody_has(
    connection, model, meta, tenant, api, says, run_jobs
):
    def somebody_silences(*facts: object) -> None:
        model.observe = None
        post(api(tenant), Conversation.objects.get(), "pause", {"minutes": 5})
        database.close()  # this is the model's thread

    model.observe = somebody_silences
    says("Hola")
    run_jobs()
    assert meta.sent == []
    post(api(tenant), Conversation.objects.get(), "resume")
    run_jobs()
    assert [message.body for message in meta.sent] == [simulated("Hola")]


@pytest.mark.parametrize(("body", "minutes"), [({"minutes": 5}, 5), ({"minutes": None}, 720), ({}, 720)])
def test_the_agent_is_silenced_for_as_long_as_is_said(conversation, tenant, api, body, minutes):
    post(api(tenant), conversation, "pause", {"minutes": 9000})
    answer = post(api(tenant), conversation, "pause", body)
    assert (answer.status_code, answer.json()["paused_by"]) == (200, "api")
    conversation.refresh_from_db()
    until = timezone.now() + timedelta(minutes=minutes)
    assert abs(conversation.agent_paused_until - until) < timedelta(minutes=1)


def test_who_asks_for_silence_gets_it_even_where_words_do_not_silence(conversation, tenant, api):
    tenant.pause_minutes = 0
    tenant.save()
    assert post(api(tenant), conversation, "pause").json()["agent_paused_until"]


@pytest.mark.parametrize("minutes", [0, -1, 60 * 24 * 30 + 1, "soon", True, 10**30])
def test_a_pause_has_a_sensible_length(conversation, tenant, api, minutes):
    assert post(api(tenant), conversation, "pause", {"minutes": minutes}).status_code == 400
    assert not Conversation.objects.get().is_paused


def test_to_resume_again_is_harmless(conversation, model, meta, tenant, api, run_jobs):
    for _again in range(3):
        assert post(api(tenant), conversation, "resume").status_code == 200
    run_jobs()
    assert len(meta.sent) == len(model.requests) == 1
    assert post(api(tenant), conversation, "resume").json()["answer_due"] is False
    assert jobs() == 0


@pytest.mark.parametrize("door", DOORS)
def test_the_stranger_can_neither_write_nor_silence_nor_resume(conversation, stranger, api, door):
    before = Conversation.objects.values().get()
    assert post(api(stranger), conversation, door, DOORS[door]).status_code == 404
    assert Conversation.objects.values().get() == before
    assert Message.objects.count() == 1


# ── Once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_key_writes_once_and_is_answered_alike(conversation, meta, write, run_jobs):
    key = {"Idempotency-Key": "order-7"}
    first, again = write("Hi", **key), write("Hi", **key)
    assert first.json() == again.json()
    assert first.status_code == again.status_code == 201
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    run_jobs()
    assert [message.body for message in meta.sent] == ["Hi"]


def test_another_body_with_the_same_key_is_refused(conversation, write):
    write("Hi", **{"Idempotency-Key": "order-7"})
    answer = write("Bye", **{"Idempotency-Key": "order-7"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Message.objects.count() == 2


def test_a_refusal_is_not_kept(conversation, write):
    key = {"Idempotency-Key": "order-7"}
    WhatsappConnection.objects.update(status="RECONNECT")
    assert write("Hi", **key).status_code == 409
    WhatsappConnection.objects.update(status="CONNECTED")
    assert write("Hi", **key).status_code == 201


def test_two_at_once_write_once(conversation, write):
    """The second comes while the first writes its message."""
    second: list[Any] = []

    def write_too() -> None:
        second.append(write("Hi", **{"Idempotency-Key": "order-7"}))
        database.close()

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if "INSERT INTO conversations_message" in sql and not second:
            thread = threading.Thread(target=write_too)
            thread.start()
            thread.join()
        return execute(sql, *rest)

    with database.execute_wrapper(meanwhile):
        assert write("Hi", **{"Idempotency-Key": "order-7"}).status_code == 201
    assert (second[0].status_code, second[0].json()["code"]) == (409, "still_running")
    assert second[0].headers["Retry-After"] == "1"
    assert Message.objects.count() == 2


def test_two_tenants_may_choose_the_same_key(conversation, stranger, write, api):
    assert post(api(stranger), conversation, "messages", {"text": "Hi"}, **{"Idempotency-Key": "1"}).status_code == 404
    assert write("Hi", **{"Idempotency-Key": "1"}).status_code == 201


@pytest.mark.parametrize("key", ["x" * 256, "a b", "ñ"])
def test_an_odd_key_is_refused(conversation, write, key):
    assert write("Hi", **{"Idempotency-Key": key}).status_code == 400
