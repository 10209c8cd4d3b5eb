"""What Meta does not take at once: how long we wait, for whom, and what people are told meanwhile."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses
from django.db import connection as database
from django.utils import timezone

from conversations.models import Conversation, Message
from tests.conftest import connect, jobs
from tests.conversations.test_api import URL
from whatsapp.models import GraphExchange, WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_CUSTOMER = "34600000102"
MESSAGES = f"https://graph.facebook.com/v25.0/{DEMO.phone_number_id}/messages"


def our_message() -> Message:
    return Message.objects.get(direction="outbound")


def seconds_to_wait() -> float:
    """Until the one answer in the queue is tried again."""
    with database.cursor() as cursor:
        cursor.execute("SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'answer' AND status = 'todo'")
        [[scheduled_at]] = cursor.fetchall()
    seconds: float = (scheduled_at - timezone.now()).total_seconds()
    return seconds


def sends(meta) -> int:
    return sum(event.title == "graph.send_text" for event in meta.timeline)


def test_the_pair_limit_waits_four_times_longer_with_each_try(connection, model, meta, says, run_jobs):
    meta.fail_next(131056, times=3, method_path_regex="send_text")
    says("Hola")
    waits = []
    for _try in range(3):
        run_jobs(now=True)
        waits.append(seconds_to_wait())
    assert waits == pytest.approx([4, 16, 64], abs=3)
    assert our_message().tries == 3
    run_jobs(now=True)
    assert (our_message().status, our_message().tries, our_message().error_code) == ("sent", 4, None)


def test_the_pair_limit_holds_up_nobody_else(connection, model, meta, says, run_jobs):
    meta.fail_next(131056, method_path_regex="send_text")
    says("Hola")
    run_jobs()
    says("Bon dia", OTHER_CUSTOMER, "Marc")
    run_jobs()
    assert [message.wa_id for message in meta.sent] == [OTHER_CUSTOMER]


@pytest.mark.parametrize("code", [4, 80007, 130429, 613])
def test_a_throttled_number_knocks_once_for_all_its_conversations(code, connection, model, meta, says, run_jobs):
    meta.fail_next(code, method_path_regex="send_text")
    says("Hola")
    run_jobs()
    says("Bon dia", OTHER_CUSTOMER, "Marc")
    run_jobs(now=True)
    assert sends(meta) == 1
    assert set(Message.objects.filter(direction="outbound").values_list("status", flat=True)) == {"drafted"}
    WhatsappConnection.objects.update(throttled_until=timezone.now())
    run_jobs(now=True)
    assert len(meta.sent) == 2


def test_a_draft_that_waits_for_the_number_says_so(connection, model, meta, says, run_jobs, api):
    connection.throttled(60)
    says("Hola")
    run_jobs()
    assert 55 < seconds_to_wait() < 80
    ours, _theirs = api(connection.tenant).get(f"{URL}/{Conversation.objects.get().pk}/messages").json()["data"]
    assert (ours["status"], ours["problem"]["kind"], ours["problem"]["code"]) == ("drafted", "retry", None)
    assert sends(meta) == 0


def test_another_tenants_number_is_not_throttled(connection, stranger, model, meta, deliver, run_jobs):
    connect(stranger, meta, 2)
    connection.throttled(60)
    deliver(meta.customer_writes(CATALOGUE[2].phone_number_id, OTHER_CUSTOMER, "Marc", "Hi"))
    run_jobs()
    assert sends(meta) == our_message().tries == 1


def test_as_long_as_metas_headers_say_nothing_of_the_number_is_sent(connection, model, meta, says, run_jobs):
    usage = {"123": [{"type": "messaging", "estimated_time_to_regain_access": 7}]}
    refusal = {"error": {"code": 80007, "message": "m"}}
    headers = {"X-Business-Use-Case-Usage": json.dumps(usage)}
    with responses.RequestsMock() as mock:
        mock.post(MESSAGES, json={"success": True})  # read, and typing
        mock.post(MESSAGES, json=refusal, status=400, headers=headers)
        says("Hola")
        run_jobs()
    connection.refresh_from_db()
    assert connection.throttled_for == pytest.approx(420, abs=5)
    assert seconds_to_wait() == pytest.approx(420, abs=5)


def test_a_nul_in_metas_words_is_not_stored_and_holds_up_nothing(connection, model, meta, says, run_jobs):
    refusal = {"error": {"code": 100, "message": "a\0b", "fbtrace_id": "c\0d"}}
    with responses.RequestsMock() as mock:
        for _call in ("read, and typing", "the answer"):
            mock.post(MESSAGES, json=refusal, status=400)
        says("Hola")
        run_jobs()
    assert (our_message().status, our_message().error_code) == ("failed", 100)
    assert "ab" in our_message().error
    kept = GraphExchange.objects.values_list("trace_id", "response__error__message")
    assert list(kept) == [("cd", "ab"), ("cd", "ab")]


@pytest.fixture
def no_exchange_can_be_stored(transactional_db: None) -> Iterator[None]:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE whatsapp_graphexchange ADD CONSTRAINT broken CHECK (milliseconds / 0 = 1)")
        yield
        cursor.execute("ALTER TABLE whatsapp_graphexchange DROP CONSTRAINT broken")


@pytest.mark.usefixtures("no_exchange_can_be_stored")
def test_records_of_exchanges_that_cannot_be_stored_cost_no_answer(connection, model, meta, says, run_jobs):
    says("Hola")
    run_jobs()
    assert our_message().status == "sent"
    assert len(model.requests) == 1
    assert not GraphExchange.objects.exists()


def test_a_longer_wait_is_not_made_shorter(connection):
    connection.throttled(600)
    connection.throttled(5)
    assert connection.throttled_for > 500


@pytest.mark.parametrize("code", [1, 131000])
def test_what_may_be_the_request_itself_is_tried_a_few_times(code, connection, model, meta, says, run_jobs):
    meta.fail_next(code, times=99, method_path_regex="send_text")
    says("Hola")
    for _try in range(7):
        run_jobs(now=True)
    assert (our_message().status, our_message().tries, sends(meta)) == ("failed", 5, 5)
    assert jobs() == 0


def test_a_draft_is_not_sent_after_its_window(connection, model, meta, says, run_jobs):
    meta.fail_next("refused", method_path_regex="send_text")
    says("Hola")
    run_jobs()
    assert (our_message().status, our_message().reason) == ("drafted", "unreachable")
    Conversation.objects.update(window_opened_at=timezone.now() - timedelta(hours=24, seconds=1))
    run_jobs(now=True)
    assert (our_message().status, our_message().reason) == ("failed", "window_closed")
    assert meta.sent == []
    assert jobs() == 0


def test_what_held_it_up_is_forgotten_when_it_is_sent(connection, model, meta, says, run_jobs):
    meta.fail_next("refused", method_path_regex="send_text")
    says("Hola")
    run_jobs()
    run_jobs(now=True)
    ours = our_message()
    assert (ours.status, ours.reason, ours.error, ours.error_code, ours.tries) == ("sent", "", "", None, 2)
