"""What each thing costs the database, in statements: a webhook, a turn, a call. Pages: `config/test_backoffice`.

Statements and not seconds: they cost a round trip each, and nothing else about speed is the same on every machine.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from agent.providers import close_provider
from conversations.models import Conversation, Message
from conversations.tasks import answer
from tests.conftest import connect

pytestmark = pytest.mark.django_db(transaction=True)
# With the begin and the end of the transaction.
NEW_CUSTOMER, KNOWN_CUSTOMER, DUPLICATE, STATUS = 7, 4, 4, 4
# Without the queue's own, which are six round trips more.
TURN, QUICK_TURN = 7, 6
CALLS = {
    "/v1/conversations": 2,
    "/v1/conversations/{}/messages": 4,
    "/v1/conversations/{}/messages/{}/trace": 4,
    "/v1/whatsapp/connection": 3,
    "/v1/whatsapp/connections": 3,
    "/v1/agent/system-prompt": 3,
}


@pytest.fixture
def of_every_thread() -> Iterator[list[str]]:
    """The statements of the worker's threads too, each of which has a connection of its own."""
    told: list[str] = []

    def tell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        told.append(sql)
        return execute(sql, params, many, context)

    def listen(connection: BaseDatabaseWrapper, **signal: Any) -> None:
        if tell not in connection.execute_wrappers:
            connection.execute_wrappers.append(tell)

    connection_created.connect(listen)
    yield told
    connection_created.disconnect(listen)
    database.execute_wrappers[:] = [wrapper for wrapper in database.execute_wrappers if wrapper is not tell]


def test_a_message_of_a_new_customer(connection, says, django_assert_max_num_queries):
    with django_assert_max_num_queries(NEW_CUSTOMER):
        says("Hola")


def test_a_message_of_a_known_customer(connection, conversation, model, says, run_jobs, django_assert_max_num_queries):
    run_jobs()
    with django_assert_max_num_queries(KNOWN_CUSTOMER):
        says("Hola otra vez")


def test_a_body_that_comes_again(connection, says, deliver, django_assert_max_num_queries):
    body = says("Hola")
    with django_assert_max_num_queries(DUPLICATE):
        assert deliver(body) == 200


def test_a_status(conversation, model, meta, run_jobs, deliver, django_assert_max_num_queries):
    run_jobs()
    [sent] = meta.sent
    body = meta.status_update(sent.wamid, "delivered")
    with django_assert_max_num_queries(STATUS):
        assert deliver(body) == 200
    assert Message.objects.get(direction="outbound").status == "delivered"


async def speak(conversation: Conversation) -> None:
    """The agent's turn, without the queue around it, whose own statements are six."""
    try:
        await answer(str(conversation.pk))
    finally:
        await close_provider()


@pytest.mark.parametrize(("wait", "most"), [(0, QUICK_TURN), (0.05, TURN)])
def test_a_turn(tenant, connection, conversation, model, says, run_jobs, of_every_thread, wait, most):
    tenant.wait_seconds = wait
    tenant.save()
    run_jobs()
    says("Hola otra vez")
    of_every_thread.clear()
    asyncio.run(speak(conversation))
    assert Message.objects.filter(status="sent").count() == 2
    assert len(of_every_thread) <= most, "\n".join(of_every_thread)


@pytest.mark.parametrize("path", CALLS)
def test_a_call_of_the_api(path, tenant, conversation, model, api, run_jobs, django_assert_max_num_queries):
    run_jobs()
    client, message = api(tenant), Message.objects.first()
    assert message is not None
    client.get("/v1/conversations")  # the use of a key is noted once a minute
    with django_assert_max_num_queries(CALLS[path]):
        assert client.get(path.format(conversation.pk, message.pk)).status_code == 200


def test_another_number_costs_a_list_nothing_more(tenant, connection, meta, api, django_assert_max_num_queries):
    connect(tenant, meta, 1)
    client = api(tenant)
    client.get("/v1/conversations")
    with django_assert_max_num_queries(CALLS["/v1/whatsapp/connections"]):
        assert len(client.get("/v1/whatsapp/connections").json()["data"]) == 2
