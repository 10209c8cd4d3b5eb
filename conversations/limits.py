"""When the agent stops: a machine on the other side, or somebody who floods. What they send is stored all the same.

Knows how much is too much; that the agent is silent then, and that staff see it, is the conversation's.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from conversations.models import PAUSE_FIELDS, Conversation, Message, Through, Writer
from conversations.reasons import MANY_TURNS, SAME_WORDS

AN_HOUR = timedelta(hours=1)
# The same words so often within so short a time are an auto-reply, not a person.
MOST_REPEATS = 5
REPEATS_WITHIN = timedelta(minutes=10)


def reason_to_stop(conversation: Conversation, unheard: Sequence[Message]) -> str:
    """Why the agent had better say nothing more here for a while; empty when all is well."""
    now = timezone.now()
    said = unheard[-1].text
    repeats = Q(said_at__gt=now - REPEATS_WITHIN, author=Message.Author.CUSTOMER, text=said)
    counted = conversation.messages.filter(said_at__gt=now - AN_HOUR).aggregate(
        answers=Count("pk", filter=Q(in_reply_to__isnull=False)), repeats=Count("pk", filter=repeats)
    )
    if counted["answers"] >= settings.TURNS_PER_HOUR:
        return MANY_TURNS % {"number": settings.TURNS_PER_HOUR}
    if said and counted["repeats"] > MOST_REPEATS:
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
