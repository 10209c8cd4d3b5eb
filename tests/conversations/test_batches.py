"""Many items in one POST: each is stored once, in the order it was said, and a poisoned one costs no other."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from conversations import accepting, inbound
from conversations.models import Conversation, Message, WebhookEvent
from conversations.sweeps import process_left_events
from tests.conftest import connect, jobs
from tests.processes import CUSTOMER
from whatsapp.sandbox.meta import CATALOGUE, DEMO, Meta

pytestmark = pytest.mark.django_db(transaction=True)


def batch(meta: Meta, size: int, customers: int = 1) -> bytes:
    bodies = [
        meta.customer_sends(DEMO.phone_number_id, str(34600100000 + n % customers), "L", "text", text=f"No. {n}")
        for n in range(size)
    ]
    return meta.combine(*bodies)


def test_a_thousand_messages_of_two_hundred_customers(connection, meta, deliver, django_assert_max_num_queries):
    body = batch(meta, 1000, customers=200)
    with django_assert_max_num_queries(30):
        assert deliver(body) == 200
    assert Message.objects.count() == 1000
    assert Conversation.objects.count() == jobs() == 200
    assert WebhookEvent.objects.get().outcome == {"message": 1000}
    for conversation in Conversation.objects.all()[:3]:
        numbers = [
            int(text.split()[-1]) for text in conversation.messages.order_by("sequence").values_list("text", flat=True)
        ]
        assert numbers == sorted(numbers)


def test_one_poisoned_message_is_set_aside_and_the_others_are_stored(connection, meta, deliver):
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE conversations_message ADD CONSTRAINT poison CHECK (text <> 'No. 61')")
    try:
        assert deliver(batch(meta, 100, customers=7)) == 200
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE conversations_message DROP CONSTRAINT poison")
    event = WebhookEvent.objects.get()
    assert event.outcome == {"message": 99, "failed": 1}
    assert "IntegrityError" in event.error
    inbound.process([event], again=True)
    assert event.outcome == {"duplicate message": 99, "message": 1}
    assert event.error == ""
    assert Message.objects.count() == 100


def test_order_within_a_conversation_is_by_metas_time_and_then_by_arrival(connection, meta, deliver):
    said = [("late", 30), ("first", 10), ("second", 10), ("third", 20)]
    now = int(meta.clock()) - 100
    bodies = [
        meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "text", text=text, at=now + seconds)
        for text, seconds in said
    ]
    assert deliver(meta.combine(*bodies)) == 200
    assert list(Message.objects.order_by("sequence").values_list("text", flat=True)) == [
        "first",
        "second",
        "third",
        "late",
    ]


def test_the_same_message_twice_in_one_body_is_stored_once(connection, meta, deliver):
    body = batch(meta, 1)
    assert deliver(meta.combine(body, body)) == 200
    assert WebhookEvent.objects.get().outcome == {"message": 1, "duplicate message": 1}


def test_one_body_may_speak_of_two_tenants_and_of_a_number_that_is_nobodys(connection, stranger, meta, deliver):
    theirs = connect(stranger, meta, 2)
    bodies = [
        meta.customer_sends(business.phone_number_id, CUSTOMER, "L", "text", wamid="wamid.SAME")
        for business in (CATALOGUE[0], CATALOGUE[2], CATALOGUE[3])
    ]
    assert deliver(meta.combine(*bodies)) == 200
    assert {message.tenant for message in Message.objects.all()} == {connection.tenant, theirs.tenant}
    outcome = WebhookEvent.objects.get().outcome
    assert outcome == {"message": 2, "ignored: the number is not connected": 1}


def test_what_is_too_much_for_a_request_is_done_by_a_job(connection, meta, deliver, run_jobs, monkeypatch):
    monkeypatch.setattr(inbound, "MOST_IN_REQUEST", 3)
    assert deliver(meta.history(DEMO.phone_number_id, CUSTOMER, 10)) == 200
    assert not Message.objects.exists()
    run_jobs()
    assert Message.objects.count() == 10


def test_a_connection_that_breaks_when_the_answer_is_queued_costs_nothing(connection, meta, deliver):
    broken: list[str] = []

    def breaks_once(execute, sql, params, many, context):
        if "procrastinate_defer_jobs" in str(sql) and not broken:
            broken.append(sql)
            axe = database.copy()
            with axe.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [database.connection.info.backend_pid])
            axe.close()
        return execute(sql, params, many, context)

    with database.execute_wrapper(breaks_once):
        assert deliver(batch(meta, 1)) == 200
    event = WebhookEvent.objects.get()
    assert broken
    assert (event.outcome, event.error) == ({"message": 1}, "")
    assert Message.objects.count() == jobs() == 1


def test_what_a_job_is_at_is_left_alone_by_the_sweep(connection, meta):
    [event], _known = accepting.accept([batch(meta, 3)])
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    job = database.copy()
    try:
        job.set_autocommit(False)
        with job.cursor() as cursor:
            cursor.execute("SELECT 1 FROM conversations_webhookevent WHERE id = %s FOR UPDATE", [event.pk])
        process_left_events()
        assert not Message.objects.exists()
        job.rollback()
    finally:
        job.close()
    process_left_events()
    assert Message.objects.count() == 3


def test_a_job_leaves_what_waits_to_the_two_that_are_at_it(connection, meta):
    accepting.accept_for_later([batch(meta, 3)])
    with inbound.AT_IT, inbound.AT_IT:
        inbound.process_events()
        assert not Message.objects.exists()
    inbound.process_events()
    assert Message.objects.count() == 3


def test_what_came_while_a_job_was_ending_is_done_by_it(connection, meta):
    """Its own job has found two at it, and has gone."""
    accepting.accept_for_later([batch(meta, 1)])
    late = [batch(meta, 3)]

    def ends(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if 'processed_at" IS NULL' in sql and Message.objects.exists() and late:
            accepting.accept_for_later([late.pop()])
        return found

    with database.execute_wrapper(ends):
        inbound.process_events()
    assert Message.objects.count() == 4


def test_while_a_job_waits_what_is_accepted_needs_none_of_its_own(connection, meta):
    for _body in range(3):
        accepting.accept_for_later([batch(meta, 1)])
    assert jobs("process_events") == 1
    with database.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 minute'")  # it has failed
    accepting.accept_for_later([batch(meta, 1)])
    assert jobs("process_events") == 2


def test_a_job_that_begins_waits_for_what_counts_on_it(connection, meta):
    accepting.accept_for_later([batch(meta, 1)])
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            accepting.accept_for_later([batch(meta, 3)])
            job = pool.submit(in_a_thread, inbound.process_events)
            while not (job.done() or somebody_waits_for_a_lock()):
                time.sleep(0.01)
        job.result()
    assert jobs("process_events") == 1
    assert Message.objects.count() == 4


def in_a_thread(deed: Callable[[], None]) -> None:
    try:
        deed()
    finally:
        database.close()


def somebody_waits_for_a_lock() -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])
