"""A reply that is too long for one message goes out in parts: in order, each recorded, none alone, none twice."""

import pytest
from django.db import connection as database

from conversations.models import Conversation, Message
from conversations.sweeps import sweep
from tests.conftest import jobs

pytestmark = pytest.mark.django_db(transaction=True)

LONG = ["Primero va esto. " * 220, "Segundo va **esto**. " * 190, "Tercero va esto. " * 200]


@pytest.fixture
def asks(says):
    """A customer writes so much that the make-believe model, which repeats it, needs three messages."""

    def asks() -> None:
        for text in LONG:
            says(text.strip())

    return asks


@pytest.fixture
def fails_at_part_two(meta):
    """What comes behind the first message that Meta takes fails so."""

    def fails_at_part_two(kind: int | str) -> None:
        def arm(wamid: str) -> None:
            if len(meta.sent) == 1:
                meta.fail_next(kind, method_path_regex="send_text")

        meta.when_accepted.append(arm)

    return fails_at_part_two


def parts() -> list[Message]:
    return list(Message.objects.filter(direction="outbound").order_by("sequence"))


def states() -> list[str]:
    return [part.status for part in parts()]


def calls(meta) -> int:
    return sum(event.title == "graph.send_text" for event in meta.timeline)


def test_a_long_reply_goes_out_in_parts_and_in_order(connection, model, meta, asks, run_jobs):
    asks()
    run_jobs()
    assert states() == ["sent"] * 3
    assert [message.body for message in meta.sent] == [part.text for part in parts()]
    assert [message.wamid for message in meta.sent] == [part.wamid for part in parts()]
    assert all(len(part.text) <= 4096 for part in parts())
    said = " ".join(part.text for part in parts()).partition('"')[2].rstrip('"')
    assert said.split() == " ".join(LONG).replace("**", "*").split()
    assert len(model.requests) == 1
    assert Conversation.objects.get().answer_due_at is None


def test_the_first_part_answers_and_the_others_are_parts_of_it(connection, model, asks, run_jobs):
    asks()
    run_jobs()
    first, *others = parts()
    assert first.in_reply_to == Message.objects.get(text=LONG[-1].strip())
    assert first.part_of is None
    assert list(first.parts.order_by("sequence")) == others
    assert [(part.in_reply_to, part.llm_model, part.input_tokens) for part in others] == [(None, "", None)] * 2
    assert {part.said_at for part in others} == {first.said_at}


def test_the_next_turn_shows_the_parts_behind_each_other(connection, model, says, asks, run_jobs):
    asks()
    run_jobs()
    says("¿Y mañana?")
    run_jobs()
    turns = model.requests[-1].body["messages"]
    texts = [part.text for part in parts()[:3]]
    spoken = "".join(str(turn["content"]) for turn in turns if turn["role"] == "assistant")
    assert [spoken.index(text[:200]) for text in texts] == sorted(spoken.index(text[:200]) for text in texts)


def test_a_part_that_meta_could_not_take_is_sent_later_and_those_before_it_not_again(
    connection, model, meta, asks, fails_at_part_two, run_jobs
):
    fails_at_part_two("refused")
    asks()
    run_jobs()
    assert states() == ["sent", "drafted", "drafted"]
    assert jobs() == 1
    run_jobs(now=True)
    assert states() == ["sent"] * 3
    assert [message.body for message in meta.sent] == [part.text for part in parts()]
    assert len(model.requests) == 1


def test_a_part_that_meta_refuses_takes_those_behind_it_along(
    connection, model, meta, asks, fails_at_part_two, run_jobs
):
    fails_at_part_two(131026)
    asks()
    run_jobs()
    assert states() == ["sent", "failed", "failed"]
    assert [part.error_code for part in parts()] == [None, 131026, None]
    assert parts()[2].error == "Not sent: the part of the reply before it was not sent."
    assert calls(meta) == 2
    assert jobs() == 0


@pytest.fixture
def waiting(connection, model, meta, asks, fails_at_part_two, run_jobs):
    """Nobody knows what became of the second part, so the third one waits."""
    fails_at_part_two("timeout_after_accept")
    asks()
    run_jobs()
    assert states() == ["sent", "unknown", "drafted"]


