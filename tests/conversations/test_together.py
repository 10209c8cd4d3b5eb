"""Webhooks that come at the same time share a transaction: each is stored once, and gets an answer of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db import connection as database
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import Client

from conversations import inbound
from conversations.models import Conversation, Message, WebhookEvent
from conversations.together import Together
from tests.conftest import WEBHOOK, jobs
from tests.processes import CUSTOMER
from whatsapp.sandbox.meta import DEMO, Meta
from whatsapp.signature import sign

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 20
EVENTS = WebhookEvent._meta.db_table


@pytest.fixture
def post_all(settings) -> Callable[[list[bytes]], list[int]]:
    """All of these at the same time, each by a thread of its own; returns the statuses of our answers."""

    def post(body: bytes, everybody: Barrier) -> int:
        client = Client(raise_request_exception=False)
        headers = {"X-Hub-Signature-256": sign(body, settings.META_APP_SECRET)}
        try:
            everybody.wait()
            return client.post(WEBHOOK, body, content_type="application/json", headers=headers).status_code
        finally:
            connections.close_all()

    def post_all(bodies: list[bytes]) -> list[int]:
        everybody = Barrier(len(bodies))
        with ThreadPoolExecutor(len(bodies)) as threads:
            return list(threads.map(lambda body: post(body, everybody), bodies))

    return post_all


@contextmanager
def every_connection(tell: Callable[..., Any]) -> Iterator[None]:
    """`tell` is around each statement of each thread."""

    def listen(connection: BaseDatabaseWrapper, **signal: Any) -> None:
        connection.execute_wrappers.append(tell)

    connection_created.connect(listen)
    try:
        yield
    finally:
        connection_created.disconnect(listen)


def bodies_of(meta: Meta, number: int, customers: int = 7) -> list[bytes]:
    return [
        meta.customer_writes(DEMO.phone_number_id, str(34600100000 + n % customers), "L", f"No. {n}")
        for n in range(number)
    ]


def test_twenty_at_once_are_each_stored_once_by_fewer_transactions(connection, meta, post_all):
    stored: list[str] = []

    def tell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if f"INSERT INTO {EVENTS}" in str(sql):
            stored.append(sql)
        return execute(sql, params, many, context)

    with every_connection(tell):
        assert post_all(bodies_of(meta, MANY)) == [200] * MANY
    assert len(stored) < MANY
    assert Message.objects.count() == WebhookEvent.objects.exclude(processed_at=None).count() == MANY
    assert sorted(Message.objects.values_list("text", flat=True)) == sorted(f"No. {n}" for n in range(MANY))
    assert Conversation.objects.count() == jobs() == 7


def test_the_same_body_many_times_at_once_is_done_once(connection, meta, post_all):
    [body] = bodies_of(meta, 1)
    assert post_all([body] * MANY) == [200] * MANY
    assert WebhookEvent.objects.get().outcome == {"message": 1}
    assert Message.objects.count() == jobs() == 1


def test_a_poisoned_one_does_not_spoil_those_beside_it(connection, meta, post_all):
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE conversations_message ADD CONSTRAINT poison CHECK (text <> 'No. 11')")
    try:
        assert post_all(bodies_of(meta, MANY)) == [200] * MANY
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE conversations_message DROP CONSTRAINT poison")
    assert Message.objects.count() == MANY - 1
    [failed] = WebhookEvent.objects.exclude(error="")
    assert "No. 11" in failed.body
    assert failed.outcome == {"failed": 1}


def test_a_large_one_is_left_to_a_job_and_the_others_are_done(connection, meta, post_all, run_jobs, monkeypatch):
    large = meta.history(DEMO.phone_number_id, CUSTOMER, 10)
    monkeypatch.setattr(inbound, "MOST_IN_REQUEST", len(large) - 1)
    assert post_all([large, *bodies_of(meta, MANY)]) == [200] * (MANY + 1)
    assert Message.objects.count() == MANY
    run_jobs()
    assert Message.objects.filter(content__imported=True).count() == 10


def test_one_that_cannot_be_stored_is_refused_alone(connection, meta, post_all):
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {EVENTS} ADD CONSTRAINT poison CHECK (body NOT LIKE '%%No. 11%%')")
    try:
        assert sorted(post_all(bodies_of(meta, MANY))) == [200] * (MANY - 1) + [500]
    finally:
        with database.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {EVENTS} DROP CONSTRAINT poison")
    assert Message.objects.count() == WebhookEvent.objects.count() == MANY - 1


def test_while_the_database_is_gone_each_is_told_to_come_again(connection, meta, post_all):
    def gone(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    bodies = bodies_of(meta, MANY)
    with every_connection(gone):
        assert post_all(bodies) == [500] * MANY
    assert not WebhookEvent.objects.exists()
    assert post_all(bodies) == [200] * MANY
    assert Message.objects.count() == MANY


def test_whoever_leads_and_dies_leaves_nobody_waiting():
    everybody, left = Barrier(MANY), [True]

    def do(bodies: Sequence[bytes]) -> list[Exception | None]:
        if left and left.pop():
            raise SystemExit
        return [None] * len(bodies)

    together = Together(do)

    def come(number: int) -> str:
        everybody.wait()
        try:
            together.do(b"%d" % number)
        except SystemExit:
            return "gone"
        return "done"

    with ThreadPoolExecutor(MANY) as threads:
        ends = list(threads.map(come, range(MANY), timeout=20))
    assert set(ends) == {"done", "gone"}
    together.do(b"later")


def test_what_holds_up_some_holds_up_nobody_else():
    """A row that somebody keeps, for longer than anybody likes to wait."""
    let_go = Event()

    def do(bodies: Sequence[bytes]) -> list[Exception | None]:
        if b"0" in bodies:
            assert let_go.wait(20)
        return [None] * len(bodies)

    together = Together(do)
    with ThreadPoolExecutor(MANY) as threads:
        held_up = threads.submit(together.do, b"0")
        others = [threads.submit(together.do, b"%d" % number) for number in range(1, MANY)]
        for other in others:
            other.result(20)
        assert not held_up.done()
        let_go.set()
        held_up.result(20)
