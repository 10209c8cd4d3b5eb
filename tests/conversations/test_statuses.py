"""Statuses in any order, repeated, early, or of messages nobody knows: a message only ever goes forward."""

import itertools
import json

import pytest

from conversations.models import Message, ParkedStatus, WebhookEvent
from conversations.sweeps import sweep
from tests.conftest import connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reply(connection, model, meta, says, run_jobs) -> Message:
    """An answer that Meta has taken."""
    says("Hola")
    run_jobs()
    return Message.objects.get(direction="outbound")


def with_status(body: bytes, **changes: object) -> bytes:
    """The same webhook with other words in its status; None takes one away."""
    payload = json.loads(body)
    [status] = payload["entry"][0]["changes"][0]["value"]["statuses"]
    status.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del status[name]
    return json.dumps(payload).encode()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_statuses_in_any_order_and_twice_end_at_the_highest(reply, meta, deliver, order):
    bodies = meta.status_updates(reply.wamid)
    for place in (*order, *order):
        assert deliver(bodies[place] + b" " * place) == 200
    reply.refresh_from_db()
    assert (reply.status, reply.pricing["category"]) == ("read", "service")


def test_a_status_without_a_recipient_is_joined_all_the_same(reply, meta, deliver):
    body = with_status(meta.status_update(reply.wamid, "read"), recipient_id=None, recipient_user_id=None)
    assert deliver(body) == 200
    reply.refresh_from_db()
    assert reply.status == "read"


def test_a_status_that_is_faster_than_our_own_send_is_joined_by_what_we_sent_along(reply, meta, deliver):
    wamid = reply.wamid
    Message.objects.filter(pk=reply.pk).update(status="sending", wamid=None)
    assert deliver(meta.status_update(wamid, "delivered")) == 200
    reply.refresh_from_db()
    assert (reply.status, reply.wamid) == ("delivered", wamid)


def test_a_status_of_an_unknown_message_is_parked_and_joined_when_the_message_appears(reply, meta, deliver):
    wamid = reply.wamid
    Message.objects.filter(pk=reply.pk).update(status="sending", wamid=None)
    for status in ("read", "sent"):
        assert deliver(with_status(meta.status_update(wamid, status), biz_opaque_callback_data=None)) == 200
    assert ParkedStatus.objects.count() == 2
    Message.objects.filter(pk=reply.pk).update(status="sent", wamid=wamid)
    sweep(timestamp=0)
    reply.refresh_from_db()
    assert (reply.status, reply.pricing["category"]) == ("read", "service")
    assert not ParkedStatus.objects.exists()


def test_a_status_of_another_tenants_message_moves_nothing(reply, stranger, meta, deliver):
    other = connect(stranger, meta, 2)
    body = meta.status_update(reply.wamid, "read")
    ours, theirs = reply.connection.phone_number_id.encode(), other.phone_number_id.encode()
    assert deliver(body.replace(ours, theirs)) == 200
    reply.refresh_from_db()
    assert reply.status == "sent"
    assert ParkedStatus.objects.get().tenant == stranger


def test_a_failed_status_keeps_code_and_reason_and_is_the_end(reply, meta, deliver):
    assert deliver(meta.failed_update(reply.wamid, 131026)) == 200
    assert deliver(meta.status_update(reply.wamid, "delivered")) == 200
    reply.refresh_from_db()
    assert (reply.status, reply.error_code, bool(reply.error)) == ("failed", 131026, True)


@pytest.mark.parametrize("changes", [{"status": "in_orbit"}, {"timestamp": "soon"}, {"id": None}, {"id": {}}])
def test_a_bad_status_does_not_harm_the_one_beside_it(reply, meta, deliver, changes):
    good = meta.status_update(reply.wamid, "read")
    assert deliver(meta.combine(with_status(good, **changes), good)) == 200
    reply.refresh_from_db()
    assert reply.status == "read"
    assert WebhookEvent.objects.latest("received_at").error == ""


def test_a_thousand_statuses_cost_as_many_queries_as_one(reply, meta, deliver, django_assert_max_num_queries):
    value = {
        "metadata": {"phone_number_id": reply.connection.phone_number_id},
        "statuses": [
            {
                "id": f"wamid.{number % 500}",
                "status": "delivered" if number < 500 else "read",
                "timestamp": "1795000000",
            }
            for number in range(1000)
        ],
    }
    Message.objects.bulk_create(
        Message(
            tenant=reply.tenant,
            connection=reply.connection,
            conversation=reply.conversation,
            sequence=100 + number,
            direction="outbound",
            author="agent",
            status="sent",
            wamid=f"wamid.{number}",
        )
        for number in range(500)
    )
    body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    with django_assert_max_num_queries(16):
        assert deliver(json.dumps(body).encode()) == 200
    assert Message.objects.filter(status="read").count() == 500