def test_a_part_waits_until_a_status_tells_what_became_of_the_one_before_it(waiting, meta, deliver, run_jobs):
    sweep(timestamp=0)
    run_jobs(now=True)
    assert states() == ["sent", "unknown", "drafted"]
    assert jobs() == 0
    deliver(meta.status_update(meta.sent[1].wamid, "delivered"))
    sweep(timestamp=0)
    run_jobs()
    assert states() == ["sent", "delivered", "sent"]
    assert [message.body for message in meta.sent] == [part.text for part in parts()]


def test_a_part_fails_when_a_status_says_that_the_one_before_it_did(waiting, meta, deliver, run_jobs):
    deliver(meta.failed_update(meta.sent[1].wamid, 131026))
    sweep(timestamp=0)
    run_jobs()
    assert states() == ["sent", "failed", "failed"]
    assert calls(meta) == 2


def test_a_customer_who_writes_meanwhile_is_answered(waiting, meta, says, run_jobs):
    says("¿Y mañana?")
    run_jobs()
    assert states() == ["sent", "unknown", "drafted", "sent"]


def test_a_part_does_not_wait_for_ever(waiting, run_jobs):
    Message.objects.filter(status="drafted").update(created_at="2026-01-01T00:00Z")
    sweep(timestamp=0)
    run_jobs()
    assert states() == ["sent", "unknown", "failed"]
    assert parts()[2].error == "Not sent: nobody knows what became of the part before it."


@pytest.fixture
def left(connection, model, meta, asks, fails_at_part_two, run_jobs):
    """The worker died behind the first part, and its job with it."""
    fails_at_part_two("refused")
    asks()
    run_jobs()
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    Conversation.objects.update(answer_due_at="2026-01-01T00:00Z")


def test_a_worker_that_dies_between_two_parts_leaves_the_rest_to_another(left, meta, run_jobs):
    assert states() == ["sent", "drafted", "drafted"]
    sweep(timestamp=0)
    run_jobs()
    assert [message.body for message in meta.sent] == [part.text for part in parts()]


def test_a_worker_that_dies_while_it_sends_a_part_leaves_the_next_one_waiting(left, meta, run_jobs):
    second = parts()[1]
    Message.objects.filter(pk=second.pk).update(status="sending")
    sweep(timestamp=0)
    run_jobs()
    assert states() == ["sent", "sending", "drafted"]
    Message.objects.filter(pk=second.pk).update(status_at="2026-01-01T00:00Z")
    sweep(timestamp=0)
    run_jobs()
    assert states() == ["sent", "unknown", "drafted"]
    Message.objects.filter(pk=second.pk).update(status="sent")
    sweep(timestamp=0)
    run_jobs()
    assert states() == ["sent", "sent", "sent"]


def test_a_person_who_speaks_between_two_parts_silences_the_rest(connection, model, meta, asks, run_jobs):
    meta.when_accepted.append(lambda wamid: Conversation.objects.update(agent_paused_until="2999-01-01T00:00Z"))
    asks()
    run_jobs()
    assert states() == ["sent", "failed", "failed"]
    assert calls(meta) == 1


def test_a_rejected_token_keeps_all_parts_for_later(connection, model, meta, asks, run_jobs):
    meta.fail_next(190, method_path_regex="send_text")
    asks()
    run_jobs()
    assert states() == ["drafted"] * 3
    assert calls(meta) == 1


def test_the_models_markdown_reaches_the_phone_as_whatsapps_markup(connection, model, meta, says, run_jobs):
    says("**Horario**: ~~9~~ 10 h, https://cafe.example/a_b_c")
    run_jobs()
    assert meta.sent[0].body.endswith('You wrote: "*Horario*: ~9~ 10 h, https://cafe.example/a_b_c"')


def test_the_api_tells_what_is_a_part_of_what(connection, model, asks, run_jobs, api, tenant, stranger):
    asks()
    run_jobs()
    conversation = Conversation.objects.get()
    url = f"/v1/conversations/{conversation.pk}/messages"
    data = api(tenant).get(url).json()["data"]
    told = [message["part_of"] for message in data if message["direction"] == "outbound"]
    assert told == [str(parts()[0].pk)] * 2 + [None]
    assert api(stranger).get(url).status_code == 404
