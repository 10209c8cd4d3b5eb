"""When the agent stops: a machine on the other side, or somebody who floods. What they send is stored all the same.

Knows how much is too much; that the agent is silent then, and that staff see it, is the conversation's.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from conversations.models import PAUSE_FIELDS, Conversation, Message, Through, Writer
from conversations.reasons import MANY_TURNS, SAME_WORDS
from tenants.prepared import Asked, Given, Prepared

AN_HOUR = timedelta(hours=1)
# The same words so often within so short a time are an auto-reply, not a person.
MOST_REPEATS = 5
REPEATS_WITHIN = timedelta(minutes=10)


def _counts() -> QuerySet[Message, tuple[int, int]]:
    """How often the agent has answered lately, and how often the customer has said the same; nothing for never."""
    lately = Message.objects.filter(conversation=Given("conversation"), said_at__gt=Given("an_hour_ago"))
    same = Q(said_at__gt=Given("a_moment_ago"), author=Message.Author.CUSTOMER, text=Given("said"))
    by_agent = Q(in_reply_to__isnull=False)
    in_all = lately.order_by().values("conversation")
    counted = in_all.annotate(answers=Count("pk", filter=by_agent), same=Count("pk", filter=same))
    return counted.values_list("answers", "same")


COUNTS = Prepared(_counts)


def counts(conversation: Conversation, unheard: Sequence[Message]) -> Asked[list[tuple[int, int]]]:
    """What `reason_to_stop` has to know: to be asked for together with other things."""
    now = timezone.now()
    since = {"an_hour_ago": now - AN_HOUR, "a_moment_ago": now - REPEATS_WITHIN}
    return COUNTS.asked(conversation=conversation.pk, said=unheard[-1].text, **since)


def reason_to_stop(counted: Sequence[tuple[int, int]], unheard: Sequence[Message]) -> str:
    """Why the agent had better say nothing more here for a while; empty when all is well."""
    answers, same = counted[0] if counted else (0, 0)
    if answers >= settings.TURNS_PER_HOUR:
        return MANY_TURNS % {"number": settings.TURNS_PER_HOUR}
    if unheard[-1].text and same > MOST_REPEATS:
        return SAME_WORDS % {"number": MOST_REPEATS}
    return ""


def stop(conversation: Conversation, why: str) -> None:
    """The agent is silent for an hour, and the conversation is on the staff's list."""
    with transaction.atomic():
        row = Conversation.locked(conversation.pk)
        if row is None:
            return
        row.silence(timezone.now() + AN_HOUR, Writer(Through.LIMIT), why)
        row.person_due_at = row.person_due_at or timezone.now()
        row.save(update_fields=PAUSE_FIELDS)
