"""Real processes, really killed in the middle of a turn: the customer has exactly one answer all the same."""

import time

import pytest

from conversations.models import Conversation, Message
from tests.processes import Platform, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def settled() -> bool:
    return not Conversation.objects.filter(answer_due_at__isnull=False).exists()


def answered_once(platform: Platform) -> None:
    """One answer on the phone, read; one row of it, read; and nothing is owed any more."""
    wait_for(lambda: platform.replies() == ["read"])
    wait_for(lambda: list(Message.objects.filter(direction="outbound").values_list("status", flat=True)) == ["read"])
    wait_for(settled)
    assert platform.replies() == ["read"]


def test_a_worker_killed_while_the_agent_thinks(platform):
    platform.customer_writes("Hola")
    wait_for(lambda: platform.happened("graph.mark_read"))
    platform.kill("worker")
    platform.start("worker")
    answered_once(platform)


def test_a_worker_killed_while_meta_takes_the_message(platform):
    platform.call("failures", {"kind": "slow"})
    platform.customer_writes("Hola")
    wait_for(lambda: platform.happened("graph.send_text"))
    platform.kill("worker")
    platform.start("worker")
    answered_once(platform)


def test_a_web_process_killed_between_the_message_and_its_answer(platform):
    platform.customer_writes("Hola")
    wait_for(lambda: platform.happened("graph.mark_read"))
    platform.kill("web")
    wait_for(lambda: platform.replies() != [])
    platform.start("web")
    answered_once(platform)


def test_a_message_that_comes_while_no_web_process_is_there(platform):
    platform.kill("web")
    platform.customer_writes("Hola")
    time.sleep(0.5)
    platform.start("web")
    answered_once(platform)


def test_meta_and_the_model_killed_while_the_agent_thinks(platform):
    platform.customer_writes("Hola")
    wait_for(lambda: platform.happened("graph.mark_read"))
    platform.kill("sandbox")
    platform.start("sandbox")
    answered_once(platform)
