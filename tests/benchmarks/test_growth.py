"""The tables that the benchmarks fill look as the product would have filled them, and its pages can be read there."""

import pytest
from django.db.models import F, Max

from benchmarks.filling import Archive, size_of
from benchmarks.growth import Look, Places, Took, _row
from conversations.models import Conversation, Message, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGES = 6_000


@pytest.fixture
def archive() -> Archive:
    archive = Archive()
    archive.grow_to(MESSAGES // 2)
    archive.grow_to(MESSAGES)
    return archive


def test_every_conversation_is_whole(archive):
    sizes = dict(Conversation.objects.annotate(last=Max("messages__sequence")).values_list("last_sequence", "last"))
    assert all(last_sequence == last for last_sequence, last in sizes.items())
    assert Message.objects.count() == archive.messages == sum(map(size_of, range(archive.talks)))
    assert archive.messages >= MESSAGES


def test_every_answer_is_one_to_what_the_customer_said_before_it(archive):
    answers = Message.objects.filter(direction="outbound")
    ours = answers.filter(in_reply_to__direction="inbound", in_reply_to__conversation=F("conversation"))
    assert answers.count() == ours.filter(in_reply_to__sequence=F("sequence") - 1).count() > 0


def test_events_are_those_of_messages(archive):
    of_messages = Message.objects.filter(event__isnull=False, event__received_at=F("said_at"))
    assert WebhookEvent.objects.count() == of_messages.count() > 0


def test_every_page_that_is_measured_can_be_read(archive):
    before = Message.objects.count()
    for look in Places(archive).looks():
        look.do(1)
    assert Message.objects.count() == before + 1, "one new message; its repetition and the purge changed nothing"


def test_what_takes_longer_as_the_tables_grow_misses_its_target():
    look = Look("a list", lambda place: None, most=2)
    assert (
        str(_row(look, [Took(10, 1), Took(19, 2)]))
        == "| a list | 10 → 19 ms, SQL 1 → 2 (1.9 ×) | ≤ 2 ×, ≤ 50 ms | ok |"
    )
    assert _row(look, [Took(10, 1), Took(21, 2)]).is_met is False
    assert _row(look, [Took(40, 1), Took(51, 2)]).is_met is False
