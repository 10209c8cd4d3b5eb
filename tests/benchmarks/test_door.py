"""What is looked at before the fast door's numbers are believed: fed a lost body or message, the benchmark ends."""

import pytest
from django.utils import timezone

from benchmarks import population
from benchmarks.backlog import _last_done
from benchmarks.bodies import Block, wamid
from benchmarks.load import Answer
from benchmarks.losses import _row, all_done_once, nothing_lost
from benchmarks.platform import FAST_DOOR, PRODUCT, _served
from conversations import accepting
from conversations.models import Conversation, Message, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)
BLOCK = Block("message", 9_000_000, 3)
LAST = wamid("message", BLOCK.people[2])


@pytest.fixture
def accepted() -> None:
    population.silent_customers(BLOCK, population.numbers())
    accepting.accept_for_later(list(BLOCK.bodies(int(timezone.now().timestamp()))))


def test_an_acknowledged_body_that_is_no_event_stops_the_benchmark(accepted):
    since = WebhookEvent.objects.earliest("received_at").received_at
    nothing_lost(BLOCK, since)
    WebhookEvent.objects.get(body__contains=LAST).delete()
    with pytest.raises(SystemExit, match=rf"door, events: 1 \({LAST}\) lost, 0 doubled"):
        nothing_lost(BLOCK, since)


def test_an_acknowledged_body_that_is_two_events_stops_the_benchmark(accepted):
    since = WebhookEvent.objects.earliest("received_at").received_at
    accepting.accept([WebhookEvent.objects.get(body__contains=LAST).body.encode() + b" "])
    with pytest.raises(SystemExit, match=rf"door, events: 0 lost, 1 \({LAST}\) doubled"):
        nothing_lost(BLOCK, since)


def test_a_message_that_the_worker_has_lost_stops_the_benchmark(accepted, run_jobs):
    with pytest.raises(SystemExit, match=r"door, message: 3 .* lost"):
        all_done_once(BLOCK)
    run_jobs()
    all_done_once(BLOCK)
    Message.objects.get(wamid=LAST).delete()
    with pytest.raises(SystemExit, match=rf"door, message: 1 \({LAST}\) lost"):
        all_done_once(BLOCK)


def test_nobody_is_answered_where_persons_of_the_business_speak(accepted, run_jobs):
    run_jobs()
    assert Message.objects.count() == Conversation.objects.filter(answer_held=True).count() == 3


def test_a_backlog_is_timed_until_the_last_of_it_was_done(accepted, run_jobs):
    first, *_others = WebhookEvent.objects.order_by("received_at")
    run_jobs()
    assert _last_done(first.received_at) == WebhookEvent.objects.latest("processed_at").processed_at


def test_a_kill_that_found_nobody_waiting_is_no_measurement():
    answers = [Answer(post, 0.0, 1.0, 0) for post in range(3)]
    with pytest.raises(SystemExit, match="nobody was waiting"):
        _row("the door is killed", answers, killed=2.0)


def test_the_fast_door_is_one_process_without_threads_and_else_as_the_dockerfile_says():
    plain, fast = _served(PRODUCT, 8123), _served(FAST_DOOR, 8123)
    assert fast[1:4] == [FAST_DOOR, "--bind", "127.0.0.1:8123"]
    assert set(fast) - set(plain) == {FAST_DOOR, "asgi", "1"}
    assert "--threads" not in fast
