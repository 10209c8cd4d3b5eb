"""Keeps why things were decided as they were, so that "why no reply?" has an answer.

Knows where decisions are kept; nothing of how they are made.
"""

import logging
from collections.abc import Sequence

from django.db import DatabaseError
from django.db.models import Model, Q

from conversations.models import Decision, Message
from tenants.bulk import insert_each, inserting
from tenants.prepared import Asked, Given, Prepared, together
from tenants.transactions import contained

logger = logging.getLogger(__name__)

Word = Decision.Word
# What may be found again and again while nothing changes: told once.
STATES = (Word.NOT_CONNECTED, Word.PAUSED, Word.MEDIA_AWAITED, Word.UNAVAILABLE)

FIRST_OF_ALL = Prepared(
    lambda: (
        Decision.objects.filter(conversation=Given("conversation"), last=Given("last"))
        .order_by("first")
        .values_list("first", flat=True)[:1]
    )
)


def note(messages: Sequence[Message], word: Decision.Word, detail: str = "") -> None:
    """Keeps this decision about these messages; a state that lasts is told once."""
    if messages:
        decision = decided(messages, word, detail)
        if word not in STATES or not _is_told(decision):
            insert_each([decision])


def decided(messages: Sequence[Message], word: Decision.Word, detail: str = "") -> Decision:
    """The same about at least one message, not stored yet: for somebody who does it with others."""
    return _decision(messages[0], messages[-1].sequence, word, detail)


def keep(records: Sequence[Model]) -> None:
    """Stores what tells of things that have happened already, at Meta too, in one commit. When it cannot, the rest goes
    on."""
    if not records:
        return
    try:
        with contained():
            together(*(inserting([record]) for record in records))
    except DatabaseError:
        logger.exception("%s records were not kept", len(records))


def _decision(first: Message, last: int, word: Decision.Word, detail: str = "") -> Decision:
    return Decision(
        tenant_id=first.tenant_id,
        conversation_id=first.conversation_id,
        first=first.sequence,
        last=last,
        word=word,
        detail=detail[:500].replace("\0", ""),
    )


def note_repeats(messages: Sequence[Message]) -> None:
    """Meta has sent these once more. Kept once for each, however often it does."""
    if not messages:
        return
    of = Q(*(Q(conversation=m.conversation_id, last=m.sequence) for m in messages), _connector=Q.OR)
    told = set(Decision.objects.filter(of, word=Word.REPEATED).values_list("conversation", "last"))
    new = {(m.conversation_id, m.sequence): m for m in messages if (m.conversation_id, m.sequence) not in told}
    Decision.objects.bulk_create(
        Decision(
            tenant_id=message.tenant_id,
            conversation_id=message.conversation_id,
            first=message.sequence,
            last=message.sequence,
            word=Word.REPEATED,
        )
        for message in new.values()
    )


def note_about_answer(answer: Message, word: Decision.Word, detail: str = "") -> None:
    """The same about everything that this message of ours answers. When it cannot be kept, the rest goes on."""
    if heard := heard_by(answer):
        keep([decided_about(heard, first_heard(heard).now(), word, detail)])


def heard_by(answer: Message) -> Message | None:
    """The last message that this one of ours answers; a part of a long reply answers what the first does."""
    return (answer.part_of or answer).in_reply_to


def first_heard(heard: Message) -> Asked[list[int]]:
    """With which message begins what was answered up to this one: decided when the answer was drafted, if it was."""
    return FIRST_OF_ALL.asked(conversation=heard.conversation_id, last=heard.sequence)


def decided_about(heard: Message, first: Sequence[int], word: Decision.Word, detail: str = "") -> Decision:
    """A decision about what was answered up to this message, not stored yet."""
    decision = _decision(heard, heard.sequence, word, detail)
    decision.first = min(first, default=heard.sequence)
    return decision


def decisions_about(message: Message) -> list[Decision]:
    """What was decided about a message, the oldest first."""
    about = Decision.objects.filter(conversation=message.conversation_id, last__gte=message.sequence)
    return list(about.filter(first__lte=message.sequence).order_by("at", "id"))


def answer_to(message: Message) -> Message | None:
    """What a message was answered with: the first reply that has heard it."""
    replies = Message.objects.filter(conversation=message.conversation_id, in_reply_to__sequence__gte=message.sequence)
    return replies.select_related("attachment__file").order_by("in_reply_to__sequence").first()


def _is_told(decision: Decision) -> bool:
    """Whether it is the last thing that was told of these messages."""
    last = Decision.objects.filter(conversation=decision.conversation).order_by("-last", "-id").first()
    facts = (decision.first, decision.last, decision.word, decision.detail)
    return last is not None and (last.first, last.last, last.word, last.detail) == facts
