"""A person writes and hands back while the agent thinks: no older thought is said, and nothing is thought twice."""

import pytest

from conversations.models import Conversation
from tests.conversations.test_takeover import post
from tests.test_story import simulated

pytestmark = pytest.mark.django_db(transaction=True)
BOOKED = "The table is booked for nine"


@pytest.fixture
def write_and_hand_back(api, tenant):
    """A person does both at once; perhaps the customer writes in between."""
    client = api(tenant)

    def act(between=lambda: None):
        conversation = Conversation.objects.get()
        assert post(client, conversation, "messages", {"text": BOOKED}).status_code == 201
        between()
        assert post(client, conversation, "resume").status_code == 200

    return act


def test_what_was_thought_before_a_persons_words_is_not_said_after_them(
    connection,
    model,
    meta,
    says,
    run_jobs,
    write_and_hand_back,
    while_the_model_thinks,
):
    while_the_model_thinks(write_and_hand_back)
    says("Is my table booked?")
    run_jobs()
    run_jobs(now=True)
    assert [message.body for message in meta.sent] == [BOOKED]
    assert not Conversation.objects.get().unheard().exists()


def test_what_is_asked_after_a_persons_words_is_asked_of_the_model_once(
    conversation, model, meta, says, run_jobs, write_and_hand_back
):
    write_and_hand_back(between=lambda: says("And the terrace?"))
    run_jobs()
    assert [message.body for message in meta.sent] == [BOOKED, simulated("And the terrace?")]
    assert len(model.requests) == 1


def test_what_is_asked_after_a_persons_words_is_answered_by_an_agent_that_knows_them(
    connection,
    model,
    meta,
    says,
    run_jobs,
    write_and_hand_back,
    while_the_model_thinks,
):
    while_the_model_thinks(lambda: write_and_hand_back(between=lambda: says("And the terrace?")))
    says("Is my table booked?")
    run_jobs()
    run_jobs(now=True)
    assert [message.body for message in meta.sent] == [BOOKED, simulated("And the terrace?")]
    assert [turn["content"] for turn in model.requests[-1].body["messages"]][-2:] == [BOOKED, "And the terrace?"]
    assert len(model.requests) == 2
