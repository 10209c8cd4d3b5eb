"""Loops and floods: the agent stops, staff see it, and nothing that is said is lost."""

import pytest

from conversations.limits import MOST_REPEATS
from conversations.models import Conversation, Decision, Message

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_machine_on_the_other_side_is_answered_only_so_often_an_hour(
    connection, model, meta, says, run_jobs, settings
):
    settings.TURNS_PER_HOUR = 3
    for number in range(5):
        says(f"I am not here, number {number}")
        run_jobs()
    assert len(meta.sent) == 3
    assert Message.objects.filter(direction="inbound").count() == 5
    conversation = Conversation.objects.get()
    assert (conversation.is_paused, conversation.paused_by) == (True, "limit")
    assert conversation.person_due_at
    assert Decision.objects.filter(word="limited").exists()


def test_the_same_words_again_and_again_stop_the_agent(connection, model, meta, says, run_jobs):
    for _time in range(MOST_REPEATS + 3):
        says("This is an automatic reply.")
        run_jobs()
    assert len(meta.sent) == MOST_REPEATS
    assert Message.objects.filter(direction="inbound").count() == MOST_REPEATS + 3


def test_a_flood_of_one_customer_is_stored_and_answered_in_few_turns(connection, model, meta, says, run_jobs):
    for number in range(40):
        says(f"message {number}")
    run_jobs()
    assert len(meta.sent) == 1
    assert Message.objects.filter(direction="inbound").count() == 40
