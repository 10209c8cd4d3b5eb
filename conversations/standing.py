"""Where a conversation stands: what is drafted in it, what nobody has heard yet, and whether anything is still owed.

Knows rows, and how to ask for several at once; nothing of what follows from them.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from conversations import outbound
from conversations.models import Conversation, Message
from tenants.prepared import Given, Prepared, together

CONVERSATION = Prepared(
    lambda: Conversation.objects.filter(pk=Given("conversation")).select_related(
        "tenant", "connection", "whatsapp_user"
    )
)
UNHEARD = Prepared(lambda: Message.unheard_in(Given("conversation")).select_related("attachment__file"))


class Standing(NamedTuple):
    """A conversation with its tenant, number and customer; its drafts, and the messages that nobody has heard."""

    conversation: Conversation
    drafts: Sequence[Message]
    unheard: Sequence[Message]


def standing_of(conversation_id: UUID | str) -> Standing | None:
    """Where it stands now; None when it is part of another."""
    asked = (query.asked(conversation=conversation_id) for query in (CONVERSATION, outbound.DRAFTS, UNHEARD))
    [conversations, drafts, unheard] = together(*asked)
    return Standing(conversations[0], drafts, unheard) if conversations else None


def is_settled(conversation: Conversation) -> bool:
    """Nothing is owed any more; decided under the lock that every new message takes."""
    with transaction.atomic():
        locked = Conversation.locked(conversation.pk)
        if locked is None:
            return True
        waiting = locked.unheard().exists() or outbound.sendable().filter(conversation=locked).exists()
        if not waiting:
            Conversation.objects.filter(pk=locked.pk).update(answer_due_at=None, answer_held=False)
        return not waiting
