"""Turns: quick messages get one answer, newer words drop the one that is being made, and every tenant gets its turn."""

import re
from datetime import timedelta
from itertools import count
from threading import Event

import pytest
import requests
import responses
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from agent.models import SystemPrompt
from conversations.models import Conversation, Message, WhatsappUser
from conversations.patience import seconds_left
from conversations.sweeps import queue_left_answers
from conversations.tasks import queue_answers
from conversations.turns import MOST_DROPPED
from tenants.models import Tenant
from tests.conftest import connect
from whatsapp.models import WhatsappConnection

pytestmark = pytest.mark.django_db(transaction=True)


def answers(meta) -> list[str]:
    """What the customers' phones show, without what the make-believe model says of itself."""
    return [message.body.split("You wrote: ")[1] for message in meta.sent]


def test_what_is_written_while_the_agent_thinks_is_answered_together(
    connection, meta, says, run_jobs, while_the_model_thinks
):
    while_the_model_thinks(lambda: says("¿y mañana?"))
    says("¿abrís hoy?")
    run_jobs()
    assert answers(meta) == ['"¿abrís hoy? ¿y mañana?"']
    assert Message.objects.filter(direction="outbound").count() == 1


def test_who_never_stops_is_answered_all_the_same(connection, meta, says, run_jobs, while_the_model_thinks):
    more = count(2)
    while_the_model_thinks(lambda: says(str(next(more))), times=MOST_DROPPED + 1)
    says("1")
    run_jobs()
    assert answers(meta) == ['"1 2 3"', '"4"']
    replies = Message.objects.filter(direction="outbound").order_by("sequence")
    assert list(replies.values_list("in_reply_to__text", flat=True)) == ["3", "4"]


def test_a_reaction_while_the_agent_thinks_drops_nothing(
    connection, meta, says, sends, run_jobs, while_the_model_thinks
):
    while_the_model_thinks(lambda: sends("reaction"))
    says("gracias")
    run_jobs()
    assert answers(meta) == ['"gracias"']


def test_the_model_thinks_while_meta_shows_typing(connection, meta, says, run_jobs, while_the_model_thinks):
    thinks, shown = Event(), []
    while_the_model_thinks(thinks.set)

    def show_typing(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        shown.append(thinks.wait(10))
        return 200, {}, '{"success": true}'

    with responses.RequestsMock() as mock:
        mock.add_callback("POST", re.compile(".*/messages"), callback=show_typing)
        mock.post(re.compile(".*/messages"), json={"messages": [{"id": "wamid.answer"}]})
        says("¿abrís hoy?")
        run_jobs()
    assert shown == [True]
    assert Message.objects.get(direction="outbound").wamid == "wamid.answer"


def test_an_access_that_is_lost_as_typing_is_shown_delays_the_answer_and_loses_nothing(
    connection, model, meta, says, run_jobs
):
    meta.fail_next(190, method_path_regex="mark_read")
    says("¿abrís hoy?")
    run_jobs()
    connection.refresh_from_db()
    assert (connection.status, meta.sent) == ("RECONNECT", [])
    assert Message.objects.get(direction="outbound").status == "drafted"
    connection.connected()
    Conversation.objects.update(answer_due_at=timezone.now() - timedelta(minutes=1))
    queue_left_answers()
    run_jobs()
    assert answers(meta) == ['"¿abrís hoy?"']
    assert Conversation.objects.get().answer_due_at is None


def unheard(*said: tuple[str, float]) -> list[Message]:
    """Texts, each with the seconds since it came."""
    return [Message(type="text", text=text, created_at=timezone.now() - timedelta(seconds=ago)) for text, ago in said]


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ([("Hola", 0)], 1.4, 1.5),
        ([("¿A qué hora abrís?", 0)], 0.5, 0.6),
        ([("¿A qué hora abrís?", 1)], 0, 0),
        ([("una cosa", 1), ("es que", 0)], 1.8, 1.9),
        ([("one", 9), ("two", 0)], 0, 0),
    ],
)
def test_the_agent_waits_shortly_after_a_sentence_and_longer_while_messages_keep_coming(said, least, most):
    tenant = Tenant(wait_seconds=1.5)
    assert least <= seconds_left(unheard(*said), tenant) <= most


def test_a_tenant_can_have_no_patience_at_all():
    assert seconds_left(unheard(("Hola", 0)), Tenant(wait_seconds=0)) == 0


def test_a_burst_that_arrives_bit_by_bit_is_answered_once(connection, model, meta, says, run_jobs):
    Tenant.objects.update(wait_seconds=0.2)
    for text in ("Hola", "una pregunta", "¿abrís hoy?"):
        says(text)
    run_jobs()
    assert answers(meta) == ['"Hola una pregunta ¿abrís hoy?"']


def waiting(connection: WhatsappConnection, number: int) -> list[Conversation]:
    """So many conversations of the tenant that are due, with their jobs."""
    users = WhatsappUser.objects.bulk_create(
        WhatsappUser(tenant=connection.tenant, wa_id=str(34600200000 + n)) for n in range(number)
    )
    due = Conversation.objects.bulk_create(
        Conversation(tenant=connection.tenant, connection=connection, whatsapp_user=user, answer_due_at=timezone.now())
        for user in users
    )
    queue_answers(due)
    return due


def test_a_tenant_with_many_waiting_conversations_does_not_hold_up_another(connection, stranger, meta):
    waiting(connection, 500)
    [theirs] = waiting(connect(stranger, meta, 2), 1)
    queue = ProcrastinateJob.objects.order_by("-priority", "id").values_list("args", flat=True)
    places = [args["conversation_id"] for args in queue]
    assert places.index(str(theirs.pk)) <= 2


def test_the_order_within_one_tenant_is_the_order_of_waiting(connection):
    due = waiting(connection, 50)
    queue = ProcrastinateJob.objects.order_by("-priority", "id").values_list("args", flat=True)
    assert [args["conversation_id"] for args in queue] == [str(conversation.pk) for conversation in due]


def test_without_a_prompt_the_agent_says_nothing_and_why(connection, model, meta, says, run_jobs):
    SystemPrompt.objects.update(is_active=False)
    says("Hola")
    run_jobs()
    assert meta.sent == []
    assert "no active system prompt" in Message.objects.get(direction="outbound").error
